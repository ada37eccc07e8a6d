//! Everything that the flow saw and decided, for the comparison with what was really so.

use model::{Facts, HistoryEvent, Verdict};

use crate::api::{Mode, Reading};

/// A decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// When.
    pub at: i64,
    /// What it rests on.
    pub facts: Facts,
    /// What it says.
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
    /// What was stored.
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
    /// An unconfirmed decision that is read again only after an event: the time for it is over.
    GivenUp,
    /// No decision yet; it is read again.
    Pending,
    /// No decision, because GitLab does not show the merge.
    Denied,
    /// A source showed a merge, and nothing follows: never right.
    Forgotten,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Readings of an evaluation that was not decided, or not confirmed.
    pub rereads: u32,
    /// Readings of a confirmed decision that an event caused.
    pub further_readings: u32,
    /// Readings before the merge.
    pub reviews: u32,
    /// Deliveries that were known already.
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
    /// Until when it was followed.
    pub until: i64,
    /// How often what happened.
    pub counts: Counts,
}
