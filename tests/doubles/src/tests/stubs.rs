//! Stubs: what they answer, which one applies, and which are refused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::loopback::{Reply, send};
use crate::{Stub, slack};

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
