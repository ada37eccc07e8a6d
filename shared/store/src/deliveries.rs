//! What deliveries report: events, and what cannot be processed.

mod events;
mod quarantine;

pub use events::{EligibleReading, InsertResult, StoredHistory};
pub(crate) use events::{history_statement, read_history, read_stored_history};
