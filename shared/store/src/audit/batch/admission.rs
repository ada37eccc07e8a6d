//! Which entries can be stored: those of a time that has a partition, or may have one.

use std::collections::{BTreeMap, BTreeSet};

use audit::line_schema::ParsedEntry;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio_postgres::types::Type;

use crate::sql::column;
use crate::{StoreError, Tx};

/// Maximum age of accepted entries: longer than any retention, so that an old log can be imported.
const OLDEST_MONTHS: i32 = 60;
/// How far another clock may be ahead of the recorder's.
const AHEAD_MONTHS: i32 = 1;

/// Also locks the parent until the end of the transaction, so that no month is detached before its entries are stored.
const MONTHS: &str = "
    SELECT wanted.month, class.relispartition AS attached
    FROM unnest($1) AS wanted (month)
    LEFT JOIN pg_class AS class ON class.oid = to_regclass('public.audit_events_' || to_char(wanted.month AT TIME ZONE 'UTC', 'YYYY_MM'))
    WHERE NOT EXISTS (SELECT FROM audit_events WHERE false)";

const MAKE: &str = "SELECT countersign_make_audit_partitions($1, 1)";

const OUT_OF_TIME: &str = "its time is more than 60 months ago or more than a month ahead";
const DETACHED: &str = "its month was detached because its retention period has ended";

/// An entry that cannot be stored, and why.
pub(super) type Refused<'a> = (&'a ParsedEntry, &'static str);

impl Tx<'_> {
    /// Separates the entries that can be stored from the others, and creates missing months.
    pub(super) async fn admit<'a>(
        &mut self,
        entries: &'a [ParsedEntry],
        now: Timestamp,
    ) -> Result<(Vec<&'a ParsedEntry>, Vec<Refused<'a>>), StoreError> {
        let (mut admitted, mut refused) = (Vec::with_capacity(entries.len()), Vec::new());
        let window = Window::around(now);
        let months: BTreeSet<Timestamp> = entries.iter().filter_map(|entry| window.month_of(entry)).collect();
        let detached = self.detached_of(&months.into_iter().collect::<Vec<_>>()).await?;
        for entry in entries {
            match window.month_of(entry) {
                None => refused.push((entry, OUT_OF_TIME)),
                Some(month) if detached.contains(&month) => refused.push((entry, DETACHED)),
                Some(_) => admitted.push(entry),
            }
        }
        Ok((admitted, refused))
    }

    /// Which of these months have been detached. Creates the missing ones.
    async fn detached_of(&mut self, months: &[Timestamp]) -> Result<BTreeSet<Timestamp>, StoreError> {
        if months.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut states = BTreeMap::new();
        for row in self.query(MONTHS, &[(&months, Type::TIMESTAMPTZ_ARRAY)]).await? {
            let (month, attached): (Timestamp, Option<bool>) = (column(&row, "month")?, column(&row, "attached")?);
            states.insert(month, attached);
        }
        for (month, _) in states.iter().filter(|(_, attached)| attached.is_none()) {
            self.query(MAKE, &[(month, Type::TIMESTAMPTZ)]).await?;
        }
        let detached = states.into_iter().filter(|(_, attached)| *attached == Some(false));
        Ok(detached.map(|(month, _)| month).collect())
    }
}

/// The times that entries may have.
struct Window {
    from: Timestamp,
    to: Timestamp,
}

impl Window {
    fn around(now: Timestamp) -> Self {
        let shifted = |months: i32| {
            let there = now.to_zoned(TimeZone::UTC).saturating_add(months.months());
            there.timestamp()
        };
        Self {
            from: shifted(-OLDEST_MONTHS),
            to: shifted(AHEAD_MONTHS),
        }
    }

    /// The start of an entry's month, by its id; `None`: outside the window.
    fn month_of(&self, entry: &ParsedEntry) -> Option<Timestamp> {
        let (seconds, nanos) = entry.id.get_timestamp()?.to_unix();
        let at = Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()?;
        let month = at.to_zoned(TimeZone::UTC).first_of_month().ok()?.start_of_day().ok()?;
        (self.from <= at && at <= self.to).then(|| month.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use audit::line_schema::{ParsedLine, parse_line};
    use serde_json::json;

    use super::*;

    fn parse_entry(at: &str) -> ParsedEntry {
        let at: Timestamp = at.parse().unwrap();
        let line = json!({
            "timestamp": format!("{at:.3}"), "event_type": "audit", "action": "webhook.auth.verify",
            "actor": {"type": "webhook_event", "id": uuid::Uuid::nil()}, "target": {"resource_type": "webhook"},
            "outcome": "success", "error": null, "correlation_id": uuid::Uuid::nil(), "service": "webhook",
            "id": audit::entry_id(at, "x"), "stream": {"id": uuid::Uuid::nil(), "seq": 1},
        });
        match parse_line(&line.to_string()).unwrap() {
            ParsedLine::Entry(entry) => *entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn entry_belongs_to_its_utc_month_by_id() {
        let now = "2026-12-31T23:59:59.999Z".parse().unwrap();
        let cases = [
            ("2026-12-31T23:59:59.999Z", Some("2026-12-01T00:00:00Z")),
            ("2027-01-01T00:00:00Z", Some("2027-01-01T00:00:00Z")),
            ("2027-01-31T23:59:59.999Z", Some("2027-01-01T00:00:00Z")),
            ("2027-02-01T00:00:00Z", None),
            ("2024-02-29T12:00:00Z", Some("2024-02-01T00:00:00Z")),
            ("2021-12-31T23:59:59.999Z", Some("2021-12-01T00:00:00Z")),
            ("2021-12-31T23:59:59.998Z", None),
            ("1970-01-01T00:00:00Z", None),
            ("9999-12-30T00:00:00Z", None),
        ];
        for (at, month) in cases {
            let expected: Option<Timestamp> = month.map(|month| month.parse().unwrap());
            assert_eq!(Window::around(now).month_of(&parse_entry(at)), expected, "{at}");
        }
    }

    #[test]
    fn window_at_extreme_times_does_not_panic() {
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let _ = Window::around(now).month_of(&parse_entry("2026-01-01T00:00:00Z"));
        }
    }
}
