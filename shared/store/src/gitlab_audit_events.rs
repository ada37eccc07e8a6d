//! Events of GitLab's audit event streams, each stored once by its content.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Envelope, GitLabAuditEvent};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{JsonText, Statement, clean_text, column};
use crate::{Store, StoreError, Tx};

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

/// A change of a group's members, as GitLab streamed it: a claim, never proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MembershipClaim {
    /// `member_created`, `member_updated` or `member_destroyed`.
    pub event_type: String,
    /// When it happened, as GitLab says; otherwise when it was received.
    pub at: Timestamp,
    /// GitLab's id and name of the member.
    pub member_id: Option<String>,
    pub member: Option<String>,
    /// Who changed it, by GitLab's id.
    pub author_id: Option<i64>,
}

/// The most claims of one explanation.
const MOST_CLAIMS: i64 = 100;

const CLAIMS: &str = "
    SELECT event_type, coalesce(created_at, received_at) AS at, target ->> 'id' AS member_id, target ->> 'name' AS member,
        (author ->> 'id')::bigint AS author_id
    FROM (SELECT DISTINCT ON (event_key) * FROM gitlab_audit_events
          WHERE instance = $1 AND event_type LIKE 'member\\_%' AND received_at BETWEEN $3 AND $4
              AND entity ->> 'type' = 'Group' AND entity ->> 'id' = $2
          ORDER BY event_key, received_at) AS claim
    ORDER BY at DESC, event_key LIMIT $5";

impl Store {
    /// Changes of the members of a group that GitLab reported in this time, the newest first, at most 100.
    pub async fn membership_claims(
        &self,
        instance: &str,
        group_id: i64,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Vec<MembershipClaim>, StoreError> {
        let statement = Statement::new(CLAIMS)
            .bind_text(instance)
            .bind_text(&group_id.to_string())
            .bind(since, Type::TIMESTAMPTZ)
            .bind(until, Type::TIMESTAMPTZ)
            .bind(MOST_CLAIMS, Type::INT8);
        let rows = self.rows_of(&statement).await?;
        let claim = |row: &Row| {
            Ok(MembershipClaim {
                event_type: column(row, "event_type")?,
                at: column(row, "at")?,
                member_id: column(row, "member_id")?,
                member: column(row, "member")?,
                author_id: column(row, "author_id")?,
            })
        };
        rows.iter().map(claim).collect()
    }
}

fn jsons<T: Serialize>(
    events: &[&GitLabAuditEvent],
    field: fn(&GitLabAuditEvent) -> &T,
) -> Result<Vec<JsonText>, StoreError> {
    events.iter().map(|event| JsonText::of(field(event))).collect()
}
