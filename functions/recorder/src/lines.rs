//! Sorts printed lines: entries, announcements, malformed ones, and everything else.

#[cfg(test)]
mod tests;

use audit::printed::{LONGEST, ParsedLine, parse_line};
use store::{AuditBatch, MalformedLine};

use crate::logs::{LogDelivery, LogEvent};

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
