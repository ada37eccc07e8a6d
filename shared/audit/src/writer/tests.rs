//! The line's schema, its numbering, and that one entry is always exactly one line.

use std::sync::Arc;
use std::time::Duration;

use model::{FixedClock, MergeRequestIid, MergeRequestKey, ProjectId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target, Writer};

fn context() -> Context {
    Context::new(
        ActorType::WebhookEvent,
        Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001),
    )
    .with_traceparent(Some(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
    ))
}

fn writer() -> (Writer, super::Memory) {
    let clock = FixedClock("2026-01-31T18:29:18.1234Z".parse().unwrap());
    Writer::memory("processor", Arc::new(clock))
}

fn target() -> Target {
    let project_id = ProjectId(123);
    Target::merge_request(&MergeRequestKey {
        instance: "main".into(),
        project_id,
        mr_iid: MergeRequestIid(45),
    })
}

fn lines(memory: &super::Memory) -> Vec<Value> {
    memory
        .lock()
        .unwrap()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_entry_has_exactly_the_published_fields() {
    let (writer, memory) = writer();
    let entry = Entry::new(
        Action::GitlabGetMrDetails,
        &context(),
        target(),
        Outcome::Failure(FailureClass::NotFound),
    )
    .took(Duration::from_micros(12_345))
    .detail("http_status", 404);
    let line = writer.write(&entry);
    assert_eq!(
        lines(&memory),
        [json!({
            "timestamp": "2026-01-31T18:29:18.123Z",
            "event_type": "audit",
            "action": "gitlab.api.get_mr_details",
            "actor": {"type": "webhook_event", "id": "018f0000-0000-7000-8000-000000000001"},
            "target": {"resource_type": "merge_request", "instance": "main", "project_id": 123, "mr_iid": 45},
            "outcome": "failure",
            "error": "not_found",
            "correlation_id": "018f0000-0000-7000-8000-000000000001",
            "service": "processor",
            "id": crate::entry_id("2026-01-31T18:29:18.123Z".parse().unwrap(), &format!("{}/1", line.stream_id)),
            "stream": {"id": line.stream_id, "seq": 1},
            "duration_ms": 12.345,
            "details": {"http_status": 404},
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        })]
    );
}

#[test]
fn lines_are_numbered_without_gaps_from_every_clone_and_thread() {
    let (writer, memory) = writer();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let writer = writer.clone();
            scope.spawn(move || {
                for _ in 0..50 {
                    writer.write(&Entry::new(
                        Action::SqsSendMessage,
                        &context(),
                        target(),
                        Outcome::Success,
                    ));
                }
            });
        }
    });
    let numbers: Vec<u64> = lines(&memory)
        .iter()
        .map(|line| line["stream"]["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[test]
fn the_same_thing_told_twice_has_the_same_id() {
    let (writer, memory) = writer();
    let entry = Entry::new(Action::ExceptionRecordInsert, &context(), target(), Outcome::Success)
        .keyed("2026-01-31T18:29:00Z".parse().unwrap(), "exception/1");
    writer.write(&entry);
    writer.write(&entry);
    let lines = lines(&memory);
    assert_eq!(lines[0]["id"], lines[1]["id"]);
    assert_ne!(lines[0]["stream"]["seq"], lines[1]["stream"]["seq"]);
}

#[test]
fn a_malformed_traceparent_gives_no_trace_id() {
    for bad in [
        "",
        "00",
        "00-xyz-1-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    ] {
        let context = context().with_traceparent(Some(bad.to_owned()));
        assert_eq!(context.trace_id(), None, "{bad:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_stays_on_one_line_and_comes_back_unchanged(text in ".*") {
        let (writer, memory) = writer();
        writer.write(&Entry::new(Action::SlackPostMessage, &context(), target(), Outcome::Success).detail("text", text.as_str()));
        let kept = memory.lock().unwrap().clone();
        proptest::prop_assert_eq!(kept.len(), 1);
        proptest::prop_assert!(!kept[0].contains('\n'));
        let parsed: Value = serde_json::from_str(&kept[0]).unwrap();
        proptest::prop_assert_eq!(parsed["details"]["text"].as_str().unwrap(), text);
    }
}
