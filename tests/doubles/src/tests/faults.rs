//! Faults: reset connections, answers cut in half, and requests that hang.

use std::time::Duration;

use super::PATIENCE;
use crate::loopback::{open, send};
use crate::{Fault, Stub, slack};

#[tokio::test]
async fn reset_closes_the_connection_without_a_byte() {
    let double = slack::start().await;
    double.stub(Stub::failing("POST", "/a", Fault::Reset)).unwrap();
    let reply = send(&double.url(), "POST", "/a", &[], "{}");
    assert_eq!((reply.status, reply.head.len(), reply.body.as_str()), (0, 0, ""));
}

#[tokio::test]
async fn half_fault_breaks_off_in_the_middle() {
    let double = slack::start().await;
    double
        .stub(Stub {
            fault: Some(Fault::Half),
            ..Stub::answering("GET", "/a", 200, "0123456789")
        })
        .unwrap();
    let reply = send(&double.url(), "GET", "/a", &[], "");
    assert_eq!(
        (reply.status, reply.header("content-length"), reply.body.as_str()),
        (200, Some("10"), "01234")
    );
}

#[tokio::test]
async fn half_fault_without_body_cuts_the_regular_answer() {
    let double = slack::start().await;
    double
        .stub(Stub::failing("POST", "/api/auth.test", Fault::Half).times(1))
        .unwrap();
    let call = || {
        send(
            &double.url(),
            "POST",
            "/api/auth.test",
            &[("authorization", "Bearer x")],
            "",
        )
    };
    let (broken, whole) = (call(), call());
    assert_eq!(broken.header("content-length"), whole.header("content-length"));
    assert_eq!(broken.body, whole.body[..whole.body.len() / 2]);
}

#[tokio::test]
async fn hanging_request_does_not_block_others() {
    use std::io::{ErrorKind, Read};
    let double = slack::start().await;
    double.stub(Stub::failing("GET", "/a", Fault::Hang)).unwrap();
    let mut hanging = open(&double.url(), "GET", "/a", &[], "");
    double.wait_for(PATIENCE, |requests| requests.len() == 1).await.unwrap();
    assert_eq!(send(&double.url(), "GET", "/b", &[], "").status, 404);
    hanging.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let kind = hanging.read(&mut [0; 1]).unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind}");
}
