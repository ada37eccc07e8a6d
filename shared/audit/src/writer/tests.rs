//! The line's schema, its numbering, and that one entry is always exactly one line.

use std::sync::Arc;
use std::time::Duration;

use model::{FixedClock, MergeRequestIid, MergeRequestKey, ProjectId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target, Writer};

pub(super) fn context() -> Context {
    Context::new(
        ActorType::WebhookEvent,
        Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001),
    )
    .with_traceparent(Some(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
    ))
}

pub(super) fn writer() -> (Writer, crate::Memory) {
    let clock = FixedClock("2026-01-31T18:29:18.1234Z".parse().unwrap());
    Writer::memory("processor", Arc::new(clock))
}

pub(super) fn target() -> Target {
    let project_id = ProjectId(123);
    Target::merge_request(&MergeRequestKey {
        instance: "main".into(),
        project_id,
        mr_iid: MergeRequestIid(45),
    })
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
        memory.entries(),
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
fn lines_are_numbered_without_gaps_across_threads() {
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
    let numbers: Vec<u64> = memory
        .entries()
        .iter()
        .map(|line| line["stream"]["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[test]
fn oversized_details_are_left_out_and_counted() {
    let (writer, memory) = writer();
    let names: [&'static str; 200] = std::array::from_fn(|number| &*format!("name {number}").leak());
    let entry = Entry::new(Action::SlackPostMessage, &context(), target(), Outcome::Success);
    let entry = names
        .iter()
        .fold(entry, |entry, name| entry.detail(name, "\u{1}".repeat(500)));
    writer.write(&entry);
    assert_eq!(memory.entries()[0]["details"], json!({"details_left_out": 200}));
}

#[test]
fn last_detail_value_wins_and_empty_is_omitted() {
    let (writer, memory) = writer();
    let entry = Entry::new(Action::SlackPostMessage, &context(), target(), Outcome::Success)
        .detail("attempt", 1)
        .detail("attempt", 2)
        .detail("reason", None::<&str>)
        .detail("ratio", f64::NAN);
    writer.write(&entry);
    assert_eq!(memory.entries()[0]["details"], json!({"attempt": 2}));
}

proptest::proptest! {
    #[test]
    fn any_text_is_printed_sanitized_on_one_line(text in ".*") {
        let (writer, memory) = writer();
        writer.write(&Entry::new(Action::SlackPostMessage, &context(), target(), Outcome::Success).detail("text", text.as_str()));
        let kept = memory.lines();
        proptest::prop_assert_eq!(kept.len(), 1);
        proptest::prop_assert!(!kept[0].contains('\n'));
        let parsed: Value = serde_json::from_str(&kept[0]).unwrap();
        let expected = crate::Text::new(&text);
        proptest::prop_assert_eq!(parsed["details"]["text"].as_str().unwrap(), expected.as_str());
    }
}
