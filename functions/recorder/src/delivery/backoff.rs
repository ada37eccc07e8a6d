//! When to retry a failed destination.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Backoff, later};

/// Limits of the waits; a destination may ask for longer ones.
const BOUNDS: Backoff = Backoff::new(SignedDuration::from_secs(1), SignedDuration::from_mins(5));

/// When to retry after `failures` failures in a row, including this one: full jitter
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>) from one second up to a limit that doubles to five
/// minutes, so that many installations do not retry in step; or later if the destination asked for that. `random` sets the jitter.
pub(super) fn next_attempt_at(now: Timestamp, failures: u32, asked: Option<Duration>, random: u64) -> Timestamp {
    let bound = BOUNDS
        .delay(i32::try_from(failures).unwrap_or(i32::MAX))
        .as_secs()
        .unsigned_abs();
    let jittered = 1 + random % bound.max(1);
    let asked = asked.map_or(0, |asked| asked.as_secs());
    let wait = i64::try_from(jittered.max(asked)).unwrap_or(i64::MAX);
    later(now, SignedDuration::from_secs(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_seconds(failures: u32, asked: Option<u64>, random: u64) -> i64 {
        let asked = asked.map(Duration::from_secs);
        next_attempt_at(Timestamp::UNIX_EPOCH, failures, asked, random).as_second()
    }

    #[test]
    fn waits_grow_to_five_minutes_or_as_asked() {
        assert_eq!(
            [1, 2, 3].map(|failures| wait_seconds(failures, None, u64::MAX)),
            [2, 4, 8]
        );
        assert_eq!(wait_seconds(8, None, 255), 256);
        assert_eq!(wait_seconds(u32::MAX, None, 299), 300);
        assert_eq!(wait_seconds(9, Some(3600), 7), 3600);
        assert_eq!(wait_seconds(9, Some(5), 299), 300);
    }

    proptest::proptest! {
        #[test]
        fn wait_is_between_one_and_300_seconds(failures: u32, random: u64) {
            proptest::prop_assert!((1..=300).contains(&wait_seconds(failures, None, random)));
        }
    }
}
