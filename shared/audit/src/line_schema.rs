//! Reads printed lines: which of them are audit entries, and whether they follow the published schema.

mod entry;
mod field;
mod intent;
mod target_key;

use serde::Deserialize;
use serde_json::Value;

use crate::{ENTRY, INTENT};

pub use entry::ParsedEntry;
pub use intent::{ParsedActor, ParsedIntent};
pub use target_key::target_key;

/// Longest audit line, in bytes: the length of a record fits into 16 bits. Our lines are far shorter.
pub const LONGEST: usize = 65_535;

/// A printed line by its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsedLine {
    /// An audit entry.
    Entry(Box<ParsedEntry>),
    /// The announcement of a call or of a record.
    Intent(Box<ParsedIntent>),
    /// Anything else: a log message, a metric, a line of the platform.
    Other,
}

/// A line that claims to be an audit line but violates the schema. Quarantine it for an operator; a retry cannot succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedEntry(String);

impl MalformedEntry {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    event_type: Value,
}

/// Reads one printed line.
///
/// # Errors
/// [`MalformedEntry`] if the line claims to be an audit line but is invalid.
pub fn parse_line(line: &str) -> Result<ParsedLine, MalformedEntry> {
    let line = line.trim();
    // Most other lines are recognized without parsing JSON.
    if !line.starts_with('{') || !line.contains("\"event_type\"") {
        return Ok(ParsedLine::Other);
    }
    let kind = match serde_json::from_str(line) {
        Ok(Kind { event_type }) => event_type,
        // A truncated line still shows its type at the beginning.
        Err(error) if line.contains("\"event_type\":\"audit") => return Err(field::shape(&error)),
        Err(_) => return Ok(ParsedLine::Other),
    };
    if kind != ENTRY && kind != INTENT {
        return Ok(ParsedLine::Other);
    }
    if line.len() > LONGEST {
        return Err(MalformedEntry::new(format!("it is longer than {LONGEST} bytes")));
    }
    if kind == ENTRY {
        entry::parse_entry(line).map(|entry| ParsedLine::Entry(Box::new(entry)))
    } else {
        intent::parse_intent(line).map(|intent| ParsedLine::Intent(Box::new(intent)))
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
