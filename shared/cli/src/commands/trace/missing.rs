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
mod tests;
