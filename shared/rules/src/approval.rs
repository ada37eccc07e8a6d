//! One person's approval, as GitLab's answer and the event history show it.

use jiff::Timestamp;
use model::{Approval, HistoryEvent, User};

use crate::time::{Interval, Order};

/// An approval shown by the event history or by an answer from before the merge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenApproval {
    pub(crate) interval: Interval,
    /// Its order against the merge by its interval only.
    pub(crate) by_time: Order,
    /// The same, but while the merge request was open counts as before the merge.
    pub(crate) by_state: Order,
}

#[derive(Debug)]
pub(crate) struct ApprovalRecord<'a> {
    pub(crate) user: &'a User,
    /// As GitLab lists it, or listed it in an earlier answer after the merge.
    pub(crate) listed: Option<&'a Approval>,
    /// This person's approvals in the event history, oldest first.
    pub(crate) seen: Vec<SeenApproval>,
}

impl<'a> ApprovalRecord<'a> {
    pub(crate) fn new(user: &'a User) -> Self {
        Self {
            user,
            listed: None,
            seen: Vec::new(),
        }
    }

    /// GitLab lists the approval with its time, which then decides.
    pub(crate) fn listed_at(&self) -> Option<Timestamp> {
        self.listed?.approved_at
    }

    /// When the relevant approval was given: by GitLab's answer; else the last seen that may be before the merge; else the last.
    pub(crate) fn given(&self) -> Option<Interval> {
        let seen = || {
            let up_to_merge = self.seen.iter().rfind(|seen| seen.by_state != Order::After);
            up_to_merge.or(self.seen.last()).map(|seen| seen.interval)
        };
        self.listed_at().map(Interval::exact).or_else(seen)
    }

    /// The time to display.
    pub(crate) fn shown_at(&self) -> Option<Timestamp> {
        Some(self.given()?.from)
    }

    /// The event history shows an approval of this person before the merge.
    pub(crate) fn in_history(&self) -> bool {
        self.seen.iter().any(|seen| seen.by_state != Order::After)
    }

    /// The event history shows the same approval that GitLab lists.
    pub(crate) fn is_proven_twice(&self) -> bool {
        let same = |seen: &SeenApproval| match self.listed_at() {
            Some(at) => seen.interval.order(at) == Order::Unknown,
            None => seen.by_state != Order::After,
        };
        self.listed.is_some() && self.seen.iter().any(same)
    }

    /// The events show an approval of this person before the merge that is newer than the one that GitLab lists.
    pub(crate) fn seen_later(&self, merged_at: Timestamp) -> bool {
        let Some(listed_at) = self.listed_at().filter(|at| *at <= merged_at) else {
            return false;
        };
        let later = |seen: &SeenApproval| seen.by_state == Order::Before && seen.interval.from > listed_at;
        self.seen.iter().any(later)
    }

    /// Only the event history shows it, and only after the merge: it is reported and changes nothing.
    pub(crate) fn only_after_merge(&self) -> bool {
        self.listed.is_none() && !self.in_history()
    }
}

/// A revocation by the approver, or a reset by GitLab.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revocation<'a> {
    pub(crate) event: &'a HistoryEvent,
    pub(crate) interval: Interval,
    pub(crate) to_merge: Order,
}

impl Revocation<'_> {
    /// The earliest time of a GitLab read whose answer is newer than the revocation.
    pub(crate) fn confirmable_at(&self) -> Timestamp {
        let received_at = self.event.received_at.unwrap_or(self.event.occurred_at);
        crate::time::plus(received_at, crate::SECOND_READING_AFTER)
    }
}
