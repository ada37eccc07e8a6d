//! The control interface: recorded requests, resets, and patches of the world.

use serde_json::json;

use crate::loopback::send;
use crate::{Recorded, Stub, slack};

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
