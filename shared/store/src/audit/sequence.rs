//! The sequencer: assigns dense positions to waiting lines, in the order of each stream.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::gap::{AuditGap, read_gap};
use crate::sql::column;
use crate::{StoreError, Tx};

/// What the sequencer did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Released {
    /// Lines accounted for now. If equal to the limit, there may be more: call again.
    pub lines: u64,
    /// Entries that got their position; the other lines repeat known entries.
    pub positions: u64,
    /// Lines that have arrived and still wait.
    pub waiting: u64,
    /// Gaps that are complete now.
    pub closed: Vec<AuditGap>,
}

const LOCK: &str = "SELECT last_position FROM audit_sequence FOR UPDATE";

/// `stream`: streams with waiting lines, each found by one index step, so that a stream whose first line must wait costs nothing
/// however many wait behind it. `queued`: each movable stream from its first line, including late ones (at or below
/// `released_seq`). `turn`: when the line could have been released: it and all before it in its stream had arrived.
const RELEASE: &str = "
    WITH RECURSIVE stream AS (
        (SELECT stream_id, stream_seq FROM audit_pending WHERE stream_id IS NOT NULL ORDER BY stream_id, stream_seq LIMIT 1)
        UNION ALL
        SELECT following.stream_id, following.stream_seq FROM stream CROSS JOIN LATERAL (
            SELECT stream_id, stream_seq FROM audit_pending WHERE stream_id > stream.stream_id
            ORDER BY stream_id, stream_seq LIMIT 1) AS following),
    movable AS (
        SELECT stream_id, coalesce(known.released_seq, 0) AS released_seq
        FROM stream LEFT JOIN audit_streams AS known USING (stream_id)
        WHERE stream_seq <= coalesce(known.released_seq, 0) + 1),
    queued AS (
        SELECT line.*, released_seq, max(pending_id) OVER earlier AS turn,
            count(*) FILTER (WHERE stream_seq > released_seq) OVER earlier AS nth
        FROM movable CROSS JOIN LATERAL (
            SELECT pending_id, event_id, stream_id, stream_seq, service FROM audit_pending
            WHERE stream_id = movable.stream_id ORDER BY stream_seq LIMIT $1) AS line
        WINDOW earlier AS (PARTITION BY line.stream_id ORDER BY line.stream_seq ROWS UNBOUNDED PRECEDING)),
    ready AS (
        SELECT pending_id, event_id, stream_id, stream_seq, service, stream_seq <= released_seq AS late, turn FROM queued
        WHERE stream_seq <= released_seq + nth
        UNION ALL
        (SELECT pending_id, event_id, NULL, NULL, service, false, pending_id FROM audit_pending
         WHERE stream_id IS NULL ORDER BY pending_id LIMIT $1)),
    chosen AS MATERIALIZED (
        SELECT *, count(event_id) OVER (ORDER BY turn, stream_id, stream_seq ROWS UNBOUNDED PRECEDING) AS place
        FROM ready ORDER BY turn, stream_id, stream_seq LIMIT $1),
    positioned AS (
        INSERT INTO audit_positions (position, event_id)
        SELECT last_position + place, event_id FROM chosen CROSS JOIN audit_sequence WHERE event_id IS NOT NULL
        RETURNING position),
    counted AS (
        UPDATE audit_sequence SET last_position = (SELECT max(position) FROM positioned)
        WHERE EXISTS (SELECT FROM positioned)),
    removed AS (
        DELETE FROM audit_pending USING chosen WHERE audit_pending.pending_id = chosen.pending_id),
    accounted AS (
        INSERT INTO audit_streams AS known (stream_id, service, released_seq, updated_at)
        SELECT stream_id, max(service), max(stream_seq), $2 FROM chosen WHERE stream_id IS NOT NULL GROUP BY stream_id
        ON CONFLICT (stream_id) DO UPDATE
        SET service = coalesce(known.service, excluded.service), updated_at = excluded.updated_at,
            released_seq = greatest(known.released_seq, excluded.released_seq)),
    filled AS (
        UPDATE audit_gaps AS gap
        SET missing_numbers = missing_numbers - late.numbers, service = coalesce(gap.service, late.service),
            closed_at = CASE WHEN isempty(missing_numbers - late.numbers) THEN $2 END
        FROM (SELECT stream_id, range_agg(int8range(stream_seq, stream_seq, '[]')) AS numbers, max(service) AS service
              FROM chosen WHERE late GROUP BY stream_id) AS late
        WHERE gap.stream_id = late.stream_id AND gap.closed_at IS NULL AND gap.missing_numbers && late.numbers
        RETURNING gap.stream_id, gap.service, first_seq, last_seq, missing, reason, closed_at)
    SELECT done.*, closed.*
    FROM (SELECT (SELECT count(*) FROM chosen) AS lines, (SELECT count(*) FROM positioned) AS positions,
              (SELECT count(*) FROM audit_pending) AS pending) AS done
    LEFT JOIN filled AS closed ON closed_at IS NOT NULL
    ORDER BY stream_id, first_seq";

/// Claims whose lines are accounted for.
const FULFIL: &str = "
    DELETE FROM audit_claims AS claim
    WHERE stream_seq <= (SELECT released_seq FROM audit_streams AS known WHERE known.stream_id = claim.stream_id)";

impl Tx<'_> {
    /// Makes this transaction the only sequencer until it ends.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the lock is held elsewhere for longer than the login's `lock_timeout`.
    pub async fn lock_audit_sequence(&mut self) -> Result<(), StoreError> {
        self.query(LOCK, &[]).await.map(drop)
    }

    /// Assigns positions to at most `limit` waiting lines: by number within a stream, by arrival across streams. Takes the lock.
    pub async fn release_audit_lines(&mut self, now: Timestamp, limit: i64) -> Result<Released, StoreError> {
        // A separate statement: the next one must see what the previous sequencer committed.
        self.lock_audit_sequence().await?;
        let params = [(&limit as _, Type::INT8), (&now as _, Type::TIMESTAMPTZ)];
        let rows = self.query(RELEASE, &params).await?;
        self.execute(FULFIL, &[]).await?;

        let summary = rows.first().ok_or_else(|| StoreError::corrupt("lines"))?;
        let number = |name| column::<i64>(summary, name).map(|number| u64::try_from(number).unwrap_or(0));
        let lines = number("lines")?;
        let closed = rows
            .iter()
            .filter(|row| !matches!(row.try_get("closed_at"), Ok(None::<Timestamp>)));
        Ok(Released {
            lines,
            positions: number("positions")?,
            waiting: number("pending")?.saturating_sub(lines),
            closed: closed.map(read_gap).collect::<Result<_, _>>()?,
        })
    }
}
