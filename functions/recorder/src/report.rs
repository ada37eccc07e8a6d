//! What an invocation did, for the log and for manual invocations.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct InvocationReport {
    pub stored: u64,
    pub duplicates: u64,
    pub quarantined: u64,
    /// Messages sent to the retry queue because the database was down.
    pub put_off: usize,
    /// Entries that got their position.
    pub positions: u64,
    pub gaps: u64,
    /// Calls announced without a known end.
    pub open_calls: u64,
    /// The delivery run of each destination.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub destinations: BTreeMap<&'static str, Turn>,
}

/// A delivery run of one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Entries that it acknowledged.
    pub delivered: u64,
    /// Entries quarantined because the destination permanently rejects them.
    pub refused: u64,
    pub errors: u64,
    /// How the run ended.
    pub end: TurnEnd,
}

/// How a delivery run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnd {
    /// It has every entry, except those about our own deliveries, which wait for others.
    Done,
    /// No time was left; the next run continues.
    OutOfTime,
    /// It accepts nothing now, and is retried later.
    Failed,
    /// Another environment holds the lease, or a wait is not over.
    NotOurs,
    /// The lease expired and another environment took it: nothing more was sent.
    LeaseLost,
    /// The database failed; what was not confirmed there is sent again.
    DatabaseFailed,
}
