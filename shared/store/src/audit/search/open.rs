//! What is missing in the audit log, one by one: gaps, and calls without a reported end.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::sql::column;
use crate::{Store, StoreError};

/// A gap as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedGap {
    pub stream_id: Uuid,
    /// Its function; `None` if none of its lines has arrived.
    pub service: Option<String>,
    /// How it was detected: `missing`, a later line has arrived; `lost_tail`, a row proves that they were printed.
    pub reason: String,
    /// The first missing number.
    pub first_seq: i64,
    /// The last missing number.
    pub last_seq: i64,
    /// How many of them are still missing.
    pub missing: i64,
    /// When it was detected.
    pub detected_at: Timestamp,
    /// When the last of them arrived; `None`: it is open.
    pub closed_at: Option<Timestamp>,
}

/// An announced call without an entry: it is running, or its process died, or its line was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// The id of the expected entry.
    pub id: Uuid,
    pub call: String,
    pub begun_at: Timestamp,
    /// Its target as one text.
    pub target_key: String,
    /// The same from intake to the last call.
    pub correlation_id: Uuid,
    pub service: String,
    /// When it was reported as open; `None`: not yet.
    pub reported_at: Option<Timestamp>,
}

pub(super) const GAP_COLUMNS: &str = "
    stream_id, service, reason, first_seq, last_seq, missing, detected_at, closed_at FROM audit_gaps";

pub(super) const INTENT_COLUMNS: &str = "
    id, call, begun_at, target, correlation_id, service, reported_at
    FROM audit_intents AS announced WHERE NOT EXISTS (SELECT FROM audit_events WHERE audit_events.id = announced.id)";

impl Store {
    /// Every gap ever recorded: open ones first, then newest first.
    pub async fn audit_gaps(&self) -> Result<Vec<RecordedGap>, StoreError> {
        let sql = format!("SELECT {GAP_COLUMNS} ORDER BY closed_at IS NULL DESC, detected_at DESC, first_seq");
        let rows = self.query(&sql, &[]).await?;
        rows.iter().map(read_gap).collect()
    }

    /// Every announced call without an entry, oldest first. The newest may be running.
    pub async fn announced_audit_calls(&self) -> Result<Vec<OpenCall>, StoreError> {
        let sql = format!("SELECT {INTENT_COLUMNS} ORDER BY begun_at, id");
        let rows = self.query(&sql, &[]).await?;
        rows.iter().map(read_intent).collect()
    }
}

pub(super) fn read_gap(row: &Row) -> Result<RecordedGap, StoreError> {
    Ok(RecordedGap {
        stream_id: column(row, "stream_id")?,
        service: column(row, "service")?,
        reason: column(row, "reason")?,
        first_seq: column(row, "first_seq")?,
        last_seq: column(row, "last_seq")?,
        missing: column(row, "missing")?,
        detected_at: column(row, "detected_at")?,
        closed_at: column(row, "closed_at")?,
    })
}

pub(super) fn read_intent(row: &Row) -> Result<OpenCall, StoreError> {
    let target = crate::sql::json_column(row, "target")?;
    Ok(OpenCall {
        id: column(row, "id")?,
        call: column(row, "call")?,
        begun_at: column(row, "begun_at")?,
        target_key: audit::line_schema::target_key(&target).unwrap_or_default(),
        correlation_id: column(row, "correlation_id")?,
        service: column(row, "service")?,
        reported_at: column(row, "reported_at")?,
    })
}
