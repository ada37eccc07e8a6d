//! A found entry.

use audit::{ActorType, FailureClass};
use jiff::Timestamp;
use model::AuditLine;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{column, from_code, json_column};

/// The columns of an [`AuditRow`].
pub(super) const COLUMNS: &str = "id, \"timestamp\", action, actor_type, actor_id, target_key, error, correlation_id, service, stream_id, \
     stream_seq, duration_ms, details, trace_id, entry";

#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its id, a `UUIDv7` of its timestamp. Pass the last one of a page to get the next page.
    pub id: Uuid,
    /// When it was done, or the call began.
    pub timestamp: Timestamp,
    pub action: String,
    /// What caused the work.
    pub actor_type: ActorType,
    /// The correlation id of what caused the work.
    pub actor_id: Uuid,
    /// What was acted on, as one text.
    pub target_key: String,
    /// The class of the failure; `None`: success.
    pub error: Option<FailureClass>,
    /// The same from intake to the last call.
    pub correlation_id: Uuid,
    pub service: String,
    /// Its number in its stream; producers may have none.
    pub stream: Option<AuditLine>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    pub details: Map<String, Value>,
    pub trace_id: Option<String>,
    /// The line exactly as printed.
    pub line: String,
}

impl AuditRow {
    /// `success` or `failure`.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        if self.error.is_none() { "success" } else { "failure" }
    }

    /// The stable code of `actor_type`.
    #[must_use]
    pub fn actor_type_code(&self) -> &'static str {
        super::filter::actor_type(self.actor_type)
    }
}

pub(super) fn parse_row(row: &Row) -> Result<AuditRow, StoreError> {
    let error: Option<String> = column(row, "error")?;
    let seq: Option<i64> = column(row, "stream_seq")?;
    let stream = match (column::<Option<Uuid>>(row, "stream_id")?, seq) {
        (Some(stream_id), Some(seq)) => Some(AuditLine {
            stream_id,
            seq: u64::try_from(seq).map_err(|_| StoreError::corrupt("stream_seq"))?,
        }),
        _ => None,
    };
    Ok(AuditRow {
        id: column(row, "id")?,
        timestamp: column(row, "timestamp")?,
        action: column(row, "action")?,
        actor_type: from_code("actor_type", column(row, "actor_type")?)?,
        actor_id: column(row, "actor_id")?,
        target_key: column(row, "target_key")?,
        error: error.map(|code| from_code("error", code)).transpose()?,
        correlation_id: column(row, "correlation_id")?,
        service: column(row, "service")?,
        stream,
        duration_ms: column(row, "duration_ms")?,
        details: json_column(row, "details")?,
        trace_id: column(row, "trace_id")?,
        line: column(row, "entry")?,
    })
}
