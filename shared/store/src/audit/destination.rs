//! Destinations: a cursor over the order for each, moved by the holder of its lease.

mod delivery;
mod lease;

use jiff::Timestamp;
use uuid::Uuid;

/// The right to send to one destination, until it expires and another sender takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationLease {
    /// `file`, `syslog` or `http`.
    pub name: String,
    /// The fencing token: a new holder has another one.
    pub lease: Uuid,
    /// Everything up to this position has been acknowledged.
    pub delivered: i64,
    pub failures: i32,
}

/// How a delivery run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationEnd {
    /// Nothing left to send, or no time left.
    Idle,
    /// The destination accepts nothing now.
    Failed {
        class: String,
        /// What happened, without secrets.
        error: String,
        next_attempt_at: Timestamp,
    },
}

/// A recorded entry with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionedEntry {
    /// Its position in the dense order, from 1.
    pub position: i64,
    pub id: Uuid,
    pub service: String,
    pub action: String,
    pub timestamp: Timestamp,
    /// The line exactly as printed.
    pub line: String,
}

/// An entry that a destination rejects permanently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeliveredEntry {
    pub position: i64,
    pub event_id: Uuid,
    pub error_class: String,
    /// The destination's answer, without secrets.
    pub error: String,
}
