//! Lines to read: minimal audit lines, and invalid ones.

use serde_json::{Value, json};

pub(super) const AT: &str = "2026-01-31T18:29:18.123Z";
const ID: &str = "018f0000-0000-7000-8000-000000000001";

/// An entry of another producer: the minimum it must send.
pub(super) fn sample_entry() -> Value {
    let id = crate::entry_id(AT.parse().unwrap(), "1");
    json!({
        "timestamp": AT, "event_type": "audit", "action": "jira.api.get_issue", "actor": {"type": "admin_action", "id": ID},
        "target": {"resource_type": "issue", "id": "SEC-811"}, "outcome": "success", "correlation_id": ID, "service": "agent", "id": id,
    })
}

/// Its announcement.
pub(super) fn sample_intent() -> Value {
    let intent = with_field(with_field(sample_entry(), "/outcome", None), "/action", None);
    let intent = with_field(intent, "/call", Some(json!("jira.api.get_issue")));
    let intent = with_field(intent, "/event_type", Some(json!("audit_intent")));
    with_field(intent, "/stream_id", Some(json!(ID)))
}

/// The line with one field set or removed.
pub(super) fn with_field(mut line: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let members = line.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    line
}

/// Malformed lines, each with a part of the reason.
pub(super) fn malformed() -> Vec<(Value, &'static str)> {
    let missing = [
        "/timestamp",
        "/actor",
        "/actor/id",
        "/target",
        "/target/resource_type",
        "/correlation_id",
        "/service",
        "/id",
    ];
    let missing = missing.map(|field| {
        let why = if field.contains("resource") {
            "resource_type"
        } else {
            "published fields"
        };
        (field, None, why)
    });
    let wrong = common_fields()
        .into_iter()
        .map(|(field, value, why)| (field, Some(value), why));
    let common: Vec<_> = wrong.chain(missing).collect();
    let in_both = common.into_iter().flat_map(|(field, value, why)| {
        [
            (with_field(sample_entry(), field, value.clone()), why),
            (with_field(sample_intent(), field, value), why),
        ]
    });
    let in_entries = entry_fields()
        .into_iter()
        .map(|(field, value, why)| (with_field(sample_entry(), field, value), why));
    let in_intents = [
        (with_field(sample_intent(), "/call", Some(json!(""))), "call must"),
        (with_field(sample_intent(), "/stream_id", None), "published fields"),
        (
            with_field(sample_intent(), "/outcome", Some(json!("success"))),
            "published fields",
        ),
    ];
    in_both.chain(in_entries).chain(in_intents).collect()
}

/// Fields that entries and announcements have in common.
fn common_fields() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/timestamp", json!("2026-01-31T18:29:18Z"), "three decimals"),
        ("/timestamp", json!("2026-01-31T18:29:18.1234Z"), "three decimals"),
        ("/timestamp", json!("2026-01-31T19:29:18.123+01:00"), "in UTC"),
        ("/timestamp", json!("2026-02-30T18:29:18.123Z"), "ISO 8601"),
        ("/timestamp", json!("yesterday"), "ISO 8601"),
        ("/timestamp", json!(1_770_000_000), "published fields"),
        ("/actor", json!("webhook"), "published fields"),
        ("/actor/type", json!("human"), "published fields"),
        ("/actor/name", json!("Alice"), "published fields"),
        ("/actor/id", json!("501"), "published fields"),
        ("/target", json!("issue"), "published fields"),
        ("/target/resource_type", json!(""), "resource_type"),
        ("/target/resource_type", json!(7), "resource_type"),
        ("/target/project_id", json!("77"), "integers"),
        ("/target/mr_iid", json!(1.5), "integers"),
        ("/target/id", json!(811), "strings"),
        ("/target/id", json!("x".repeat(2500)), "longer than"),
        ("/target/more", json!("\0"), "U+0000"),
        ("/correlation_id", json!("7"), "published fields"),
        (
            "/correlation_id",
            json!("018F0000-0000-7000-8000-00000000000A"),
            "published fields",
        ),
        (
            "/correlation_id",
            json!("018f00000000700080000000000000aa"),
            "published fields",
        ),
        ("/service", json!(""), "service must"),
        ("/service", json!("two words"), "service must"),
        ("/service", json!("x".repeat(129)), "service must"),
        ("/id", json!("018f0000-0000-4000-8000-000000000001"), "UUIDv7"),
        ("/id", json!(ID), "UUIDv7 of its timestamp"),
        ("/trace_id", json!("0af7651916cd43dd8448eb211c80319"), "trace_id"),
        ("/trace_id", json!("0AF7651916CD43DD8448EB211C80319C"), "trace_id"),
        ("/trace_id", json!("0".repeat(32)), "trace_id"),
        ("/surprise", json!(1), "published fields"),
    ]
}

/// Fields that only entries have.
fn entry_fields() -> Vec<(&'static str, Option<Value>, &'static str)> {
    let stream = |seq: Value| Some(json!({"id": ID, "seq": seq}));
    vec![
        ("/action", None, "published fields"),
        ("/action", Some(json!("")), "action must"),
        ("/action", Some(json!("get\tissue")), "action must"),
        ("/outcome", None, "published fields"),
        ("/outcome", Some(json!("ok")), "outcome must"),
        ("/outcome", Some(json!("failure")), "outcome must"),
        ("/error", Some(json!("timeout")), "outcome must"),
        ("/error", Some(json!("boom")), "published fields"),
        ("/duration_ms", Some(json!(-1)), "negative"),
        ("/duration_ms", Some(json!("12")), "published fields"),
        ("/details", Some(json!([1])), "published fields"),
        ("/details", Some(json!({"note": ["\0"]})), "U+0000"),
        ("/details", Some(json!({"\0": 1})), "U+0000"),
        ("/stream", Some(json!({"id": ID})), "published fields"),
        ("/stream", stream(json!(0)), "stream.seq"),
        ("/stream", stream(json!(1_u64 << 53)), "stream.seq"),
        ("/stream", stream(json!(-1)), "published fields"),
        ("/call", Some(json!("jira.api.get_issue")), "published fields"),
    ]
}
