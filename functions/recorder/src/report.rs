//! What an invocation did, for the log and for whoever invokes it by hand.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Entries stored that were not known.
    pub stored: u64,
    /// Entries that were known.
    pub duplicates: u64,
    /// Lines put into quarantine.
    pub quarantined: u64,
    /// Messages by which the lines were put off, the database being down.
    pub put_off: usize,
    /// Entries that got their place in the order.
    pub positions: u64,
    pub gaps: u64,
    /// Calls found that were begun and whose end nobody knows.
    pub open_calls: u64,
    /// The turn at each destination.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub destinations: BTreeMap<&'static str, Turn>,
}

/// A turn at one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Entries that it acknowledged.
    pub delivered: u64,
    /// Entries set aside because it refuses them for good.
    pub refused: u64,
    pub errors: u64,
    /// How the turn ended.
    pub end: TurnEnd,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnd {
    /// It has everything, but for entries that wait for company.
    Done,
    /// No time was left; the next minute goes on.
    OutOfTime,
    /// It takes nothing now, and is asked again later.
    Failed,
    /// Somebody else has it, or it is to be left alone for now.
    NotOurs,
    /// The lease ran out and somebody else took it: nothing more was sent.
    LeaseLost,
    /// The database failed; what was not confirmed there is sent again.
    DatabaseFailed,
}
