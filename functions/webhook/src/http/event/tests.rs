//! Every event is parsed, and no header is lost.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fixtures::{event, signed};

fn parse_event(event: &Value) -> GatewayEvent {
    serde_json::from_str(&event.to_string()).unwrap()
}

fn http(event: &Value) -> HttpEvent {
    match parse_event(event) {
        GatewayEvent::Http(event) => *event,
        GatewayEvent::Unreadable => panic!("expected a readable event: {event}"),
    }
}

#[test]
fn a_request_is_read() {
    let read = http(&event(&signed(b"{}"), "{}"));
    assert_eq!((read.method.as_str(), read.path.as_str()), ("POST", "/webhook"));
    assert_eq!(
        (read.source_ip.as_deref(), read.body.as_deref()),
        (Some("203.0.113.7"), Some("{}"))
    );
    assert_eq!(read.headers["user-agent"], "GitLab/19.1.0");
    assert!(!read.is_base64);
}

#[test]
fn absent_and_null_members_are_nothing() {
    let bare =
        json!({"requestContext": {"http": {"method": null}}, "headers": null, "body": null, "isBase64Encoded": null});
    assert_eq!(http(&bare), HttpEvent::default());
}

#[test]
fn repeated_headers_are_joined_in_any_case() {
    let mut event = event(&vec![], "");
    event["headers"] =
        json!({"Webhook-Id": "a", "webhook-id": "b", "x-n": 5, "x-list": ["c", null, "d"], "x-null": null});
    let headers = http(&event).headers;
    let expected = [("webhook-id", "a,b"), ("x-list", "c,d"), ("x-n", "5")];
    assert_eq!(
        headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    );
}

#[test]
fn named_stage_is_removed_from_the_path() {
    let cases = [
        ("prod", "/prod/webhook", "/webhook"),
        ("$default", "/webhook", "/webhook"),
        ("prod", "/production/webhook", "/production/webhook"),
        ("prod", "/webhook", "/webhook"),
        ("webhook", "/webhook", "/webhook"),
    ];
    for (stage, path, expected) in cases {
        let mut event = event(&vec![], "");
        event["requestContext"]["stage"] = json!(stage);
        event["rawPath"] = json!(path);
        assert_eq!(http(&event).path, expected);
    }
}

#[test]
fn non_request_is_unreadable_without_an_error() {
    for text in [
        "null",
        "[]",
        "{}",
        r#"{"requestContext": {}}"#,
        r#"{"headers": [], "requestContext": {"http": {}}}"#,
        "5",
    ] {
        assert_eq!(
            serde_json::from_str::<GatewayEvent>(text).unwrap(),
            GatewayEvent::Unreadable,
            "{text}"
        );
    }
    let half_a_character = r#"{"body": "\ud800", "requestContext": {"http": {}}}"#;
    assert_eq!(
        serde_json::from_str::<GatewayEvent>(half_a_character).unwrap(),
        GatewayEvent::Unreadable
    );
}

proptest! {
    #[test]
    fn any_headers_and_body_are_read(
        headers in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..8),
        body in any::<String>(),
    ) {
        let mut event = event(&vec![], &body);
        event["headers"] = json!(headers);
        prop_assert_eq!(http(&event).body, Some(body));
    }
}
