//! Gaps: sequence numbers of a stream that must have been printed and did not arrive in time.

use jiff::{SignedDuration, Timestamp};
use model::codes;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{column, optional_text};
use crate::{StoreError, Tx};

/// Gaps recorded in one run; the next run records the others.
const MOST_GAPS: i64 = 1000;

codes! {
    /// Why numbers of a stream are considered lost.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum GapReason {
        /// A later line of the stream has arrived, these have not.
        Missing = "missing",
        /// A row proves that they were printed, and no later line of the stream has arrived.
        LostTail = "lost_tail",
    }
}

/// Numbers of one stream that did not arrive in time. Identified by stream and first number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditGap {
    pub stream_id: Uuid,
    /// Its function; `None` if none of its lines has arrived.
    pub service: Option<String>,
    /// The first missing number.
    pub first_seq: u64,
    /// The last missing number.
    pub last_seq: u64,
    /// How many of them are still missing.
    pub missing: u64,
    /// How the gap was detected.
    pub reason: GapReason,
}

/// Per stream: all numbers up to the last that has waited, or was claimed, long enough, minus those that arrived.
const DUE: &str = "
    WITH bound AS (
        SELECT stream_id, max(stream_seq) AS last_seq
        FROM (SELECT stream_id, stream_seq FROM audit_pending WHERE stream_id IS NOT NULL AND arrived_at <= $1
              UNION ALL SELECT stream_id, stream_seq FROM audit_claims WHERE claimed_at <= $1) AS waited
        GROUP BY stream_id),
    due AS (
        SELECT stream_id, known.service, coalesce(known.released_seq, 0) AS released_seq, bound.last_seq
        FROM bound LEFT JOIN audit_streams AS known USING (stream_id)
        WHERE bound.last_seq > coalesce(known.released_seq, 0)),
    hole AS (
        SELECT due.stream_id, due.service AS known_service, arrived.service AS arrived_service, arrived.last_seq AS arrived_seq,
            unnest(int8multirange(int8range(due.released_seq + 1, due.last_seq, '[]')) - coalesce(arrived.numbers, '{}')) AS numbers
        FROM due CROSS JOIN LATERAL (
            SELECT range_agg(int8range(stream_seq, stream_seq, '[]')) AS numbers, max(stream_seq) AS last_seq, max(service) AS service
            FROM audit_pending WHERE stream_id = due.stream_id AND stream_seq > due.released_seq) AS arrived)
    SELECT stream_id, coalesce(known_service, arrived_service) AS service, lower(numbers) AS first_seq, upper(numbers) - 1 AS last_seq,
        upper(numbers) - lower(numbers) AS missing,
        CASE WHEN arrived_seq >= upper(numbers) THEN 'missing' ELSE 'lost_tail' END AS reason
    FROM hole ORDER BY stream_id, first_seq LIMIT $2";

const RECORD: &str = "
    INSERT INTO audit_gaps (stream_id, first_seq, last_seq, service, reason, missing_numbers, detected_at)
    VALUES ($1, $2, $3, $4, $5, int8multirange(int8range($2, $3, '[]')), $6)
    ON CONFLICT (stream_id, first_seq) DO NOTHING";

const ACCOUNT: &str = "
    INSERT INTO audit_streams AS known (stream_id, service, released_seq, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (stream_id) DO UPDATE
    SET released_seq = greatest(known.released_seq, excluded.released_seq), updated_at = excluded.updated_at";

impl Tx<'_> {
    /// The gaps that are due: a later line arrived, or was claimed, at least `gap_after` ago. Ordered by stream and number. Needs
    /// [`Tx::lock_audit_sequence`].
    pub async fn due_audit_gaps(
        &mut self,
        now: Timestamp,
        gap_after: SignedDuration,
    ) -> Result<Vec<AuditGap>, StoreError> {
        let until = now.saturating_sub(gap_after).unwrap_or(now);
        let params = [(&until as _, Type::TIMESTAMPTZ), (&MOST_GAPS as _, Type::INT8)];
        self.query(DUE, &params).await?.iter().map(read_gap).collect()
    }

    /// Records a gap; later lines no longer wait for it. Call in the order of numbers within a stream.
    pub async fn record_audit_gap(&mut self, gap: &AuditGap, now: Timestamp) -> Result<(), StoreError> {
        let (first, last) = (signed(gap.first_seq), signed(gap.last_seq));
        let service = optional_text(gap.service.as_ref());
        let row = [
            (&gap.stream_id as _, Type::UUID),
            (&first as _, Type::INT8),
            (&last as _, Type::INT8),
            (&service as _, Type::TEXT),
            (&gap.reason.as_str() as _, Type::TEXT),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(RECORD, &row).await?;
        let stream = [
            (&gap.stream_id as _, Type::UUID),
            (&service as _, Type::TEXT),
            (&last as _, Type::INT8),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(ACCOUNT, &stream).await.map(drop)
    }
}

/// Reads a gap from its columns.
pub(super) fn read_gap(row: &Row) -> Result<AuditGap, StoreError> {
    let number = |name| column::<i64>(row, name).map(|number| u64::try_from(number).unwrap_or(0));
    let reason: String = column(row, "reason")?;
    Ok(AuditGap {
        stream_id: column(row, "stream_id")?,
        service: column(row, "service")?,
        first_seq: number("first_seq")?,
        last_seq: number("last_seq")?,
        missing: number("missing")?,
        reason: GapReason::parse(&reason).ok_or_else(|| StoreError::corrupt("reason"))?,
    })
}

/// A number too large for Postgres stays too large: the column's constraint rejects it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
