//! Which entries of a body are accepted, and under which ids they are stored.

use std::collections::BTreeSet;

use audit::line_schema::{ParsedLine, parse_line};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn producer(name: &str) -> Producer {
    Producer {
        name: name.to_owned(),
        services: BTreeSet::from(["copilot-agent".to_owned()]),
        registers: false,
    }
}

/// A good entry; `number` distinguishes it.
fn sample_entry(number: u64) -> Value {
    entry_at(now(), number)
}

fn entry_at(at: Timestamp, number: u64) -> Value {
    json!({
        "timestamp": format!("{at:.3}"), "event_type": "audit", "action": "copilot.sdk.coding_request",
        "actor": {"type": "webhook_event", "id": "0195a000-0000-7000-8000-0000000000c1"},
        "target": {"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811},
        "outcome": "success", "correlation_id": "0195a000-0000-7000-8000-0000000000c1", "service": "copilot-agent",
        "id": audit::entry_id(at, &number.to_string()),
    })
}

fn checked(body: &Value) -> ProducerBatch {
    validate(
        body.to_string().as_bytes(),
        BatchFormat::Json,
        &producer("agent"),
        now(),
    )
    .unwrap()
}

/// The reason of an entry after a change; `None`: accepted.
fn reason(change: impl FnOnce(&mut Value)) -> Option<RejectReason> {
    let mut changed = sample_entry(1);
    change(&mut changed);
    let batch = checked(&json!([changed]));
    assert_eq!(batch.accepted.len() + batch.rejected.len(), 1);
    batch.rejected.first().map(|rejected| rejected.reason)
}

#[test]
fn each_entry_is_checked_by_itself() {
    let mut misspelt = sample_entry(2);
    misspelt["autcome"] = "success".into();
    let mut foreign = sample_entry(3);
    foreign["service"] = "processor".into();
    let batch = checked(&json!([sample_entry(1), misspelt, 5, foreign, sample_entry(4)]));
    let rejected: Vec<_> = batch.rejected.iter().map(|entry| (entry.index, entry.reason)).collect();
    let expected = [
        (1, RejectReason::UnknownField),
        (2, RejectReason::NotAnEntry),
        (3, RejectReason::ServiceNotYours),
    ];
    assert_eq!(rejected, expected);
    assert_eq!(batch.rejected[0].id.as_deref(), misspelt["id"].as_str());
    let kept: Vec<_> = batch
        .accepted
        .iter()
        .map(|entry| &entry.details["producer_entry_id"])
        .collect();
    assert_eq!(kept, [&sample_entry(1)["id"], &sample_entry(4)["id"]]);
}

type Change = Box<dyn FnOnce(&mut Value)>;

#[test]
fn every_reason_has_its_case() {
    let at = |text: &str| text.to_owned();
    let cases: Vec<(RejectReason, Change)> = vec![
        (
            RejectReason::NotAnEntry,
            Box::new(|value| value["outcome"] = "failure".into()),
        ),
        (
            RejectReason::NotAnEntry,
            Box::new(|value| value["event_type"] = "audit_intent".into()),
        ),
        (
            RejectReason::NotAnEntry,
            Box::new(|value| value["details"] = "text".into()),
        ),
        (RejectReason::NotAnEntry, Box::new(|value| value["id"] = 5.into())),
        (
            RejectReason::UnknownField,
            Box::new(|value| value["actor"]["name"] = "x".into()),
        ),
        (
            RejectReason::BadTimestamp,
            Box::new(move |value| value["timestamp"] = at("2026-11-20 10:00:00").into()),
        ),
        (
            RejectReason::IdNotOfTimestamp,
            Box::new(|value| value["timestamp"] = "2026-11-20T10:00:00.001Z".into()),
        ),
        (
            RejectReason::IdNotOfTimestamp,
            Box::new(|value| value["id"] = "nonsense".into()),
        ),
        (
            RejectReason::ServiceNotYours,
            Box::new(|value| value["service"] = "other".into()),
        ),
        (
            RejectReason::ActionReserved,
            Box::new(|value| value["action"] = "ledger.record.upsert".into()),
        ),
        (
            RejectReason::ActionReserved,
            Box::new(|value| value["action"] = "git.push.received".into()),
        ),
        (
            RejectReason::ActionReserved,
            Box::new(|value| value["action"] = "verify.completed".into()),
        ),
        (
            RejectReason::TooLong,
            Box::new(|value| value["details"] = json!({"text": "x".repeat(65_535)})),
        ),
    ];
    for (expected, change) in cases {
        assert_eq!(reason(change), Some(expected));
    }
    assert_eq!(reason(|value| value["details"] = Value::Null), None);
    assert_eq!(reason(|value| value["action"] = "gitlab.api.push_branch".into()), None);
}

#[test]
fn timestamp_is_limited_in_both_directions() {
    let accepted = |shift: SignedDuration| checked(&json!([entry_at(now() + shift, 1)])).rejected.is_empty();
    let (day, minute) = (SignedDuration::from_hours(24), SignedDuration::from_mins(1));
    assert!(accepted(-day * 30) && !accepted(-day * 30 - minute));
    assert!(accepted(minute * 5) && !accepted(minute * 6));
}

#[test]
fn registering_producer_may_report_verifications() {
    let mut verified = sample_entry(1);
    verified["action"] = "verify.completed".into();
    let registering = Producer {
        registers: true,
        ..producer("agent")
    };
    let body = verified.to_string();
    let batch = validate(body.as_bytes(), BatchFormat::Json, &registering, now()).unwrap();
    assert_eq!(batch.accepted.len(), 1);
}

#[test]
fn more_than_500_entries_are_refused() {
    let body = |count: u64| json!((0..count).map(sample_entry).collect::<Vec<_>>()).to_string();
    let validated = |count| validate(body(count).as_bytes(), BatchFormat::Json, &producer("agent"), now());
    assert_eq!(validated(500).unwrap().accepted.len(), 500);
    assert_eq!(validated(501), Err(TooManyEntries));
}

#[test]
fn broken_bodies_are_rejected_without_a_panic() {
    for body in ["", "{", "[1", "null", "[]", "\u{feff}[]", "[[{}]]"] {
        let batch = validate(body.as_bytes(), BatchFormat::Json, &producer("agent"), now()).unwrap();
        assert!(batch.accepted.is_empty(), "{body}");
    }
}

#[test]
fn array_and_lines_agree() {
    let mut odd = sample_entry(2);
    odd["id"] = "nonsense".into();
    let entries = [sample_entry(1), odd, json!({}), sample_entry(3)];
    let array = checked(&json!(entries));
    let lines: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let body = format!("\n{}\r\n", lines.join("\n\n"));
    let by_line = validate(body.as_bytes(), BatchFormat::Ndjson, &producer("agent"), now()).unwrap();
    assert_eq!(by_line, array);
    assert_eq!(array.accepted.len(), 2);
}

proptest! {
    #[test]
    fn stored_ids_differ_between_producers(number in any::<u64>(), name in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(name != other);
        let body = sample_entry(number).to_string();
        let stored = |name: &str| {
            let batch = validate(body.as_bytes(), BatchFormat::Json, &producer(name), now()).unwrap();
            batch.accepted[0].id
        };
        prop_assert_ne!(stored(&name), stored(&other));
        prop_assert_eq!(stored(&name), stored(&name));
        prop_assert_ne!(json!(stored(&name)), sample_entry(number)["id"].clone());
    }

    #[test]
    fn accepted_lines_pass_the_schema(text in ".{0,40}", number in any::<f64>()) {
        let mut odd = sample_entry(1);
        odd["details"] = json!({ "text": text, "number": number, "nested": {text.clone(): [text]} });
        for entry in checked(&json!([odd])).accepted {
            prop_assert_eq!(parse_line(&entry.line), Ok(ParsedLine::Entry(Box::new(entry.clone()))));
        }
    }

    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [BatchFormat::Json, BatchFormat::Ndjson] {
            let _ = validate(&body, format, &producer("agent"), now());
        }
    }
}
