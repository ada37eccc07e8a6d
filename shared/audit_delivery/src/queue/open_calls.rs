//! Calls that an earlier process announced but did not complete.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use audit::line_schema::{ParsedIntent, ParsedLine, parse_line};
use audit::{Entry, Writer, entry_id};

/// A call that was announced and whose entry has not been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenCall {
    /// The segment with the announcement.
    pub(super) segment: u64,
    /// The announcement.
    pub(super) line: String,
}

/// The entry that reports an open call, always with the same id, so that a crash before its write is confirmed creates no duplicate.
fn report(intent: &ParsedIntent) -> Entry {
    intent.open_call_entry().keyed(intent.timestamp, key(intent))
}

fn key(intent: &ParsedIntent) -> String {
    format!("intent/{}", intent.id)
}

fn parse(open: &OpenCall) -> Option<ParsedIntent> {
    match parse_line(&open.line) {
        Ok(ParsedLine::Intent(intent)) => Some(*intent),
        _ => None,
    }
}

/// Removes the calls that were reported before.
pub(super) fn without_reported(open: &mut HashMap<Uuid, OpenCall>, reported: &HashSet<Uuid>) {
    if !reported.is_empty() {
        open.retain(|_, open| {
            parse(open).is_none_or(|intent| !reported.contains(&entry_id(intent.timestamp, &key(&intent))))
        });
    }
}

/// Reports every open call: the process that announced it is dead, because this process has exclusive access to the directory.
pub(super) fn report_all(open: &HashMap<Uuid, OpenCall>, writer: &Writer) {
    let mut intents: Vec<_> = open.values().filter_map(parse).collect();
    intents.sort_by_key(|intent| intent.id);
    for intent in &intents {
        writer.write(&report(intent));
    }
}
