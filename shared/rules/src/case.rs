//! One case before the rules: the facts with the API's answer at hand, and every approval act that either witness shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{ApiAnswer, Facts, HistoryEvent, UserId};

use crate::Rules;
use crate::act::Act;

/// What one rule found about one approval act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nothing against it.
    Clear,
    /// The rule's objection holds; the text says who and when.
    Holds(String),
    /// It cannot be known; then the act is not a valid approval either.
    Unknown(String),
}

/// The case.
pub(crate) struct Case<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) instance: &'a str,
    pub(crate) api: &'a ApiAnswer,
    /// Trusted history, oldest first; ties in a fixed order, so that the order of arrival makes no difference.
    pub(crate) history: Vec<&'a HistoryEvent>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(facts: &'a Facts, api: &'a ApiAnswer, rules: &'a Rules) -> Self {
        Self {
            rules,
            instance: &facts.merge_request.instance,
            api,
            history: trusted(facts),
        }
    }

    pub(crate) fn merged_at(&self) -> Timestamp {
        self.api.merge.merged_at
    }

    /// Everybody who approved, by either witness, in the order of their ids.
    pub(crate) fn acts(&self) -> Vec<Act<'a>> {
        let mut acts: BTreeMap<UserId, Act<'a>> = BTreeMap::new();
        for approval in &self.api.approvals {
            let act = acts.entry(approval.user.id).or_insert_with(|| Act::new(&approval.user));
            // Should the API ever list somebody twice, the latest time is the one that must hold.
            if act.api.is_none_or(|listed| listed.approved_at < approval.approved_at) {
                act.api = Some(approval);
            }
        }
        for event in self
            .history
            .iter()
            .copied()
            .filter(|event| event.action.is_approval() && !event.system)
        {
            if let Some(actor) = &event.actor {
                acts.entry(actor.id)
                    .or_insert_with(|| Act::new(actor))
                    .history
                    .push(event);
            }
        }
        acts.into_values().collect()
    }
}

/// Stored events whose content may be believed, each once, in an order that does not depend on arrival.
pub(crate) fn trusted(facts: &Facts) -> Vec<&HistoryEvent> {
    let mut history: Vec<&HistoryEvent> = facts.history.iter().filter(|event| !event.stale).collect();
    history.sort_by_cached_key(|event| (event.occurred_at, format!("{event:?}")));
    history.dedup();
    history
}
