//! Entries, business rows, open calls and gaps, as lines ordered by time.

use jiff::Timestamp;
use store::{AuditRow, AuditStory, OpenCall, RecordedGap, StoryKind, StoryRow};

use super::offset::offset;
use crate::commands::audit::tabular::{milliseconds, outcome};
use crate::output::table::Cell;
use crate::output::terminal::{Style, sanitize};

pub(super) struct Line {
    pub(super) at: Timestamp,
    service: Cell,
    what: Cell,
    target: String,
    outcome: Cell,
    took_ms: Option<f64>,
}

pub(super) fn heads() -> Vec<Cell> {
    vec![
        Cell::new("OFFSET").right(),
        Cell::new("SERVICE"),
        Cell::new("WHAT"),
        Cell::new("TARGET"),
        Cell::new("TOOK").right(),
        Cell::new("OUTCOME"),
    ]
}

/// Everything by time; at equal times in the order entries, rows, calls, gaps.
pub(super) fn lines(entries: &[AuditRow], rest: &AuditStory) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(entries.iter().map(of_entry));
    lines.extend(rest.rows.iter().map(of_row));
    lines.extend(rest.calls.iter().map(of_call));
    lines.extend(rest.gaps.iter().map(of_gap));
    lines.sort_by_key(|line| line.at);
    lines
}

impl Line {
    pub(super) fn cells(&self, begin: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(offset(begin, self.at)).right(),
            self.service.clone(),
            self.what.clone(),
            Cell::new(sanitize(&self.target)),
            Cell::new(self.took_ms.map(milliseconds).unwrap_or_default()).right(),
            self.outcome.clone(),
        ]
    }
}

fn of_entry(entry: &AuditRow) -> Line {
    Line {
        at: entry.timestamp,
        service: Cell::new(sanitize(&entry.service)),
        what: Cell::new(sanitize(&what_of(entry))),
        target: entry.target_key.clone(),
        outcome: outcome(entry),
        took_ms: entry.duration_ms,
    }
}

/// The action, with what a reader of a command or push wants to know first.
fn what_of(entry: &AuditRow) -> String {
    let detail = |name: &str| {
        entry
            .details
            .get(name)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    };
    match entry.action.as_str() {
        "copilot.command.received" => format!("{}: {} by {}", entry.action, detail("command"), detail("initiator")),
        "git.push.received" => format!("{}: {} by {}", entry.action, detail("ref"), detail("pusher")),
        action => action.to_owned(),
    }
}

fn of_row(row: &StoryRow) -> Line {
    let note = row.note.as_deref();
    let with = |joint: &str| note.map(|note| format!("{joint}{note}")).unwrap_or_default();
    let what = match row.kind {
        StoryKind::Event => format!("event: {}{}", row.what, with(" by ")),
        StoryKind::Quarantined => format!("quarantined: {}{}", row.what, with(", ")),
        StoryKind::Evaluation => format!("pending evaluation: {}{}", row.what, with(", ")),
        StoryKind::Decision => format!("decision: {}{}", row.what, with(", ")),
        StoryKind::Exception => format!("exception: {}{}", row.what, with(", tier ")),
        StoryKind::Effect | StoryKind::Attempt => format!("effect: {}{}", row.what, with(", ")),
    };
    let state = match (row.kind, row.state.as_deref()) {
        (StoryKind::Attempt, None) => "no end recorded",
        (_, state) => state.unwrap_or_default(),
    };
    let style = match (row.is_open, state) {
        (true, _) | (_, "no end recorded") => Style::Yellow,
        (_, "done") => Style::Green,
        _ => Style::Plain,
    };
    Line {
        at: row.at,
        service: Cell::new("database").style(Style::Dim),
        what: Cell::new(sanitize(&what)).style(Style::Bold),
        target: row.target.clone(),
        outcome: Cell::new(sanitize(state)).style(style),
        took_ms: row.took_ms,
    }
}

fn of_call(call: &OpenCall) -> Line {
    Line {
        at: call.begun_at,
        service: Cell::new(sanitize(&call.service)),
        what: Cell::new(sanitize(&call.call)),
        target: call.target_key.clone(),
        outcome: Cell::new("no end recorded").style(Style::Yellow),
        took_ms: None,
    }
}

fn of_gap(gap: &RecordedGap) -> Line {
    let state = match gap.closed_at {
        None => Cell::new(format!("{} missing", gap.missing)).style(Style::Yellow),
        Some(_) => Cell::new("closed"),
    };
    Line {
        at: gap.detected_at,
        service: Cell::new(sanitize(gap.service.as_deref().unwrap_or("?"))),
        what: Cell::new(format!("gap: {}", gap_lines(gap))).style(Style::Yellow),
        target: format!("stream:{}", gap.stream_id),
        outcome: state,
        took_ms: None,
    }
}

/// `line 4`, `lines 4 to 6`.
pub(crate) fn gap_lines(gap: &RecordedGap) -> String {
    if gap.first_seq == gap.last_seq {
        format!("line {}", gap.first_seq)
    } else {
        format!("lines {} to {}", gap.first_seq, gap.last_seq)
    }
}
