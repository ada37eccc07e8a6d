//! Everything that the flow saw and decided, to compare with what really happened.

use model::{Facts, HistoryEvent, Verdict};

use crate::api::{Mode, Reading};

/// A decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// When.
    pub at: i64,
    /// The facts it is based on.
    pub facts: Facts,
    pub verdict: Verdict,
    /// Whether every needed read was answered.
    pub confirmed: bool,
}

/// An event that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: i64,
    /// When the act really happened.
    pub done_at: i64,
    /// The stored event.
    pub event: HistoryEvent,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// No source showed a merge.
    NotMerged,
    /// The merge was from before the watch.
    BeforeWatch,
    /// A confirmed decision.
    Confirmed,
    /// An unconfirmed decision that is read again.
    Unconfirmed,
    /// An unconfirmed decision past its schedule: only an event causes another reading.
    GivenUp,
    /// No decision yet; it is read again.
    Pending,
    /// No decision, because GitLab does not show the merge.
    Denied,
    /// A source showed a merge, and nothing followed: never correct.
    Forgotten,
}

/// Counts of things that happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Readings of an evaluation that was not decided, or not confirmed.
    pub rereads: u32,
    /// Readings of a confirmed decision that an event caused.
    pub further_readings: u32,
    /// Readings before the merge.
    pub reviews: u32,
    /// Known deliveries.
    pub duplicates: u32,
}

/// Everything that the flow saw and decided.
#[derive(Debug, Clone)]
pub struct Record {
    /// Readings, in order, with their purpose.
    pub readings: Vec<(Mode, Reading)>,
    /// Events, in order.
    pub received: Vec<Received>,
    /// Decisions, in order.
    pub decided: Vec<Decided>,
    /// How it ends.
    pub end: End,
    /// A reading is still due.
    pub open: bool,
    /// When the flow stopped following it.
    pub until: i64,
    /// Counts of things that happened.
    pub counts: Counts,
}
