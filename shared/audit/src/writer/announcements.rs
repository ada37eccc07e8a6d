//! Announcements, and the entries they announce.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::Clock;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

use super::tests::{context, target, writer};
use crate::{Action, Entry, Memory, Outcome, Writer};

const AT: &str = "2026-01-31T18:29:18.123Z";

/// A clock that advances by a second at each call.
#[derive(Debug)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let start: Timestamp = AT.parse().unwrap();
        start + SignedDuration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn ticking() -> (Writer, Memory) {
    Writer::memory("processor", Arc::new(Ticking(AtomicI64::new(0))))
}

fn exception() -> Entry {
    Entry::new(Action::ExceptionRecordInsert, &context(), target(), Outcome::Success)
}

#[test]
fn call_is_announced_with_id_and_start_time() {
    let (writer, memory) = ticking();
    let announced = writer.announce_call(Action::GitlabGetMrDetails, &context(), &target());
    assert_eq!(memory.lines().len(), 1, "announced before the call is made");
    assert_eq!(writer.position(), None, "an announcement has no number");
    let entry = Entry::new(Action::GitlabGetMrDetails, &context(), target(), Outcome::Success).completes(announced);
    let line = writer.write(&entry);
    assert_eq!((line.seq, writer.position()), (1, Some(line)));
    assert_eq!(
        memory.intents(),
        [json!({
            "timestamp": AT,
            "event_type": "audit_intent",
            "call": "gitlab.api.get_mr_details",
            "actor": {"type": "webhook_event", "id": "018f0000-0000-7000-8000-000000000001"},
            "target": {"resource_type": "merge_request", "instance": "main", "project_id": 123, "mr_iid": 45},
            "correlation_id": "018f0000-0000-7000-8000-000000000001",
            "service": "processor",
            "id": announced.id(),
            "stream_id": line.stream_id,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        })]
    );
    let entry = memory.entries().remove(0);
    assert_eq!(
        (&entry["id"], &entry["timestamp"]),
        (&json!(announced.id()), &json!(AT))
    );
    assert_eq!(announced.at().to_string(), AT);
    assert_eq!(memory.lines().len(), 2);
}

#[test]
fn calls_in_one_millisecond_have_distinct_ids() {
    let (writer, memory) = writer();
    for _ in 0..100 {
        writer.announce_call(Action::SlackPostMessage, &context(), &target());
    }
    let mut ids: Vec<_> = memory.intents().iter().map(|intent| intent["id"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn repeated_entry_differs_only_in_its_stream() {
    let at = "2026-01-31T18:29:00Z".parse().unwrap();
    let (one, other) = (ticking(), ticking());
    one.0.write(&exception().keyed(at, "exception/1"));
    one.0.write(&exception().keyed(at, "exception/1"));
    other.0.write(&exception().keyed(at, "exception/1"));
    let written: Vec<Value> = one.1.entries().into_iter().chain(other.1.entries()).collect();
    assert_eq!(written[0]["timestamp"], "2026-01-31T18:29:00.000Z");
    let without_stream = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("stream").unwrap();
        line
    };
    for line in &written[1..] {
        assert_eq!(without_stream(line), without_stream(&written[0]));
        assert_ne!(line["stream"], written[0]["stream"]);
    }
}

#[test]
fn another_key_or_another_time_is_another_entry() {
    let (writer, memory) = writer();
    let at: Timestamp = AT.parse().unwrap();
    for (at, key) in [
        (at, "exception/1"),
        (at, "exception/2"),
        (at + SignedDuration::from_secs(1), "exception/1"),
    ] {
        writer.write(&exception().keyed(at, key));
    }
    let lines = memory.entries();
    assert!(lines[0]["id"] != lines[1]["id"] && lines[0]["id"] != lines[2]["id"]);
}

#[test]
fn only_keyed_record_is_announced_with_entry_id() {
    let (writer, memory) = ticking();
    let entry = exception().keyed(AT.parse().unwrap(), "exception/1");
    writer.announce_entry(&entry);
    writer.write(&entry);
    writer.announce_entry(&exception());
    let (intents, entries) = (memory.intents(), memory.entries());
    assert_eq!(intents.len(), 1);
    for field in [
        "id",
        "timestamp",
        "actor",
        "target",
        "correlation_id",
        "service",
        "trace_id",
    ] {
        assert_eq!(intents[0][field], entries[0][field], "{field}");
    }
    assert_eq!(intents[0]["call"], entries[0]["action"]);
    assert_eq!(entries[0]["stream"]["seq"], 1);
}
