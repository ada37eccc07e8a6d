//! A request of a producer: which of its entries are accepted.

use audit::line_schema::ParsedEntry;
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::line::accept_entry;
use super::{Producer, RejectReason};

/// The most entries of one request.
pub const MAX_ENTRIES: usize = 500;

/// Longest id that a response repeats, in characters.
const MAX_ID_CHARS: usize = 64;

/// How a body holds its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchFormat {
    /// `application/json`: an array of entries, or one entry.
    Json,
    /// `application/x-ndjson`: one entry on each line.
    Ndjson,
}

/// The entries of a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProducerBatch {
    /// Those to store, in the order of the body.
    pub accepted: Vec<ParsedEntry>,
    pub rejected: Vec<RejectedEntry>,
}

/// An entry that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEntry {
    /// Its place in the body, from 0.
    pub index: usize,
    /// Its `id` as sent, if it has one.
    pub id: Option<String>,
    pub reason: RejectReason,
}

/// The body has more than [`MAX_ENTRIES`] entries: send them in several requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_ENTRIES} entries in one request; send them in several")]
pub struct TooManyEntries;

/// Checks each entry of a body by itself. A body that is not JSON is one invalid entry.
///
/// # Errors
/// [`TooManyEntries`].
pub fn validate(
    body: &[u8],
    format: BatchFormat,
    producer: &Producer,
    now: Timestamp,
) -> Result<ProducerBatch, TooManyEntries> {
    let mut batch = ProducerBatch::default();
    let entries = match format {
        BatchFormat::Json => array_entries(body),
        BatchFormat::Ndjson => body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .collect(),
    };
    if entries.len() > MAX_ENTRIES {
        return Err(TooManyEntries);
    }
    for (index, entry) in entries.into_iter().enumerate() {
        let sent = serde_json::from_slice::<Map<String, Value>>(entry).ok();
        let id = sent
            .as_ref()
            .and_then(|sent| Some(sent.get("id")?.as_str()?.chars().take(MAX_ID_CHARS).collect()));
        let result = sent
            .ok_or(RejectReason::NotAnEntry)
            .and_then(|sent| accept_entry(sent, producer, now));
        match result {
            Ok(entry) => batch.accepted.push(entry),
            Err(reason) => batch.rejected.push(RejectedEntry { index, id, reason }),
        }
    }
    Ok(batch)
}

/// The elements of an array; anything else is one entry.
fn array_entries(body: &[u8]) -> Vec<&[u8]> {
    match serde_json::from_slice::<Vec<&RawValue>>(body) {
        Ok(elements) => elements.iter().map(|element| element.get().as_bytes()).collect(),
        Err(_) => vec![body],
    }
}

#[cfg(test)]
mod tests;
