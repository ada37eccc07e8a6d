//! The virtual clock: milliseconds since the merge request was created, by our clock.

use jiff::Timestamp;

/// The instant zero.
const BEGINNING: i64 = 1_772_409_600_000;

/// Milliseconds of a second.
pub const SECOND: i64 = 1_000;
/// Milliseconds of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// The instant as a timestamp.
#[must_use]
pub fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGINNING.saturating_add(ms)).unwrap_or(Timestamp::MAX)
}

/// The instant in whole seconds, as webhooks send it.
#[must_use]
pub fn whole_second(ms: i64) -> Timestamp {
    timestamp(ms.div_euclid(SECOND) * SECOND)
}

/// A timestamp as an instant of the virtual clock.
#[must_use]
pub fn instant(at: Timestamp) -> i64 {
    at.as_millisecond() - BEGINNING
}
