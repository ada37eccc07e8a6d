//! A row to record, where it may be, and the result.

use rules::{ConfluenceRules as Settings, Wording};

use super::page::ConfluencePage;
use crate::MergeSummary;

/// Where rows may be, as far as known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowPlace {
    /// The page that took the latest row, which probably has room.
    pub latest: Option<String>,
    /// The page that had the latest row at the first effect of this merge: its row is there, or on a later page.
    pub oldest: Option<String>,
    /// The page that has an earlier row of this merge request.
    pub earlier: Option<String>,
    /// An earlier attempt may have put the row on any page.
    pub anywhere: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The row is on this page, since this version or an earlier one.
    Done {
        page: String,
        /// Its version when it was read or written.
        version: u64,
    },
    /// The row is missing, and changes were not requested.
    Missing,
}

/// A merge and how to record it.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) merge: &'a MergeSummary,
    pub(super) settings: &'a Settings,
    pub(super) wording: &'a Wording,
    pub(super) read_only: bool,
}

/// Result of an attempt at one page.
pub(super) enum Tried {
    Recorded(Recorded),
    /// The row is not on it, and it has no room, or changes were not requested.
    Elsewhere(ConfluencePage),
    /// The page was deleted meanwhile.
    Gone,
}
