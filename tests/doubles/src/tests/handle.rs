//! The handle of a double: it waits for requests, and dropping it closes the port.

use std::time::Duration;

use super::PATIENCE;
use crate::loopback::{open, send};
use crate::{Fault, Recorded, Stub, slack};

#[tokio::test]
async fn wait_returns_the_request_or_lists_those_seen() {
    let double = slack::start().await;
    let url = double.url();
    let sender = std::thread::spawn(move || {
        send(&url, "GET", "/one", &[], "");
        send(&url, "GET", "/two", &[], "");
    });
    let two = |requests: &[Recorded]| requests.iter().any(|request| request.path == "/two");
    assert_eq!(double.wait_for(PATIENCE, two).await.unwrap().len(), 2);
    sender.join().unwrap();
    let seen = double
        .wait_for(Duration::from_millis(20), |requests| requests.len() > 2)
        .await
        .unwrap_err();
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn dropped_double_closes_its_port_and_connections() {
    use std::io::Read;
    let double = slack::start().await;
    let host = double.url().trim_start_matches("http://").to_owned();
    double.stub(Stub::failing("GET", "/a", Fault::Hang)).unwrap();
    let mut hanging = open(&double.url(), "GET", "/a", &[], "");
    double.wait_for(PATIENCE, |requests| requests.len() == 1).await.unwrap();
    drop(double);
    assert_eq!(hanging.read(&mut [0; 1]).unwrap_or(0), 0);
    #[expect(
        clippy::disallowed_methods,
        reason = "the test checks whether the double still listens"
    )]
    std::net::TcpStream::connect(host).unwrap_err();
}
