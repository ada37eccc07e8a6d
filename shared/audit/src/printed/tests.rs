//! Which lines are audit lines, and what is wrong with those that are not quite.

use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-01-31T18:29:18.123Z";

/// An entry of another producer: the least it must send.
pub(super) fn entry() -> Value {
    let id = crate::entry_id(AT.parse().unwrap(), "1");
    json!({
        "timestamp": AT, "event_type": "audit", "action": "jira.api.get_issue",
        "actor": {"type": "admin_action", "id": "018f0000-0000-7000-8000-000000000001"},
        "target": {"resource_type": "issue", "id": "SEC-811"}, "outcome": "success",
        "correlation_id": "018f0000-0000-7000-8000-000000000001", "service": "agent", "id": id,
    })
}

pub(super) fn intent() -> Value {
    let mut intent = entry();
    let members = intent.as_object_mut().unwrap();
    members.remove("outcome");
    let action = members.remove("action").unwrap();
    members.extend([("call".to_owned(), action), ("event_type".to_owned(), json!("audit_intent"))]);
    members.insert("stream_id".to_owned(), json!("018f0000-0000-7000-8000-000000000002"));
    intent
}

/// The line with one field set to another value, or taken out.
pub(super) fn but(mut line: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let members = line.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    line
}

/// Lines that are malformed: of both kinds where a field is common, with a word of the reason.
pub(super) fn malformed() -> Vec<(Value, &'static str)> {
    let long = "x".repeat(129);
    let mut lines = Vec::new();
    for (field, value, why) in [
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
        ("/target/project_id", json!("77"), "whole numbers"),
        ("/target/mr_iid", json!(1.5), "whole numbers"),
        ("/target/id", json!(811), "are text"),
        ("/target/id", json!("x".repeat(2500)), "longer than"),
        ("/target/more", json!("\0"), "U+0000"),
        ("/correlation_id", json!("7"), "published fields"),
        ("/correlation_id", json!("018F0000-0000-7000-8000-00000000000A"), "published fields"),
        ("/correlation_id", json!("018f00000000700080000000000000aa"), "published fields"),
        ("/service", json!(""), "service must"),
        ("/service", json!("two words"), "service must"),
        ("/service", json!(long), "service must"),
        ("/id", json!("018f0000-0000-4000-8000-000000000001"), "UUIDv7"),
        ("/id", json!("018f0000-0000-7000-8000-000000000001"), "UUIDv7 of its timestamp"),
        ("/trace_id", json!("0af7651916cd43dd8448eb211c80319"), "trace_id"),
        ("/trace_id", json!("0AF7651916CD43DD8448EB211C80319C"), "trace_id"),
        ("/trace_id", json!("0".repeat(32)), "trace_id"),
        ("/surprise", json!(1), "published fields"),
    ] {
        lines.push((but(entry(), field, Some(value.clone())), why));
        lines.push((but(intent(), field, Some(value)), why));
    }
    for field in ["/timestamp", "/actor", "/target", "/correlation_id", "/service", "/id", "/actor/id", "/target/resource_type"] {
        let why = if field.contains("resource") { "resource_type" } else { "published fields" };
        lines.push((but(entry(), field, None), why));
        lines.push((but(intent(), field, None), why));
    }
    for (field, value, why) in [
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
        ("/stream", Some(json!({"id": "018f0000-0000-7000-8000-000000000002"})), "published fields"),
        ("/stream", Some(json!({"id": "018f0000-0000-7000-8000-000000000002", "seq": 0})), "stream.seq"),
        ("/stream", Some(json!({"id": "018f0000-0000-7000-8000-000000000002", "seq": 1_u64 << 53})), "stream.seq"),
        ("/stream", Some(json!({"id": "018f0000-0000-7000-8000-000000000002", "seq": -1})), "published fields"),
        ("/call", Some(json!("jira.api.get_issue")), "published fields"),
    ] {
        lines.push((but(entry(), field, value), why));
    }
    lines.push((but(intent(), "/call", Some(json!(""))), "call must"));
    lines.push((but(intent(), "/stream_id", None), "published fields"));
    lines.push((but(intent(), "/outcome", Some(json!("success"))), "published fields"));
    lines
}

#[test]
fn each_malformed_line_is_told_apart_with_its_reason() {
    for (line, why) in malformed() {
        let error = read(&line.to_string()).expect_err(&line.to_string());
        assert!(error.to_string().contains(why), "{error}: {line}");
    }
}

#[test]
fn the_least_that_other_producers_must_send_is_read() {
    let Ok(Printed::Entry(read_entry)) = read(&format!("  {}\n", entry())) else {
        panic!("no entry")
    };
    assert_eq!(read_entry.line, entry().to_string());
    assert_eq!(read_entry.target_key, "issue:SEC-811");
    assert_eq!((read_entry.success, read_entry.error, read_entry.stream), (true, None, None));
    assert!(matches!(read(&intent().to_string()), Ok(Printed::Intent(intent)) if intent.call == "jira.api.get_issue"));
}

#[test]
fn what_says_nothing_of_an_audit_line_is_something_else() {
    for line in [
        "",
        "START RequestId: 1",
        "{}",
        "{",
        "[]",
        r#"{"event_type":1}"#,
        r#"{"event_type":null}"#,
        r#"{"event_type":"metric","value":1}"#,
        r#"{"event_type":"audited"}"#,
        r#"{"message":"\"event_type\":\"audit\""}"#,
        r#"{"message":{"event_type":"audit"}}"#,
        r#"{"event_type":"metric""#,
    ] {
        assert_eq!(read(line), Ok(Printed::Other), "{line}");
    }
}

#[test]
fn a_line_that_was_cut_off_or_is_too_long_is_malformed_and_not_something_else() {
    let line = entry().to_string().replacen('{', r#"{"event_type":"audit","#, 1);
    for end in 25..line.len() - 1 {
        assert!(read(&line[..end]).is_err(), "{}", &line[..end]);
    }
    let long = but(entry(), "/details", Some(json!({"note": "x".repeat(LONGEST)})));
    assert!(read(&long.to_string()).unwrap_err().to_string().contains("longer"));
    let twice = entry().to_string().replacen('{', r#"{"service":"agent","#, 1);
    assert!(read(&twice).is_err(), "a field told twice");
}

#[test]
fn a_reason_repeats_nothing_of_the_line() {
    for (line, _) in malformed() {
        let line = line.to_string().replace("SEC-811", "hunter2").replace("agent", "hunter2");
        if let Err(error) = read(&line) {
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
