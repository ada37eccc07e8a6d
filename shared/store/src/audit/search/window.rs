//! Time ranges as id ranges, and their months, which are the partitions.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::AuditOrder;
use super::filter::AuditFilter;
use super::range::first_id;

/// Ids from `low` on and before `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) low: Uuid,
    pub(super) high: Uuid,
}

/// The time in an id of version 7; ids of other versions have none.
fn millisecond_of(id: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
}

impl Window {
    /// The part of the filter's time range after an entry.
    pub(super) fn new(filter: &AuditFilter, after: Option<Uuid>, order: AuditOrder) -> Self {
        let mut window = Self {
            low: filter.since.map_or(Uuid::nil(), first_id),
            high: filter.until.map_or(Uuid::max(), first_id),
        };
        if let Some(at) = filter.entry_id.and_then(millisecond_of) {
            window.low = window.low.max(first_id(at));
            window.high = window.high.min(first_id(
                at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(at),
            ));
        }
        match (after, order) {
            (Some(after), AuditOrder::NewestFirst) => window.high = window.high.min(after),
            (Some(after), AuditOrder::OldestFirst) => window.low = window.low.max(next_id(after)),
            (None, _) => {}
        }
        window
    }

    /// The part between two ids, both included.
    pub(super) fn between(self, first: Uuid, last: Uuid) -> Self {
        Self {
            low: self.low.max(first),
            high: self.high.min(next_id(last)),
        }
    }

    /// The part from the start of another window on, in an order.
    pub(super) fn beyond(self, from: Self, order: AuditOrder) -> Self {
        match order {
            AuditOrder::NewestFirst => Self {
                high: from.high,
                ..self
            },
            AuditOrder::OldestFirst => Self { low: from.low, ..self },
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.low >= self.high
    }

    /// The whole calendar month (UTC) of its start.
    pub(super) fn whole_month(self) -> Self {
        Self {
            low: this_month(self.low).unwrap_or(self.low),
            high: next_month(self.low).unwrap_or(self.high),
        }
    }

    /// Its calendar months (UTC), whole inside and cut at the ends, in an order.
    pub(super) fn months(self, order: AuditOrder) -> Vec<Self> {
        let mut months = Vec::new();
        let mut low = self.low;
        while low < self.high {
            let high = next_month(low).map_or(self.high, |month| month.min(self.high));
            months.push(Self { low, high });
            low = high;
        }
        if order == AuditOrder::NewestFirst {
            months.reverse();
        }
        months
    }
}

/// The first id of the month of an id; `None` beyond the calendar.
fn this_month(id: Uuid) -> Option<Uuid> {
    let day = day(id)?;
    first_of(day.year(), day.month())
}

fn next_id(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

/// The first id of the month after that of an id; `None` beyond the calendar.
fn next_month(id: Uuid) -> Option<Uuid> {
    let day = day(id)?;
    if day.month() == 12 {
        first_of(day.year().checked_add(1)?, 1)
    } else {
        first_of(day.year(), day.month() + 1)
    }
}

/// The day (UTC) of an id; `None` beyond the calendar.
fn day(id: Uuid) -> Option<Date> {
    let millis = i64::try_from(id.as_u128() >> 80).ok()?;
    let at = Timestamp::from_millisecond(millis).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}

fn first_of(year: i16, month: i8) -> Option<Uuid> {
    let midnight = Date::new(year, month, 1).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(first_id(midnight.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Uuid {
        first_id(text.parse().unwrap())
    }

    fn window(low: &str, high: &str) -> Window {
        Window {
            low: at(low),
            high: at(high),
        }
    }

    #[test]
    fn months_are_whole_inside_and_partial_at_ends() {
        let whole = window("2025-11-20T00:00:00Z", "2026-02-01T00:00:00Z");
        let oldest_first = [
            window("2025-11-20T00:00:00Z", "2025-12-01T00:00:00Z"),
            window("2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            window("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ];
        assert_eq!(whole.months(AuditOrder::OldestFirst), oldest_first);
        let november = window("2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z");
        assert_eq!(oldest_first[0].whole_month(), november);
        let newest_first: Vec<_> = oldest_first.into_iter().rev().collect();
        assert_eq!(whole.months(AuditOrder::NewestFirst), newest_first);
        assert_eq!(
            window("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z").months(AuditOrder::OldestFirst),
            []
        );
    }

    #[test]
    fn ids_beyond_the_calendar_do_not_panic() {
        let rest = Window {
            low: at("2026-11-01T00:00:00Z"),
            high: Uuid::max(),
        };
        let cut = rest.between(Uuid::nil(), Uuid::max());
        assert_eq!(cut.high, Uuid::max());
        let beyond = Window {
            low: Uuid::from_u128(u128::MAX - 5),
            high: Uuid::max(),
        };
        assert_eq!(beyond.months(AuditOrder::OldestFirst), [beyond]);
    }

    #[test]
    fn next_page_starts_after_the_last_entry() {
        let filter = AuditFilter {
            since: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            until: Some("2026-02-01T00:00:00Z".parse().unwrap()),
            ..AuditFilter::default()
        };
        let last = audit::entry_id("2026-01-15T00:00:00Z".parse().unwrap(), "last");
        let whole = Window::new(&filter, None, AuditOrder::NewestFirst);
        assert_eq!(whole, window("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"));
        let older = Window::new(&filter, Some(last), AuditOrder::NewestFirst);
        assert_eq!((older.low, older.high), (whole.low, last));
        let newer = Window::new(&filter, Some(last), AuditOrder::OldestFirst);
        assert!(newer.low > last && newer.high == whole.high);
    }
}
