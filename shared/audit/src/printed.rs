//! Printed lines read back: which of them are audit entries, and whether they keep the published schema.

mod entry;
mod field;
mod intent;
mod target_key;

use serde::Deserialize;
use serde_json::Value;

use crate::{ENTRY, INTENT};

pub use entry::PrintedEntry;
pub use intent::{PrintedActor, PrintedIntent};
pub use target_key::target_key;

/// Longest line that is an audit line, in bytes: one event of `CloudWatch` Logs holds 1 MiB, and nothing we print comes near this.
pub const LONGEST: usize = 64 * 1024;

/// What a printed line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Printed {
    /// An audit entry.
    Entry(Box<PrintedEntry>),
    /// The announcement of a call or of a record.
    Intent(Box<PrintedIntent>),
    /// Anything else: the log, a metric, the platform's own lines.
    Other,
}

/// A line that says it is an audit line, and breaks the schema. Keep it for a person; reading it again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
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
/// [`Malformed`] if it says it is an audit line and is none.
pub fn read(line: &str) -> Result<Printed, Malformed> {
    let line = line.trim();
    // Most lines that are none are told apart without reading them as JSON.
    if !line.starts_with('{') || !line.contains("\"event_type\"") {
        return Ok(Printed::Other);
    }
    let kind = match serde_json::from_str(line) {
        Ok(Kind { event_type }) => event_type,
        // A line that was cut off says what it was at its beginning.
        Err(error) if line.contains("\"event_type\":\"audit") => return Err(field::shape(&error)),
        Err(_) => return Ok(Printed::Other),
    };
    if kind != ENTRY && kind != INTENT {
        return Ok(Printed::Other);
    }
    if line.len() > LONGEST {
        return Err(Malformed::new(format!("it is longer than {LONGEST} bytes")));
    }
    if kind == ENTRY {
        entry::read(line).map(|entry| Printed::Entry(Box::new(entry)))
    } else {
        intent::read(line).map(|intent| Printed::Intent(Box::new(intent)))
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
