//! What both sides saw in one run.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use audit::line_schema::{ParsedLine, parse_line};
use audit::{Action, Memory};
use serde_json::Value;

use super::super::env::context;
use super::received::Counts;

/// Our audit log, and what the other side received.
pub(super) struct Seen {
    pub(super) lines: Memory,
    /// `host:port` of the other side.
    pub(super) address: String,
    /// By action.
    pub(super) requests: Counts,
}

impl Seen {
    pub(super) fn entries_of(&self, action: Action) -> Vec<Value> {
        let mut entries = self.lines.entries();
        entries.retain(|entry| entry["action"] == action.as_str());
        entries
    }

    /// Each line matches the schema; each entry was announced before it, each announcement has its entry; the numbers are dense.
    pub(super) fn is_well_formed(&self, case: &str) {
        let mut announced = BTreeMap::new();
        let mut numbers = Vec::new();
        for line in self.lines.lines() {
            let value: Value = serde_json::from_str(&line).unwrap();
            schema()
                .validate(&value)
                .unwrap_or_else(|error| panic!("{case}: {error}: {line}"));
            match parse_line(&line).unwrap_or_else(|error| panic!("{case}: {error}: {line}")) {
                ParsedLine::Intent(intent) => {
                    assert!(
                        announced.insert(intent.id, intent).is_none(),
                        "{case}: duplicate {line}"
                    );
                }
                ParsedLine::Entry(entry) => {
                    let intent = announced
                        .remove(&entry.id)
                        .unwrap_or_else(|| panic!("{case}: not announced: {line}"));
                    assert_eq!((&intent.call, &intent.target), (&entry.action, &entry.target), "{case}");
                    assert_eq!(
                        (intent.timestamp, intent.correlation_id),
                        (entry.timestamp, entry.correlation_id),
                        "{case}"
                    );
                    assert_eq!(entry.correlation_id, context().correlation_id, "{case}");
                    assert_eq!(
                        (entry.actor_type, entry.actor_id),
                        (context().actor, context().correlation_id),
                        "{case}"
                    );
                    assert_eq!(entry.service, "test", "{case}");
                    assert!(
                        entry.duration_ms.is_some_and(|duration| duration > 0.0),
                        "{case}: {line}"
                    );
                    numbers.push(entry.stream.unwrap().seq);
                }
                ParsedLine::Other => panic!("{case}: not an audit line: {line}"),
            }
        }
        assert!(
            announced.is_empty(),
            "{case}: announced, but without an entry: {announced:?}"
        );
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{case}");
    }

    /// What the other side received, by action.
    pub(super) fn received(&self) -> Counts {
        self.requests.clone()
    }

    /// What the audit log says was sent, by action: the single entry of an AWS call counts all its attempts.
    pub(super) fn audited(&self) -> Counts {
        let mut counts = Counts::new();
        for entry in self.lines.entries() {
            let known = Action::ALL.iter().find(|action| entry["action"] == action.as_str());
            let action = known.unwrap_or_else(|| panic!("an unknown action: {entry}"));
            *counts.entry(action.as_str()).or_default() += entry["details"]["attempts"].as_u64().unwrap_or(1);
        }
        counts
    }

    /// Both are equal.
    pub(super) fn comparison(&self) -> Result<(), String> {
        let (received, audited) = (self.received(), self.audited());
        if received == audited {
            Ok(())
        } else {
            Err(format!("received {received:?}, audited {audited:?}"))
        }
    }

    pub(super) fn agrees(&self, case: &str) {
        self.comparison()
            .unwrap_or_else(|difference| panic!("{case}: {difference}"));
    }
}

fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| jsonschema::draft202012::new(&serde_json::from_str(audit::SCHEMA).unwrap()).unwrap())
}
