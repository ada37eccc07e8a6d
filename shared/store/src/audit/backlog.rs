//! What is waiting in the audit log, counted for the metrics.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::sql::column;
use crate::{Store, StoreError};

/// What is waiting in the audit log, for the metrics and their alarms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditBacklog {
    /// Lines that have arrived and have no position yet.
    pub waiting_lines: i64,
    /// When the first of them arrived.
    pub oldest_waiting: Option<Timestamp>,
    /// Gaps with numbers still missing.
    pub open_gaps: i64,
    /// Lines missing in them.
    pub missing_lines: i64,
    /// Announced calls without an entry, not reported yet.
    pub waiting_intents: i64,
    /// Announced calls that were reported as open and still have no entry.
    pub open_intents: i64,
    /// Lines in quarantine, all time.
    pub quarantined_lines: i64,
    /// Consecutive months after the current one that have a partition.
    pub partitions_ahead: i64,
    /// Each destination that has ever been sent to, by name.
    pub destinations: Vec<DestinationBacklog>,
}

/// How far one destination is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationBacklog {
    /// `file`, `syslog` or `http`.
    pub name: String,
    /// Entries not acknowledged yet.
    pub behind: i64,
    /// When the first of them was recorded.
    pub oldest: Option<Timestamp>,
    pub failures: i32,
    /// Since when delivery fails.
    pub failing_since: Option<Timestamp>,
    /// Entries rejected permanently, all time.
    pub undelivered: i64,
}

/// A month's partition counts only once attached.
const COUNT: &str = "
    SELECT waiting.lines AS waiting_lines, waiting.oldest AS oldest_waiting, gap.open AS open_gaps, gap.missing AS missing_lines,
        intent.waiting AS waiting_intents, intent.open AS open_intents, quarantine.lines AS quarantined_lines, ahead.months AS partitions_ahead
    FROM (SELECT count(*) AS lines, min(arrived_at) AS oldest FROM audit_pending) AS waiting,
         (SELECT count(*) AS open, coalesce(sum(missing), 0)::bigint AS missing FROM audit_gaps WHERE closed_at IS NULL) AS gap,
         (SELECT count(*) FILTER (WHERE reported_at IS NULL) AS waiting, count(reported_at) AS open FROM audit_intents) AS intent,
         (SELECT count(*) AS lines FROM quarantined_audit_lines) AS quarantine,
         (SELECT count(*) FILTER (WHERE unbroken) AS months
          FROM (SELECT bool_and(coalesce(relispartition, false)) OVER (ORDER BY nth) AS unbroken
                FROM generate_series(1, 36) AS nth
                LEFT JOIN pg_class ON oid = to_regclass('public.audit_events_'
                    || to_char($1 AT TIME ZONE 'UTC' + make_interval(months => nth), 'YYYY_MM'))) AS month) AS ahead";

const DESTINATIONS: &str = "
    SELECT name, failures, failing_since,
        greatest(last_position - greatest(delivered, first_position - 1), 0) AS behind,
        (SELECT recorded_at FROM audit_positions JOIN audit_events ON id = event_id
         WHERE position > delivered AND position >= first_position ORDER BY position LIMIT 1) AS oldest,
        (SELECT count(*) FROM audit_undelivered WHERE destination = name) AS undelivered
    FROM audit_destinations CROSS JOIN audit_sequence
    ORDER BY name";

impl Store {
    /// Counts what is waiting in the audit log.
    pub async fn audit_backlog(&self, now: Timestamp) -> Result<AuditBacklog, StoreError> {
        let mut tx = self.begin().await?;
        let count = tx.query_opt(COUNT, &[(&now, Type::TIMESTAMPTZ)]).await?;
        let destinations = tx.query(DESTINATIONS, &[]).await?;
        tx.commit().await?;
        let row = count.ok_or_else(|| StoreError::corrupt("waiting_lines"))?;
        Ok(AuditBacklog {
            waiting_lines: column(&row, "waiting_lines")?,
            oldest_waiting: column(&row, "oldest_waiting")?,
            open_gaps: column(&row, "open_gaps")?,
            missing_lines: column(&row, "missing_lines")?,
            waiting_intents: column(&row, "waiting_intents")?,
            open_intents: column(&row, "open_intents")?,
            quarantined_lines: column(&row, "quarantined_lines")?,
            partitions_ahead: column(&row, "partitions_ahead")?,
            destinations: destinations.iter().map(read_destination).collect::<Result<_, _>>()?,
        })
    }
}

fn read_destination(row: &Row) -> Result<DestinationBacklog, StoreError> {
    Ok(DestinationBacklog {
        name: column(row, "name")?,
        behind: column(row, "behind")?,
        oldest: column(row, "oldest")?,
        failures: column(row, "failures")?,
        failing_since: column(row, "failing_since")?,
        undelivered: column(row, "undelivered")?,
    })
}
