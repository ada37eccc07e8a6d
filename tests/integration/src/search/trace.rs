//! `countersign trace`: one piece of work as a person reads it.

use audit::line_schema::{ParsedLine, parse_line};
use serde_json::json;
use store::AuditBatch;

use super::command::{countersign, stderr, stdout};
use super::stored_log::{StoredLog, at, delivery, trace};

#[tokio::test]
async fn timeline_is_ordered_and_ends_with_open_items() {
    let log = StoredLog::of(13_000..13_100).await;
    let id = delivery(13_020);
    let mut story: Vec<_> = log.entries.iter().filter(|entry| entry.correlation_id == id).collect();
    story.sort_by_key(|entry| entry.id);
    assert_eq!(story.len(), 6);

    let output = countersign(&log.database, &["trace", &id.to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = stdout(&output);
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| line.trim_start().starts_with('+'))
        .collect();
    assert_eq!(lines.len(), story.len(), "{shown}");
    for (line, entry) in lines.iter().zip(&story) {
        assert!(
            line.contains(&entry.action) && line.contains(&entry.target_key),
            "{line}\n{entry:?}"
        );
        let failed = entry.error.is_none_or(|class| line.contains(class.as_str()));
        assert!(failed, "{line}");
    }
    assert!(shown.starts_with(&format!("correlation {id}\n")), "{shown}");
    assert!(shown.contains(", 6 entries by tests\n"), "{shown}");
    assert!(shown.ends_with("Trace complete: no gaps, no open calls.\n"), "{shown}");

    // The same by its trace, in each form.
    let trace = trace(13_020);
    for form in [trace.clone(), format!("00-{trace}-00f067aa0ba902b7-01")] {
        assert_eq!(stdout(&countersign(&log.database, &["trace", &form])), shown, "{form}");
    }
}

#[tokio::test]
async fn call_without_an_end_is_shown_as_open() {
    let log = StoredLog::of(13_020..13_026).await;
    let id = delivery(13_020);
    let begun = at("2026-02-09T12:00:00Z");
    let intent = json!({
        "timestamp": format!("{begun:.3}"), "event_type": "audit_intent", "call": "slack.api.post_message",
        "actor": {"type": "webhook_event", "id": id}, "target": {"resource_type": "slack_channel", "id": "C0SECLEAD"},
        "correlation_id": id, "service": "notifier", "id": audit::entry_id(begun, "a call"),
        "stream_id": audit::entry_id(begun, "a stream"), "trace_id": null,
    });
    let Ok(ParsedLine::Intent(intent)) = parse_line(&intent.to_string()) else {
        panic!("no announcement: {intent}");
    };
    let batch = AuditBatch {
        source: "tests".to_owned(),
        intents: vec![*intent],
        ..AuditBatch::default()
    };
    log.database.store().record_audit_batch(&batch, begun).await.unwrap();
    let shown = stdout(&countersign(&log.database, &["trace", &id.to_string()]));
    assert!(shown.contains("no end recorded"), "{shown}");
    let ending =
        "Missing or open: slack.api.post_message has no recorded end: its process died, or its line was lost.\n";
    assert!(shown.ends_with(ending), "{shown}");
    let gaps = stdout(&countersign(&log.database, &["audit", "gaps"]));
    assert!(gaps.contains("slack.api.post_message"), "{gaps}");
}
