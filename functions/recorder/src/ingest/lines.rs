//! Sorts printed lines: entries, announcements, malformed ones, and everything else.

use audit::line_schema::{LONGEST, ParsedLine, parse_line};
use store::{AuditBatch, MalformedLine};

use crate::ingest::logs::{LogDelivery, LogEvent};

/// The audit lines of a delivery.
pub(crate) fn sorted(delivery: &LogDelivery) -> AuditBatch {
    let mut batch = AuditBatch {
        source: delivery.source(),
        ..AuditBatch::default()
    };
    for line in delivery.log_events.iter().flat_map(|event| event.message.lines()) {
        add(&mut batch, line);
    }
    batch
}

/// The same for the given lines.
pub(crate) fn sorted_lines(source: &str, lines: &[String]) -> AuditBatch {
    let mut batch = AuditBatch {
        source: source.to_owned(),
        ..AuditBatch::default()
    };
    for line in lines {
        add(&mut batch, line);
    }
    batch
}

/// Whether an event holds anything to store.
pub(crate) fn is_audit(event: &LogEvent) -> bool {
    event
        .message
        .lines()
        .any(|line| !matches!(parse_line(line), Ok(ParsedLine::Other)))
}

fn add(batch: &mut AuditBatch, line: &str) {
    match parse_line(line) {
        Ok(ParsedLine::Entry(entry)) => batch.entries.push(*entry),
        Ok(ParsedLine::Intent(intent)) => batch.intents.push(*intent),
        Ok(ParsedLine::Other) => (),
        Err(malformed) => batch.malformed.push(kept(line, malformed.to_string())),
    }
}

/// A line for the quarantine: bounded, and without characters that Postgres text cannot hold.
pub(crate) fn kept(line: &str, reason: String) -> MalformedLine {
    let line = line.trim();
    let end = line.floor_char_boundary(LONGEST);
    let reason = if end < line.len() {
        format!("{reason}; only the first {end} of {} bytes are stored", line.len())
    } else {
        reason
    };
    MalformedLine {
        line: line[..end].replace('\0', "\u{fffd}"),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::{Action, ActorType, Context, Entry, Outcome, Target, Writer};
    use jiff::Timestamp;
    use model::FixedClock;
    use uuid::Uuid;

    use super::*;

    fn delivery(messages: &[&str]) -> LogDelivery {
        LogDelivery {
            message_type: "DATA_MESSAGE".to_owned(),
            log_group: "/aws/lambda/webhook".to_owned(),
            log_stream: "s".to_owned(),
            log_events: messages
                .iter()
                .map(|message| LogEvent {
                    message: (*message).to_owned(),
                })
                .collect(),
        }
    }

    /// An announcement and an entry as printed.
    fn printed() -> Vec<String> {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let (writer, lines) = Writer::memory("webhook", Arc::new(FixedClock(now)));
        let context = Context::new(ActorType::WebhookEvent, Uuid::from_u128(7));
        let target = Target::other("queue", "deliveries.fifo");
        let announced = writer.announce_call(Action::SqsSendMessage, &context, &target);
        writer.write(&Entry::new(Action::SqsSendMessage, &context, target, Outcome::Success).completes(announced));
        lines.lines()
    }

    #[test]
    fn entries_and_announcements_are_recorded_log_lines_skipped() {
        let printed = printed();
        let log = [
            "START RequestId: 1",
            r#"{"level":"INFO","message":"done"}"#,
            r#"{"_aws":{},"deliveries":1}"#,
            "",
        ];
        let messages: Vec<&str> = log.into_iter().chain(printed.iter().map(String::as_str)).collect();
        let batch = sorted(&delivery(&messages));
        assert_eq!(batch.source, "/aws/lambda/webhook/s");
        assert_eq!(
            (batch.entries.len(), batch.intents.len(), batch.malformed.len()),
            (1, 1, 0)
        );
        assert_eq!(batch.entries[0].line, printed[1]);
        assert_eq!(batch.entries[0].id, batch.intents[0].id);
        let audit: Vec<bool> = delivery(&messages).log_events.iter().map(is_audit).collect();
        assert_eq!(audit, [false, false, false, false, true, true]);
    }

    #[test]
    fn several_lines_in_one_event_are_several_lines() {
        let printed = printed();
        let joined = format!("log\n{}\n{}\n", printed[0], printed[1]);
        let batch = sorted(&delivery(&[&joined]));
        assert_eq!((batch.entries.len(), batch.intents.len()), (1, 1));
    }

    #[test]
    fn a_malformed_entry_is_quarantined_unchanged() {
        let forged = printed()[1].replace("\"seq\":1", "\"seq\":0.5");
        let unknown = r#"{"event_type":"audit","action":"x","password":"hunter2"}"#;
        let batch = sorted(&delivery(&[&forged, unknown]));
        assert!(batch.entries.is_empty());
        assert_eq!(batch.malformed.len(), 2);
        assert_eq!(batch.malformed[1].line, unknown);
        assert!(
            !batch.malformed[1].reason.contains("hunter2"),
            "{:?}",
            batch.malformed[1].reason
        );
    }

    #[test]
    fn half_a_line_is_quarantined_huge_one_truncated() {
        let whole = printed().remove(1);
        let half = &whole[..whole.len() / 2];
        let batch = sorted(&delivery(&[half]));
        assert_eq!((batch.entries.len(), batch.malformed.len()), (0, 1));
        assert_eq!(batch.malformed[0].line, half);
        let huge = whole.replace("deliveries.fifo", &"ß".repeat(LONGEST));
        let batch = sorted(&delivery(&[&huge]));
        let [malformed] = &batch.malformed[..] else {
            panic!("one line expected: {}", batch.malformed.len())
        };
        assert!(malformed.line.len() <= LONGEST && malformed.line.len() > LONGEST - 2);
        assert!(
            malformed.reason.contains(&huge.len().to_string()),
            "{}",
            malformed.reason
        );
    }

    #[test]
    fn nul_characters_never_reach_the_quarantine() {
        assert_eq!(kept(" a\0b ", "why".to_owned()).line, "a\u{fffd}b");
    }
}
