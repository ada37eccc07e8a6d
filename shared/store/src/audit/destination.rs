//! Destinations: a cursor over the order for each, moved by whoever holds its lease.

mod delivery;
mod lease;

use jiff::Timestamp;
use uuid::Uuid;

/// The right to send to one destination, until it runs out and somebody else takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationLease {
    /// `file`, `syslog` or `http`.
    pub name: String,
    /// The fencing token: whoever takes the destination over has another.
    pub lease: Uuid,
    /// Everything up to this position has been acknowledged.
    pub delivered: i64,
    /// Failures in a row.
    pub failures: i32,
}

/// How a turn at a destination ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationEnd {
    /// Nothing left to send, or no time left.
    Idle,
    /// The destination takes nothing now.
    Failed {
        class: String,
        /// What happened, without secrets.
        error: String,
        /// Not to be tried again before.
        next_attempt_at: Timestamp,
    },
}

/// A recorded entry with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionedEntry {
    /// Its place in the dense order, from 1.
    pub position: i64,
    /// Its idempotency key.
    pub id: Uuid,
    pub service: String,
    pub action: String,
    pub timestamp: Timestamp,
    /// The line exactly as printed.
    pub line: String,
}

/// An entry that a destination refuses for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Its place in the order.
    pub position: i64,
    pub event_id: Uuid,
    pub error_class: String,
    /// What the destination says, without secrets.
    pub error: String,
}
