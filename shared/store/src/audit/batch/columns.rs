//! Entries as arrays, one for each column: a batch is one statement however many entries it has.

use std::borrow::Cow;

use audit::FailureClass;
use audit::printed::PrintedEntry;
use jiff::Timestamp;
use model::AuditLine;
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use crate::StoreError;
use crate::connection::Param;
use crate::sql::{code, json, optional_text, text};

/// The largest number that every reader of JSON holds exactly: 2^53 - 1.
const LARGEST_NUMBER: u64 = 9_007_199_254_740_991;

/// Longest searchable target in bytes: Postgres indexes nothing longer than about 2700. A longer one is cut; `target` has it whole.
const LONGEST_TARGET_KEY: usize = 1024;

/// In the order of ids, so that two that store the same entries wait for each other and never in a circle.
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
    action: Vec<Cow<'a, str>>,
    actor_type: Vec<String>,
    actor_id: Vec<Uuid>,
    target: Vec<Json<Value>>,
    target_key: Vec<Cow<'a, str>>,
    error: Vec<Option<&'static str>>,
    correlation_id: Vec<Uuid>,
    service: Vec<Cow<'a, str>>,
    stream_id: Vec<Option<Uuid>>,
    stream_seq: Vec<Option<i64>>,
    duration_ms: Vec<Option<f64>>,
    details: Vec<Json<Value>>,
    trace_id: Vec<Option<Cow<'a, str>>>,
    entry: Vec<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(entries: &[&'a PrintedEntry]) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for entry in entries {
            columns.push(entry)?;
        }
        Ok(columns)
    }

    fn push(&mut self, entry: &'a PrintedEntry) -> Result<(), StoreError> {
        self.id.push(entry.id);
        self.at.push(entry.timestamp);
        self.action.push(text(&entry.action));
        self.actor_type.push(code(&entry.actor_type)?);
        self.actor_id.push(entry.actor_id);
        self.target.push(json(&entry.target)?);
        self.target_key.push(text(cut(&entry.target_key)));
        self.error.push(entry.error.map(FailureClass::as_str));
        self.correlation_id.push(entry.correlation_id);
        self.service.push(text(&entry.service));
        self.stream_id.push(entry.stream.map(|line| line.stream_id));
        self.stream_seq.push(entry.stream.map(|line| number(&line)));
        self.duration_ms.push(entry.duration_ms);
        self.details.push(json(&entry.details)?);
        self.trace_id.push(optional_text(entry.trace_id.as_ref()));
        self.entry.push(text(&entry.line));
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

/// Whether a line's number can be one: they count from 1.
pub(super) fn is_number(line: &AuditLine) -> bool {
    (1..=LARGEST_NUMBER).contains(&line.seq)
}

fn number(line: &AuditLine) -> i64 {
    i64::try_from(line.seq).unwrap_or(i64::MAX)
}

fn cut(key: &str) -> &str {
    &key[..key.floor_char_boundary(LONGEST_TARGET_KEY)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_cut_between_characters_and_only_if_it_is_too_long() {
        let umlauts = "ü".repeat(LONGEST_TARGET_KEY);
        for (key, kept) in [("", 0), ("slack_channel:C0SECLEAD", 23), (umlauts.as_str(), LONGEST_TARGET_KEY)] {
            assert_eq!(cut(key).len(), kept);
        }
        assert_eq!(cut(&format!("x{umlauts}")).len(), LONGEST_TARGET_KEY - 1);
    }

    #[test]
    fn numbers_count_from_one_and_stay_exact() {
        for (seq, is) in [(0, false), (1, true), (LARGEST_NUMBER, true), (LARGEST_NUMBER + 1, false), (u64::MAX, false)] {
            let line = AuditLine {
                stream_id: Uuid::nil(),
                seq,
            };
            assert_eq!(is_number(&line), is, "{seq}");
        }
    }
}
