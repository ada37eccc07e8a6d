//! A merge to decide.

use audit::Context;
use jiff::Timestamp;
use model::{Facts, Review, Verdict};
use rules::{Rules, review_of_merge};
use store::{MergeRequestState, StoredDecision};
use uuid::Uuid;

use crate::App;

/// A merge to decide now.
pub(crate) struct Merge<'a> {
    pub(crate) context: &'a Context,
    /// What is stored about it.
    pub(crate) state: &'a MergeRequestState,
    pub(crate) facts: &'a Facts,
    pub(crate) verdict: &'a Verdict,
    /// The ledger's side of it; `None`: nothing to review.
    pub(crate) review: Option<Review>,
    pub(crate) rules: &'a Rules,
    /// The new decision's id.
    pub(crate) decision_id: Uuid,
    pub(crate) now: Timestamp,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(
        app: &App,
        context: &'a Context,
        state: &'a MergeRequestState,
        facts: &'a Facts,
        verdict: &'a Verdict,
        rules: &'a Rules,
    ) -> Self {
        Self {
            context,
            state,
            facts,
            verdict,
            review: review_of_merge(facts, verdict, rules),
            rules,
            decision_id: Uuid::now_v7(),
            now: app.now(),
        }
    }

    /// The decision on the merge that this one corrects.
    pub(crate) fn previous(&self) -> Option<&'a StoredDecision> {
        self.state.decision.as_ref()
    }
}
