//! The metrics of the audit log: few dimensions, and one line for each combination in a batch.

use std::collections::{BTreeMap, HashSet};

use audit::Action;
use audit::line_schema::ParsedEntry;
use jiff::Timestamp;
use runtime::metrics::Metrics;
use store::{AuditBacklog, BatchReport};
use uuid::Uuid;

use crate::report::Turn;

/// Replaces every action that is not ours: other producers could otherwise create any number of metrics, each of them billed.
const OTHER: &str = "other";

#[derive(Debug)]
pub(crate) struct Measures(Metrics);

impl Measures {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }

    /// Entries stored for the first time, by action and outcome; and quarantined lines.
    pub(crate) fn stored(&self, entries: &[ParsedEntry], report: &BatchReport) {
        for ((action, outcome), count) in counted(entries, &report.new) {
            let dimensions = [("action", action), ("outcome", outcome)];
            self.0.count_by_all("audit_log_entries_total", &dimensions, count);
        }
        if report.quarantined > 0 {
            self.0.count("audit_lines_quarantined", report.quarantined);
        }
    }

    /// One delivery run of a destination.
    pub(crate) fn turn(&self, destination: &str, turn: &Turn) {
        let by = "destination";
        self.0
            .count_by("audit_log_sink_errors_total", by, destination, turn.errors);
        self.0
            .count_by("audit_deliveries_refused", by, destination, turn.refused);
    }

    pub(crate) fn gaps(&self, found: u64) {
        self.0.count("audit_gaps_detected", found);
    }

    /// What is waiting, and how far behind each of these destinations is.
    pub(crate) fn backlog(&self, backlog: &AuditBacklog, destinations: &[&str], now: Timestamp) {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        self.0.count("audit_lines_waiting", count(backlog.waiting_lines));
        self.0.count("audit_gaps_open", count(backlog.open_gaps));
        self.0.count("audit_intents_open", count(backlog.open_intents));
        self.0.count("audit_lines_quarantined", 0);
        self.0.count("audit_partitions_ahead", count(backlog.partitions_ahead));
        // One that is no longer configured would raise its alarm forever.
        let configured = |name: &str| destinations.contains(&name);
        for destination in backlog.destinations.iter().filter(|known| configured(&known.name)) {
            let (by, name) = ("destination", destination.name.as_str());
            self.0
                .count_by("audit_destination_behind", by, name, count(destination.behind));
            let age = destination
                .oldest
                .map_or(0, |oldest| count(now.as_second() - oldest.as_second()));
            self.0.seconds_by("audit_destination_oldest_seconds", by, name, age);
        }
    }
}

/// The number of new entries by action and outcome.
fn counted(entries: &[ParsedEntry], new: &[Uuid]) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut new: HashSet<&Uuid> = new.iter().collect();
    let mut counts = BTreeMap::new();
    for entry in entries {
        // Removed: an entry that is twice in the batch counts once.
        if new.remove(&entry.id) {
            let known = Action::ALL.iter().find(|action| action.as_str() == entry.action);
            let action = known.map_or(OTHER, |action| action.as_str());
            let outcome = if entry.success { "success" } else { "failure" };
            *counts.entry((action, outcome)).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::line_schema::{ParsedLine, parse_line};
    use audit::{ActorType, Context, Entry, FailureClass, Outcome, Target, Writer};
    use model::FixedClock;

    use super::*;

    fn entries() -> Vec<ParsedEntry> {
        let (writer, lines) = Writer::memory("webhook", Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        let context = Context::new(ActorType::WebhookEvent, Uuid::from_u128(7));
        for outcome in [
            Outcome::Success,
            Outcome::Success,
            Outcome::Failure(FailureClass::Timeout),
        ] {
            writer.write(&Entry::new(
                Action::GitlabGetUser,
                &context,
                Target::other("user", "7"),
                outcome,
            ));
        }
        let read = |line: &String| match parse_line(line).unwrap() {
            ParsedLine::Entry(entry) => *entry,
            other => panic!("{other:?}"),
        };
        lines.lines().iter().map(read).collect()
    }

    #[test]
    fn new_entries_are_counted_by_action_and_outcome() {
        let mut entries = entries();
        entries.extend(entries.clone());
        let new: Vec<Uuid> = entries[..3].iter().map(|entry| entry.id).collect();
        let action = Action::GitlabGetUser.as_str();
        assert_eq!(
            counted(&entries, &new),
            BTreeMap::from([((action, "failure"), 1), ((action, "success"), 2)])
        );
        assert_eq!(counted(&entries, &[]), BTreeMap::new());
    }

    #[test]
    fn other_producers_cannot_make_metrics() {
        let mut entries = entries();
        let new: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.action = format!("made.up.{number}");
        }
        assert_eq!(
            counted(&entries, &new),
            BTreeMap::from([((OTHER, "failure"), 1), ((OTHER, "success"), 2)])
        );
    }
}
