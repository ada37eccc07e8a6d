//! How long to wait before the next attempt.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Backoff, later};

/// Unless the target asks for a longer wait.
const WAITS: Backoff = Backoff::new(SignedDuration::from_secs(5), SignedDuration::from_mins(15));

/// When another attempt may follow attempt number `attempts`: after our own doubling, or later if the target asked for that.
pub(crate) fn next_attempt(now: Timestamp, attempts: i32, retry_after: Option<Duration>) -> Timestamp {
    let retry_after = retry_after.and_then(|retry_after| SignedDuration::try_from(retry_after).ok());
    later(
        now,
        WAITS
            .delay(attempts.saturating_sub(1))
            .max(retry_after.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_15_minutes_or_as_asked() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |attempts, asked| next_attempt(now, attempts, asked).as_second();
        assert_eq!(
            [1, 2, 3, 8, 9, 1000, i32::MAX].map(|attempts| wait(attempts, None)),
            [5, 10, 20, 640, 900, 900, 900]
        );
        assert_eq!(wait(1, Some(Duration::from_secs(30))), 30);
        assert_eq!(wait(9, Some(Duration::from_secs(30))), 900);
        assert_eq!(wait(0, Some(Duration::MAX)), 5);
    }
}
