//! When an act happened, as far as known: an interval, and its order against a time.

use jiff::{SignedDuration, Timestamp};
use model::{HistoryEvent, OccurredAtSource};

/// Clocks of two machines are assumed to differ by at least this.
const LEAST_OFFSET: i64 = 2;

/// GitLab builds the hook of an approval in a background job: within this time after the act, as a rule.
const HOOK_BUILD: SignedDuration = SignedDuration::from_secs(10);

/// GitLab's webhooks have whole seconds: the act may have happened at any time within that second.
const WITHIN_SECOND: SignedDuration = SignedDuration::from_millis(999);

/// The interval within which an act happened; both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// The order of an act against a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Before,
    After,
    Unknown,
}

impl Interval {
    /// A time known exactly.
    pub(crate) fn exact(at: Timestamp) -> Self {
        Self { from: at, to: at }
    }

    /// The time of an event's act.
    ///
    /// `actioned_at` is that second. Every other time of the payload is the row's last change when GitLab built the hook: mostly
    /// from before the act; if a background job builds the hook, at most [`HOOK_BUILD`] after it. The receipt is the upper bound.
    /// Both are widened by the offset between GitLab's clock and ours. An event stored by an earlier version has no receipt: then
    /// its second counts.
    pub(crate) fn of(event: &HistoryEvent, clock_offset_seconds: i64) -> Self {
        let second = Self {
            from: event.occurred_at,
            to: plus(event.occurred_at, WITHIN_SECOND),
        };
        let Some(received_at) = event.received_at else {
            return second;
        };
        if event.occurred_at_source == Some(OccurredAtSource::ActionedAt) {
            return second;
        }
        let offset = offset(clock_offset_seconds);
        let is_built_later = event.action.is_approval() || event.action.is_revocation();
        let built_after = if is_built_later {
            HOOK_BUILD
        } else {
            SignedDuration::ZERO
        };
        Self {
            from: plus(event.occurred_at.min(received_at), -(offset + built_after)),
            to: plus(received_at, offset),
        }
    }

    /// The interval in which the payload's snapshot (its label list) was taken: GitLab builds a hook after the act, and after the
    /// change whose time the hook contains.
    pub(crate) fn of_snapshot(event: &HistoryEvent, clock_offset_seconds: i64) -> Self {
        let Some(received_at) = event.received_at else {
            // An earlier version kept no receipt.
            return Self {
                from: event.occurred_at,
                to: plus(event.occurred_at, HOOK_BUILD),
            };
        };
        let offset = offset(clock_offset_seconds);
        let from = if event.occurred_at_source == Some(OccurredAtSource::ActionedAt) {
            event.occurred_at
        } else {
            plus(event.occurred_at.min(received_at), -offset)
        };
        Self {
            from,
            to: plus(received_at, offset).max(from),
        }
    }

    /// The order against a time known exactly.
    pub(crate) fn order(self, instant: Timestamp) -> Order {
        if self.to < instant {
            Order::Before
        } else if self.from > instant {
            Order::After
        } else {
            Order::Unknown
        }
    }

    /// The order against another act.
    pub(crate) fn order_to(self, other: Self) -> Order {
        if self.to < other.from {
            Order::Before
        } else if self.from > other.to {
            Order::After
        } else {
            Order::Unknown
        }
    }

    /// The distance of a time from the interval; zero within it.
    pub(crate) fn distance(self, instant: Timestamp) -> SignedDuration {
        let early = self.from.duration_since(instant);
        let late = instant.duration_since(self.to);
        early.max(late).max(SignedDuration::ZERO)
    }
}

/// The order of an event against the merge. Merging is final: what happened while the merge request was open happened before.
pub(crate) fn order_to_merge(event: &HistoryEvent, interval: Interval, merged_at: Timestamp) -> Order {
    if event.state.as_deref() == Some("opened") {
        Order::Before
    } else {
        interval.order(merged_at)
    }
}

/// `at` plus `by`, kept within what a timestamp can hold.
pub(crate) fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// `2026-01-31 18:29:18 UTC`: a time for display in a reason.
pub(crate) fn readable(at: Timestamp) -> String {
    format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S"))
}

/// How much clocks are assumed to differ.
pub(crate) fn offset(clock_offset_seconds: i64) -> SignedDuration {
    // A wrong or malicious Date header must not make every order unknown.
    SignedDuration::from_secs(clock_offset_seconds.saturating_abs().clamp(LEAST_OFFSET, 300))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ALICE, Life, at};

    fn event(source: Option<OccurredAtSource>, occurred: &str, received: Option<&str>) -> HistoryEvent {
        HistoryEvent {
            occurred_at_source: source,
            received_at: received.map(at),
            ..Life::labelled().event(model::EventAction::Approved, ALICE, occurred)
        }
    }

    #[test]
    fn each_source_bounds_the_act_differently() {
        let actioned = Some(OccurredAtSource::ActionedAt);
        let updated = Some(OccurredAtSource::UpdatedAt);
        for (source, occurred, received, offset, from, to) in [
            (actioned, "10:00:00", Some("10:30:00"), 9, "10:00:00", "10:00:00.999"),
            (updated, "10:00:00", Some("10:30:00"), 0, "09:59:48", "10:30:02"),
            (updated, "10:00:00", Some("10:30:00"), -7, "09:59:43", "10:30:07"),
            (updated, "10:31:00", Some("10:30:00"), 0, "10:29:48", "10:30:02"),
            (None, "10:00:00", None, 0, "10:00:00", "10:00:00.999"),
        ] {
            let interval = Interval::of(&event(source, occurred, received), offset);
            assert_eq!(
                interval,
                Interval {
                    from: at(from),
                    to: at(to)
                },
                "{source:?} {received:?}"
            );
        }
    }

    #[test]
    fn open_state_precedes_the_merge() {
        let mut late = event(Some(OccurredAtSource::UpdatedAt), "12:00:00", Some("12:10:00"));
        let interval = Interval::of(&late, 0);
        assert_eq!(order_to_merge(&late, interval, at("12:05:00")), Order::Unknown);
        late.state = Some("opened".into());
        assert_eq!(order_to_merge(&late, interval, at("12:05:00")), Order::Before);
    }
}
