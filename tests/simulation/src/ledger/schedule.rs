//! When GitLab is read next.

use crate::clock::{MINUTE, SECOND, instant, timestamp};

/// How long a merge may stay undecided while GitLab cannot be read.
pub(super) const DEADLINE: i64 = 15 * MINUTE;

/// The first wait of a pending evaluation; it doubles.
const FIRST_RETRY: i64 = 30 * SECOND;

/// The longest wait of a pending evaluation.
const LONGEST_RETRY: i64 = 5 * MINUTE;

/// Delay after a source showed a merge without its own event: the real delivery goes first.
pub(super) const MERGE_SHOWN: i64 = MINUTE;

/// Events cause at most one reading in this interval.
const BETWEEN_READINGS: i64 = MINUTE;

/// A stale delivery causes no reading in this interval.
const AFTER_STALE: i64 = 10 * MINUTE;

/// A merge that waits for a decision or a re-read.
#[derive(Debug, Clone)]
pub(super) struct Evaluation {
    /// Waits for its first decision before the deadline.
    pub(super) pending: bool,
    pub(super) first_seen_at: i64,
    pub(super) attempts: i32,
    /// `None`: the schedule has ended; an event still causes a reading.
    pub(super) due: Option<i64>,
    /// GitLab has shown the merge request.
    pub(super) shown: bool,
    /// A merge event, trusted or not, requests the decision: the start of the watch does not matter.
    pub(super) by_merge_event: bool,
    /// The last reading that was not the first.
    pub(super) reread_at: Option<i64>,
}

impl Evaluation {
    pub(super) fn new(now: i64, due: i64, by_merge_event: bool) -> Self {
        Self {
            pending: true,
            first_seen_at: now,
            attempts: 0,
            due: Some(due),
            shown: false,
            by_merge_event,
            reread_at: None,
        }
    }

    pub(super) fn deadline(&self) -> i64 {
        self.first_seen_at + DEADLINE
    }

    /// Before the deadline: retry after 30 s, doubling to 5 min, and once at the deadline.
    pub(super) fn wait(&mut self, now: i64, not_before: Option<i64>) {
        self.pending = true;
        let doubled = FIRST_RETRY << self.attempts.clamp(0, 10);
        let due = now + doubled.min(LONGEST_RETRY);
        let due = if now < self.deadline() {
            due.min(self.deadline())
        } else {
            due
        };
        self.attempts += 1;
        self.due = Some(not_before.map_or(due, |at| at.max(now + 1)));
    }

    /// Unconfirmed, or not shown as merged: use the long schedule.
    pub(super) fn read_again(&mut self, now: i64, not_before: Option<i64>) {
        if self.pending {
            (self.pending, self.attempts) = (false, 0);
        }
        let first = timestamp(self.first_seen_at);
        let give_up = rules::give_up_at(first, self.shown);
        let due = rules::reread_at(first, self.attempts, timestamp(now), give_up).map(instant);
        self.attempts += 1;
        self.due = not_before.map(|at| at.max(now + 1)).or(due);
    }

    /// An event: read immediately, at most once a minute.
    pub(super) fn nudge(&mut self, now: i64, stale: bool) {
        let pause = if stale { AFTER_STALE } else { BETWEEN_READINGS };
        let due = self.reread_at.map_or(now, |last| now.max(last + pause));
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }
}
