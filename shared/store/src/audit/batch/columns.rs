//! Entries as arrays, one per column: a batch of any size is one statement.

use audit::FailureClass;
use audit::line_schema::ParsedEntry;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use crate::StoreError;
use crate::audit::gap::signed;
use crate::connection::Param;
use crate::sql::code;

/// In the order of ids, so that two writers of the same entries never deadlock.
pub(super) const INSERT: &str = r#"
    INSERT INTO audit_events (id, "timestamp", action, actor_type, actor_id, target, target_key, outcome, error, correlation_id,
        service, stream_id, stream_seq, duration_ms, details, trace_id, entry, source, recorded_at)
    SELECT id, at, action, actor_type, actor_id, target, target_key, CASE WHEN error IS NULL THEN 'success' ELSE 'failure' END, error,
        correlation_id, service, stream_id, stream_seq, duration_ms, details, trace_id, entry, $17, $18
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS line (id, at, action, actor_type, actor_id,
        target, target_key, error, correlation_id, service, stream_id, stream_seq, duration_ms, details, trace_id, entry)
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id"#;

#[derive(Default)]
pub(super) struct Columns<'a> {
    id: Vec<Uuid>,
    at: Vec<Timestamp>,
    action: Vec<&'a str>,
    actor_type: Vec<String>,
    actor_id: Vec<Uuid>,
    target: Vec<Json<&'a Map<String, Value>>>,
    target_key: Vec<&'a str>,
    error: Vec<Option<&'static str>>,
    correlation_id: Vec<Uuid>,
    service: Vec<&'a str>,
    stream_id: Vec<Option<Uuid>>,
    stream_seq: Vec<Option<i64>>,
    duration_ms: Vec<Option<f64>>,
    details: Vec<Json<&'a Map<String, Value>>>,
    trace_id: Vec<Option<&'a str>>,
    entry: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(entries: &[&'a ParsedEntry]) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for entry in entries {
            columns.push(entry)?;
        }
        Ok(columns)
    }

    fn push(&mut self, entry: &'a ParsedEntry) -> Result<(), StoreError> {
        self.id.push(entry.id);
        self.at.push(entry.timestamp);
        self.action.push(&entry.action);
        self.actor_type.push(code(&entry.actor_type)?);
        self.actor_id.push(entry.actor_id);
        self.target.push(Json(&entry.target));
        self.target_key.push(&entry.target_key);
        self.error.push(entry.error.map(FailureClass::as_str));
        self.correlation_id.push(entry.correlation_id);
        self.service.push(&entry.service);
        self.stream_id.push(entry.stream.map(|line| line.stream_id));
        self.stream_seq.push(entry.stream.map(|line| signed(line.seq)));
        self.duration_ms.push(entry.duration_ms);
        self.details.push(Json(&entry.details));
        self.trace_id.push(entry.trace_id.as_deref());
        self.entry.push(&entry.line);
        Ok(())
    }

    pub(super) fn params(&self) -> Vec<Param<'_>> {
        vec![
            (&self.id, Type::UUID_ARRAY),
            (&self.at, Type::TIMESTAMPTZ_ARRAY),
            (&self.action, Type::TEXT_ARRAY),
            (&self.actor_type, Type::TEXT_ARRAY),
            (&self.actor_id, Type::UUID_ARRAY),
            (&self.target, Type::JSONB_ARRAY),
            (&self.target_key, Type::TEXT_ARRAY),
            (&self.error, Type::TEXT_ARRAY),
            (&self.correlation_id, Type::UUID_ARRAY),
            (&self.service, Type::TEXT_ARRAY),
            (&self.stream_id, Type::UUID_ARRAY),
            (&self.stream_seq, Type::INT8_ARRAY),
            (&self.duration_ms, Type::FLOAT8_ARRAY),
            (&self.details, Type::JSONB_ARRAY),
            (&self.trace_id, Type::TEXT_ARRAY),
            (&self.entry, Type::TEXT_ARRAY),
        ]
    }
}
