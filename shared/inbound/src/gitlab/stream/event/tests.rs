//! Keys that name the event and not the attempt, and fields of loose types.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn approval(id: impl Into<Value>, author: i64) -> Value {
    json!({
        "id": id.into(), "author_id": author, "author_name": "Ana Example", "entity_id": 7301, "entity_type": "Project",
        "entity_path": "acme/vault", "target_id": 990_811, "target_type": "MergeRequest", "target_details": "Move the keys",
        "created_at": "2026-11-20T09:00:00.000Z", "event_type": "merge_request_approval_operation",
        "details": {"custom_message": "Approved", "author_class": "User"},
    })
}

fn read(body: &Value) -> StreamBody {
    stream_events(body.to_string().as_bytes(), None).unwrap()
}

fn key(event: &Value) -> String {
    read(event).events[0].event_key.clone()
}

#[test]
fn the_key_names_the_event_not_the_attempt() {
    let seconds = 1_795_165_200_i64;
    let first = uuid::Uuid::from_u128(1).to_string();
    let second = uuid::Uuid::from_u128(2).to_string();
    assert_eq!(key(&approval(first.as_str(), 41)), key(&approval(second.as_str(), 41)));
    assert_eq!(
        key(&approval(seconds, 41)),
        key(&approval(first.as_str(), 41)),
        "the id was a time"
    );
    assert_eq!(key(&approval(seconds.to_string(), 41)), key(&approval(seconds, 41)));
    assert_ne!(key(&approval(seconds, 41)), key(&approval(seconds, 42)));
    assert_ne!(
        key(&approval(7, 41)),
        key(&approval(8, 41)),
        "ids of GitLab's database differ"
    );
}

#[test]
fn every_field_is_read_from_both_places() {
    let event = &read(&approval(7, -3)).events[0];
    assert_eq!(event.event_id.as_deref(), Some("7"));
    assert_eq!(event.event_type.as_deref(), Some("merge_request_approval_operation"));
    assert_eq!(event.author.id, Some(-3));
    assert_eq!(event.author.class.as_deref(), Some("User"));
    assert_eq!(event.entity.name.as_deref(), Some("acme/vault"));
    assert_eq!(
        (event.target.id.as_deref(), event.target.object_type.as_deref()),
        (Some("990811"), Some("MergeRequest"))
    );
    let nested = json!({"details": {"event_name": "member_created", "target_id": "acme/vault", "entity_path": "acme"}});
    let event = &read(&nested).events[0];
    assert_eq!(event.event_type.as_deref(), Some("member_created"));
    assert_eq!(
        (event.target.id.as_deref(), event.entity.name.as_deref()),
        (Some("acme/vault"), Some("acme"))
    );
    let header = stream_events(b"{}", Some("audit_operation")).unwrap();
    assert_eq!(header.events[0].event_type.as_deref(), Some("audit_operation"));
    assert_eq!(read(&json!({})).events[0].event_type, None);
}

#[test]
fn a_broken_element_affects_no_other() {
    let deep = format!("[{}{}]", "[".repeat(500), "]".repeat(500));
    let body = format!("[{}, \"oops\", {deep}, 5, {}]", approval(7, 41), approval(8, 41));
    let read = stream_events(body.as_bytes(), None).unwrap();
    assert_eq!((read.events.len(), read.broken), (2, 3));
    assert_eq!(stream_events(b"[]", None), Some(StreamBody::default()));
    for body in ["", "payload=%7B%7D", "5", "null", "{"] {
        assert_eq!(stream_events(body.as_bytes(), None), None, "{body}");
    }
}

#[test]
fn details_are_redacted_and_bounded() {
    let mut event = approval(7, 41);
    event["details"] = json!({
        "custom_message": {"protocol": "ssh", "token": "glpat-abcdefghij1234567890"}, "long": "x".repeat(10_240),
        "list": vec![1; 500], "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}},
    });
    let details = &read(&event).events[0].details;
    let text = serde_json::to_string(details).unwrap();
    assert!(!text.contains("glpat-abcdefghij1234567890"), "{text}");
    assert!(text.len() < 3_000, "{}", text.len());
    assert_eq!(details["custom_message"]["protocol"], "ssh");
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = stream_events(&body, None);
    }

    #[test]
    fn order_of_members_does_not_change_the_key(a in ".{0,8}", b in ".{0,8}") {
        let one = format!(r#"{{"details": {{"a": {0}, "b": {1}}}, "x": 1}}"#, json!(a), json!(b));
        let other = format!(r#"{{"x": 1, "details": {{"b": {1}, "a": {0}}}}}"#, json!(a), json!(b));
        let key = |body: &str| stream_events(body.as_bytes(), None).unwrap().events[0].event_key.clone();
        prop_assert_eq!(key(&one), key(&other));
    }
}
