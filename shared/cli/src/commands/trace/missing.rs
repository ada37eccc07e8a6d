//! Missing lines and open work of a trace.

use jiff::{SignedDuration, Timestamp};
use store::{AuditRow, AuditStory, StoryKind};

use super::timeline::gap_lines;
use crate::output::terminal::sanitize;

/// A line takes some seconds to reach the database.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(60);

/// As text, the most serious first; empty: complete.
pub(super) fn open(entries: &[AuditRow], rest: &AuditStory, now: Timestamp) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for gap in rest.gaps.iter().filter(|gap| gap.closed_at.is_none()) {
        let service = gap.service.as_deref().unwrap_or("an unknown service");
        open.push(format!(
            "{} of {} never arrived and may belong to this trace",
            gap_lines(gap),
            sanitize(service)
        ));
    }
    for row in &rest.rows {
        if let Some(line) = row
            .line
            .filter(|line| !entries.iter().any(|entry| entry.stream == Some(*line)))
        {
            let late = if now.duration_since(row.at) < ON_ITS_WAY {
                "has not arrived yet"
            } else {
                "never arrived"
            };
            open.push(format!(
                "the line that authenticated the delivery ({} of stream {}) {late}",
                line.seq, line.stream_id
            ));
        }
    }
    for call in &rest.calls {
        let young = now.duration_since(call.begun_at) < ON_ITS_WAY;
        let state = if young {
            "is in progress"
        } else {
            "has no recorded end: its process died, or its line was lost"
        };
        open.push(format!("{} {state}", sanitize(&call.call)));
    }
    for row in rest.rows.iter().filter(|row| row.is_open) {
        let state = row.state.as_deref().unwrap_or_default();
        open.push(match row.kind {
            StoryKind::Evaluation => format!("the evaluation is pending ({})", sanitize(&row.what)),
            StoryKind::Quarantined => "the delivery is quarantined".to_owned(),
            _ => format!("{} to {} is {state}", sanitize(&row.what), sanitize(&row.target)),
        });
    }
    open
}

#[cfg(test)]
mod tests {
    use model::AuditLine;
    use store::{OpenCall, RecordedGap, StoryRow};
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn row(kind: StoryKind, state: Option<&str>, is_open: bool) -> StoryRow {
        StoryRow {
            kind,
            at: now() - SignedDuration::from_hours(1),
            what: "slack_exception_alert".to_owned(),
            target: "slack:C0SECLEAD".to_owned(),
            state: state.map(str::to_owned),
            note: None,
            took_ms: None,
            is_open,
            line: None,
        }
    }

    #[test]
    fn complete_story_lacks_nothing() {
        let rest = AuditStory {
            rows: vec![row(StoryKind::Effect, Some("done"), false)],
            ..AuditStory::default()
        };
        assert_eq!(open(&[], &rest, now()), [""; 0]);
    }

    #[test]
    fn everything_that_is_missing_or_open_is_named() {
        let call = |begun: i64| OpenCall {
            id: Uuid::nil(),
            call: "slack.api.post_message".to_owned(),
            begun_at: now() - SignedDuration::from_secs(begun),
            target_key: "slack_channel:C0SECLEAD".to_owned(),
            correlation_id: Uuid::nil(),
            service: "notifier".to_owned(),
            reported_at: None,
        };
        let gap = |closed_at| RecordedGap {
            stream_id: Uuid::nil(),
            service: Some("processor".to_owned()),
            reason: "missing".to_owned(),
            first_seq: 4,
            last_seq: 6,
            missing: 2,
            detected_at: now(),
            closed_at,
        };
        let event = StoryRow {
            line: Some(AuditLine {
                stream_id: Uuid::nil(),
                seq: 14,
            }),
            ..row(StoryKind::Event, None, false)
        };
        let rest = AuditStory {
            rows: vec![event, row(StoryKind::Effect, Some("ambiguous"), true)],
            calls: vec![call(300), call(5)],
            gaps: vec![gap(None), gap(Some(now()))],
        };
        assert_eq!(
            open(&[], &rest, now()),
            [
                "lines 4 to 6 of processor never arrived and may belong to this trace".to_owned(),
                format!(
                    "the line that authenticated the delivery (14 of stream {}) never arrived",
                    Uuid::nil()
                ),
                "slack.api.post_message has no recorded end: its process died, or its line was lost".to_owned(),
                "slack.api.post_message is in progress".to_owned(),
                "slack_exception_alert to slack:C0SECLEAD is ambiguous".to_owned(),
            ]
        );
    }
}
