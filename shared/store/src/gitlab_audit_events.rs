//! Events of GitLab's audit event streams, each stored once by its content.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Envelope, GitLabAuditEvent};
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{JsonText, Statement, clean_text, column};
use crate::{StoreError, Tx};

const INSERT: &str = "
    INSERT INTO gitlab_audit_events (id, instance, event_key, event_id, event_type, author, entity, target, details, created_at,
        payload_sha256, received_at, correlation_id)
    SELECT id, $1, event_key, event_id, event_type, author, entity, target, details, created_at, $2, $3, $4
    FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13) AS line (id, event_key, event_id, event_type, author, entity, target, details,
        created_at)
    WHERE NOT EXISTS (
        SELECT FROM gitlab_audit_events AS known WHERE known.instance = $1 AND known.event_key = line.event_key)
    ORDER BY event_key
    ON CONFLICT DO NOTHING";

const FIRST_RECEIVED: &str = "
    SELECT event_key, min(received_at) AS received_at FROM gitlab_audit_events
    WHERE instance = $1 AND event_key = ANY ($2) GROUP BY event_key";

impl Tx<'_> {
    /// Stores the events of a delivery that are not stored yet; returns when each was first received, by its key. Repeatable.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_gitlab_audit_events(
        &mut self,
        envelope: &Envelope,
        events: &[GitLabAuditEvent],
    ) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let mut keys = BTreeSet::new();
        let events: Vec<_> = events
            .iter()
            .filter(|event| keys.insert(event.event_key.as_str()))
            .collect();
        let instance = clean_text(&envelope.authentication.instance).into_owned();
        let texts = |field: fn(&GitLabAuditEvent) -> Option<&str>| -> Vec<Option<String>> {
            events
                .iter()
                .map(|event| field(event).map(|text| clean_text(text).into_owned()))
                .collect()
        };
        let insert = Statement::new(INSERT)
            .bind_text(&instance)
            .bind_text(&envelope.payload_sha256)
            .bind(envelope.received_at, Type::TIMESTAMPTZ)
            .bind(envelope.correlation_id, Type::UUID)
            .bind(
                events.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
                Type::UUID_ARRAY,
            )
            .bind(texts(|event| Some(&event.event_key)), Type::TEXT_ARRAY)
            .bind(texts(|event| event.event_id.as_deref()), Type::TEXT_ARRAY)
            .bind(texts(|event| event.event_type.as_deref()), Type::TEXT_ARRAY)
            .bind(jsons(&events, |event| &event.author)?, Type::JSONB_ARRAY)
            .bind(jsons(&events, |event| &event.entity)?, Type::JSONB_ARRAY)
            .bind(jsons(&events, |event| &event.target)?, Type::JSONB_ARRAY)
            .bind(jsons(&events, |event| &event.details)?, Type::JSONB_ARRAY)
            .bind(
                events.iter().map(|event| event.created_at).collect::<Vec<_>>(),
                Type::TIMESTAMPTZ_ARRAY,
            );
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        let first = Statement::new(FIRST_RECEIVED)
            .bind(instance, Type::TEXT)
            .bind(keys, Type::TEXT_ARRAY);
        let answers = self.answers_to(vec![insert, first]).await?;
        let rows = answers.last().map(|answer| answer.rows.as_slice()).unwrap_or_default();
        rows.iter()
            .map(|row| Ok((column(row, "event_key")?, column(row, "received_at")?)))
            .collect()
    }
}

fn jsons<T: Serialize>(
    events: &[&GitLabAuditEvent],
    field: fn(&GitLabAuditEvent) -> &T,
) -> Result<Vec<JsonText>, StoreError> {
    events.iter().map(|event| JsonText::of(field(event))).collect()
}
