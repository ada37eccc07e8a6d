//! Time as an argument: the only place that reads the system clock.

use jiff::Timestamp;

/// A source of the current instant. Passed in wherever time matters, so that every rule and test is repeatable.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The current instant (UTC).
    fn now(&self) -> Timestamp;
}

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A fixed clock, for tests and for replays of stored verdicts.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
