//! Which entries fit into the trail: of a time that has a partition, with words that can be indexed.

use std::collections::{BTreeMap, BTreeSet};

use audit::printed::PrintedEntry;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio_postgres::types::Type;

use super::columns::is_number;
use crate::sql::column;
use crate::{StoreError, Tx};

/// How far back entries are taken: longer than anybody keeps them, so that an old log can be imported.
const OLDEST_MONTHS: i32 = 60;
/// How far ahead of the recorder's clock another's may be.
const AHEAD_MONTHS: i32 = 1;
/// Longest action, service and trace id in bytes: indexed, and ours are far shorter.
const LONGEST_WORD: usize = 256;

/// Also locks the parent until the end of the transaction, so that no month is detached before the entries are in it.
const MONTHS: &str = "
    SELECT wanted.month, class.relispartition AS attached
    FROM unnest($1) AS wanted (month)
    LEFT JOIN pg_class AS class ON class.oid = to_regclass('public.audit_events_' || to_char(wanted.month AT TIME ZONE 'UTC', 'YYYY_MM'))
    WHERE NOT EXISTS (SELECT FROM audit_events WHERE false)";

const MAKE: &str = "SELECT countersign_make_audit_partitions($1, 1)";

/// An entry that does not fit, and why.
pub(super) type Refused<'a> = (&'a PrintedEntry, String);

impl Tx<'_> {
    /// Tells apart what fits from what does not, and makes the months that are missing.
    pub(super) async fn admit<'a>(
        &mut self,
        entries: &'a [PrintedEntry],
        now: Timestamp,
    ) -> Result<(Vec<&'a PrintedEntry>, Vec<Refused<'a>>), StoreError> {
        let (mut admitted, mut refused) = (Vec::with_capacity(entries.len()), Vec::new());
        let window = Window::around(now);
        let months: BTreeSet<Timestamp> = entries.iter().filter_map(|entry| window.month_of(entry)).collect();
        let detached = self.detached_of(&months.into_iter().collect::<Vec<_>>()).await?;
        for entry in entries {
            let month = window.month_of(entry);
            match objection(entry, month, month.is_some_and(|month| detached.contains(&month))) {
                None => admitted.push(entry),
                Some(reason) => refused.push((entry, reason)),
            }
        }
        Ok((admitted, refused))
    }

    /// Which of these months have been detached. Makes the missing ones.
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

fn objection(entry: &PrintedEntry, month: Option<Timestamp>, detached: bool) -> Option<String> {
    let words = [&entry.action, &entry.service].into_iter().chain(&entry.trace_id);
    if month.is_none() {
        Some(format!(
            "its time is more than {OLDEST_MONTHS} months ago or more than {AHEAD_MONTHS} month ahead"
        ))
    } else if detached {
        Some("its month was detached because its time of retention is over".to_owned())
    } else if entry.stream.is_some_and(|line| !is_number(&line)) {
        Some("stream.seq must be from 1 to 9007199254740991".to_owned())
    } else if words.into_iter().any(|word| word.len() > LONGEST_WORD) {
        Some(format!("action, service and trace_id must not be longer than {LONGEST_WORD} bytes"))
    } else {
        None
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

    /// The beginning of the month an entry belongs to, by its id; `None`: outside of the window.
    fn month_of(&self, entry: &PrintedEntry) -> Option<Timestamp> {
        let (seconds, nanos) = entry.id.get_timestamp()?.to_unix();
        let at = Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()?;
        let month = at.to_zoned(TimeZone::UTC).first_of_month().ok()?.start_of_day().ok()?;
        (self.from <= at && at <= self.to).then(|| month.timestamp())
    }
}

#[cfg(test)]
mod tests;
