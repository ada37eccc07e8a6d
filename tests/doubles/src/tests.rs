//! The control interface and the faults, over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::loopback::{Reply, open, send};
use super::{Fault, Recorded, Stub, slack};

const PATIENCE: Duration = Duration::from_secs(10);

fn put_stub(base: &str, stub: &Value) -> Reply {
    send(base, "PUT", "/_double/stub", &[], &stub.to_string())
}

#[tokio::test]
async fn stub_answers_with_status_headers_and_json() {
    let double = slack::start().await;
    let stub = json!({"method": "GET", "path": "/a", "status": 418, "headers": {"X-One": "1", "Retry-After": 30}, "body": {"k": [1]}});
    assert_eq!(put_stub(&double.url(), &stub).status, 200);
    let reply = send(&double.url(), "GET", "/a", &[], "");
    assert_eq!((reply.status, reply.json()), (418, json!({"k": [1]})));
    assert_eq!(
        (reply.header("x-one"), reply.header("retry-after")),
        (Some("1"), Some("30"))
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_string_body_is_sent_as_it_is() {
    let double = slack::start().await;
    for (headers, content_type) in [
        (json!({}), "text/plain"),
        (json!({"Content-Type": "text/html"}), "text/html"),
    ] {
        put_stub(
            &double.url(),
            &json!({"method": "GET", "path": "/a", "headers": headers, "body": "{\"half\":"}),
        );
        let reply = send(&double.url(), "GET", "/a", &[], "");
        assert_eq!((reply.status, reply.body.as_str()), (200, "{\"half\":"));
        assert_eq!(reply.header("content-type"), Some(content_type));
    }
}

#[tokio::test]
async fn path_without_a_query_matches_any_query() {
    let double = slack::start().await;
    double.stub(Stub::answering("GET", "/a", 201, "any")).unwrap();
    double
        .stub(Stub::answering("GET", "/b%2Fc?page=2", 202, "two"))
        .unwrap();
    let cases = [
        ("/a", 201),
        ("/a?", 201),
        ("/a?page=2&x=%20", 201),
        ("/a/", 404),
        ("/A", 404),
        ("/b%2Fc?page=2", 202),
        ("/b%2fc?page=2", 404),
        ("/b/c?page=2", 404),
        ("/b%2Fc?page=3", 404),
        ("/b%2Fc", 404),
    ];
    for (target, status) in cases {
        assert_eq!(send(&double.url(), "GET", target, &[], "").status, status, "{target}");
    }
}

#[tokio::test]
async fn later_stubs_win_and_disappear_after_their_uses() {
    let double = slack::start().await;
    double.stub(Stub::answering("GET", "/a", 200, "always")).unwrap();
    double
        .stub(Stub::answering("GET", "/a", 503, "twice").times(2))
        .unwrap();
    double.stub(Stub::answering("GET", "/a", 429, "once").times(1)).unwrap();
    let answers: Vec<u16> = (0..5)
        .map(|_| send(&double.url(), "GET", "/a", &[], "").status)
        .collect();
    assert_eq!(answers, [429, 503, 503, 200, 200]);
}

#[tokio::test]
async fn stub_for_one_method_ignores_the_others() {
    let double = slack::start().await;
    double.stub(Stub::answering("post", "/a", 500, "")).unwrap();
    assert_eq!(send(&double.url(), "GET", "/a", &[], "").status, 404);
    assert_eq!(send(&double.url(), "POST", "/a", &[], "").status, 500);
}

#[tokio::test]
async fn a_stub_without_an_answer_undoes_older_ones() {
    let double = slack::start().await;
    double
        .stub(Stub::answering("POST", "/api/auth.test", 503, "down"))
        .unwrap();
    let call = || {
        send(
            &double.url(),
            "POST",
            "/api/auth.test",
            &[("authorization", "Bearer x")],
            "",
        )
        .status
    };
    assert_eq!(call(), 503);
    double.stub(Stub::on("POST", "/api/auth.test")).unwrap();
    assert_eq!(call(), 200);
}

#[tokio::test]
async fn a_delay_comes_before_the_answer() {
    let double = slack::start().await;
    double
        .stub(Stub {
            delay_ms: 150,
            ..Stub::answering("GET", "/a", 200, "late")
        })
        .unwrap();
    let started = Instant::now();
    assert_eq!(send(&double.url(), "GET", "/a", &[], "").body, "late");
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn bad_stubs_are_refused_with_a_reason() {
    let double = slack::start().await;
    let cases = [
        (json!({"method": "GET"}), "path must begin with `/`"),
        (json!({"method": "GET", "path": "a"}), "path must begin with `/`"),
        (json!({"method": "GE T", "path": "/a"}), "method is not an HTTP method"),
        (
            json!({"method": "GET", "path": "/a", "status": 99}),
            "status must be between",
        ),
        (
            json!({"method": "GET", "path": "/a", "status": 100}),
            "status must be between",
        ),
        (
            json!({"method": "GET", "path": "/a", "status": 600}),
            "status must be between",
        ),
        (
            json!({"method": "GET", "path": "/a", "times": 0}),
            "times must be at least 1",
        ),
        (json!({"method": "GET", "path": "/a", "times": -1}), "not a stub"),
        (
            json!({"method": "GET", "path": "/a", "headers": {"a b": "c"}}),
            "header \"a b\" cannot be sent",
        ),
        (
            json!({"method": "GET", "path": "/a", "headers": {"a": "b\r\nc: d"}}),
            "header \"a\" cannot be sent",
        ),
        (
            json!({"method": "GET", "path": "/a", "headers": {"a": {}}}),
            "header \"a\" cannot be sent",
        ),
        (
            json!({"method": "GET", "path": "/a", "headers": {"Content-Length": 9}}),
            "set by the server",
        ),
        (
            json!({"method": "GET", "path": "/a", "fault": "explode"}),
            "unknown variant",
        ),
        (json!({"method": "GET", "path": "/a", "statsu": 200}), "unknown field"),
        (json!(["GET"]), "not a stub"),
    ];
    for (stub, reason) in cases {
        let reply = put_stub(&double.url(), &stub);
        assert_eq!(reply.status, 400, "{stub}");
        let said = reply.json()["reason"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains(reason), "{stub}: {said}");
    }
    assert_eq!(send(&double.url(), "PUT", "/_double/stub", &[], "{").status, 400);
    assert_eq!(
        send(&double.url(), "GET", "/a", &[], "").status,
        404,
        "none of them is in effect"
    );
}

#[tokio::test]
async fn requests_are_listed_oldest_first_as_received() {
    let double = slack::start().await;
    send(
        &double.url(),
        "POST",
        "/a%2Fb?x=%7E&y",
        &[("X-Two", "p"), ("x-two", "q")],
        r#"{"n":1}"#,
    );
    send(&double.url(), "DELETE", "/c", &[], "not json");
    let reply = send(&double.url(), "GET", "/_double/requests", &[], "");
    let listed: Vec<Recorded> = serde_json::from_value(reply.json()).unwrap();
    assert_eq!(listed, double.requests());
    let [first, second] = listed.as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/a%2Fb?x=%7E&y"));
    assert_eq!(first.query.as_deref(), Some("x=%7E&y"));
    assert_eq!(first.headers["x-two"], "p, q");
    assert_eq!(first.body, json!({"n": 1}));
    assert_eq!((second.query.as_deref(), &second.body), (None, &json!("not json")));
    assert!(first.time <= second.time);
    assert!(reply.json()[1].get("query").is_none());
}

#[tokio::test]
async fn reset_forgets_stubs_requests_and_world() {
    let double = slack::start().await;
    double.stub(Stub::answering("GET", "/a", 200, "x")).unwrap();
    double.patch(json!({"rate_limit": true})).unwrap();
    send(&double.url(), "GET", "/a", &[], "");
    assert_eq!(send(&double.url(), "DELETE", "/_double", &[], "").status, 200);
    assert_eq!(double.requests(), []);
    assert!(!double.world(|behaviour| behaviour.rate_limit));
    assert_eq!(send(&double.url(), "GET", "/a", &[], "").status, 404);
}

#[tokio::test]
async fn removing_stubs_keeps_the_requests() {
    let double = slack::start().await;
    double.stub(Stub::answering("GET", "/a", 200, "x")).unwrap();
    send(&double.url(), "GET", "/a", &[], "");
    assert_eq!(send(&double.url(), "DELETE", "/_double/stub", &[], "").status, 200);
    assert_eq!(send(&double.url(), "GET", "/a", &[], "").status, 404);
    assert_eq!(double.requests().len(), 2);
}

#[tokio::test]
async fn control_prefix_is_exact_and_unknown_requests_refused() {
    let double = slack::start().await;
    for (method, path) in [
        ("POST", "/_double/stub"),
        ("GET", "/_double/nothing"),
        ("PUT", "/_double/world"),
    ] {
        let reply = send(&double.url(), method, path, &[], "{}");
        assert_eq!(
            (reply.status, reply.json()["status"].clone()),
            (404, json!("refused")),
            "{method} {path}"
        );
    }
    assert_eq!(double.requests(), []);
    send(&double.url(), "GET", "/_doubles", &[], "");
    assert_eq!(double.requests().len(), 1);
    assert_eq!(
        send(&double.url(), "GET", "/_double", &[], "").json(),
        json!({"system": "slack"})
    );
}

#[tokio::test]
async fn invalid_patch_is_refused_and_changes_nothing() {
    let double = slack::start().await;
    for patch in [json!({"rate_limit": "often"}), json!({"rate_limt": true}), json!([])] {
        let reply = send(&double.url(), "PUT", "/_double/behaviour", &[], &patch.to_string());
        assert_eq!(reply.status, 400, "{patch}");
    }
    let world = send(&double.url(), "GET", "/_double/behaviour", &[], "").json();
    assert_eq!(
        world,
        json!({"token": null, "rate_limit": false, "edit_window_closed": false})
    );
}

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
