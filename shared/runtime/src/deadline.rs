//! The deadline of an invocation, and the remaining time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::Clock;

/// The end of one invocation, measured by the given clock.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: Timestamp,
    clock: Arc<dyn Clock>,
}

impl Deadline {
    /// Work ends at `at`.
    #[must_use]
    pub fn new(at: Timestamp, clock: Arc<dyn Clock>) -> Self {
        Self { at, clock }
    }

    /// The deadline of this invocation from Lambda (`Lambda-Runtime-Deadline-Ms`). One out of range counts as passed.
    #[must_use]
    pub fn of(context: &lambda_runtime::Context, clock: Arc<dyn Clock>) -> Self {
        let at = i64::try_from(context.deadline)
            .ok()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok());
        Self::new(at.unwrap_or(Timestamp::UNIX_EPOCH), clock)
    }

    /// The same, or this long from now if that is sooner.
    #[must_use]
    pub fn at_most(&self, longest: Duration) -> Self {
        let sooner = self.clock.now().saturating_add(longest).unwrap_or(self.at);
        Self::new(self.at.min(sooner), Arc::clone(&self.clock))
    }

    /// The remaining time; zero after the deadline.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let left: SignedDuration = self.at.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use model::FixedClock;

    use super::*;

    #[test]
    fn what_is_left_never_goes_below_zero() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let table = [
            ("2026-01-31T12:00:05.25Z", 5250),
            ("2026-01-31T12:00:00Z", 0),
            ("2026-01-31T11:00:00Z", 0),
        ];
        for (at, millis) in table {
            let deadline = Deadline::new(at.parse().unwrap(), Arc::new(FixedClock(now)));
            assert_eq!(deadline.remaining(), Duration::from_millis(millis), "{at}");
        }
    }

    #[test]
    fn at_most_shortens_but_never_extends_the_deadline() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let deadline = Deadline::new("2026-01-31T12:01:00Z".parse().unwrap(), Arc::new(FixedClock(now)));
        for (longest, seconds) in [(20, 20), (90, 60)] {
            let remaining = deadline.at_most(Duration::from_secs(longest)).remaining();
            assert_eq!(remaining, Duration::from_secs(seconds), "{longest}");
        }
    }

    #[test]
    fn an_absurd_deadline_counts_as_passed() {
        let mut context = lambda_runtime::Context::default();
        context.deadline = u64::MAX;
        let deadline = Deadline::of(&context, Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }
}
