//! Entries that other services send for the audit log: who may send, and which entries are accepted.

mod authorize;
mod batch;
mod inlet;
mod key;
mod line;

pub use authorize::authorize;
pub use batch::{BatchFormat, MAX_ENTRIES, ProducerBatch, RejectedEntry, TooManyEntries, validate};
pub use inlet::{InletMessage, UnreadableLines};
pub use key::{Producer, ProducerFields};
pub use line::RejectReason;
