//! Waits between attempts.

use jiff::{SignedDuration, Timestamp};

/// Waits that double from the first to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: SignedDuration,
    longest: SignedDuration,
}

impl Backoff {
    /// Waits of `first`, twice that, and so on, at most `longest`.
    #[must_use]
    pub const fn new(first: SignedDuration, longest: SignedDuration) -> Self {
        Self { first, longest }
    }

    /// The wait after this many attempts beyond the first; a negative number counts as 0.
    #[must_use]
    pub fn delay(self, attempts: i32) -> SignedDuration {
        let doubled = 1_i32.checked_shl(u32::try_from(attempts.max(0)).unwrap_or(u32::MAX));
        let doubled = doubled.filter(|factor| *factor > 0);
        doubled
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |wait| wait.min(self.longest))
    }
}

/// `from` plus `by`, kept within what a timestamp can hold.
#[must_use]
pub fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff::new(SignedDuration::from_secs(30), SignedDuration::from_mins(5));
        let seconds: Vec<i64> = [-1, 0, 1, 2, 3, 4, 30, 31, 32, i32::MAX]
            .into_iter()
            .map(|attempts| backoff.delay(attempts).as_secs())
            .collect();
        assert_eq!(seconds, [30, 30, 60, 120, 240, 300, 300, 300, 300, 300]);
    }
}
