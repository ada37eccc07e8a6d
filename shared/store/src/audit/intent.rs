//! Announced calls without an entry.

use std::collections::HashSet;

use audit::line_schema::{ParsedActor, ParsedIntent};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use crate::sql::{code, column, from_code, json_column};
use crate::{StoreError, Tx};

const INSERT: &str = "
    INSERT INTO audit_intents (id, call, begun_at, target, actor_type, actor_id, correlation_id, service, stream_id, trace_id, recorded_at)
    SELECT intent.*, $11
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS intent (id, call, begun_at, target, actor_type, actor_id, correlation_id,
        service, stream_id, trace_id)
    WHERE NOT EXISTS (SELECT FROM audit_events WHERE audit_events.id = intent.id)
    ORDER BY id
    ON CONFLICT (id) DO NOTHING";

const REMOVE: &str = "
    DELETE FROM audit_intents
    WHERE id IN (SELECT id FROM audit_intents WHERE id = ANY ($1) ORDER BY id FOR UPDATE)";

/// Announcement and entry can be recorded at the same moment, neither visible to the other.
const REMOVE_COMPLETED: &str = "
    DELETE FROM audit_intents
    WHERE id IN (SELECT id FROM audit_intents AS intent
                 WHERE EXISTS (SELECT FROM audit_events WHERE audit_events.id = intent.id) ORDER BY id FOR UPDATE)";

const OPEN: &str = "
    SELECT id, call, begun_at, target, actor_type, actor_id, correlation_id, service, stream_id, trace_id FROM audit_intents
    WHERE reported_at IS NULL AND recorded_at <= $1
    ORDER BY recorded_at, id LIMIT $2";

const REPORTED: &str = "UPDATE audit_intents SET reported_at = $2 WHERE id = ANY ($1) AND reported_at IS NULL";

impl Tx<'_> {
    /// Announcements recorded before a time, not reported yet, without an entry; longest waiting first, at most `limit`.
    pub async fn open_audit_intents(
        &mut self,
        recorded_before: Timestamp,
        limit: i64,
    ) -> Result<Vec<ParsedIntent>, StoreError> {
        self.execute(REMOVE_COMPLETED, &[]).await?;
        let params = [(&recorded_before as _, Type::TIMESTAMPTZ), (&limit as _, Type::INT8)];
        self.query(OPEN, &params).await?.iter().map(parse_intent).collect()
    }

    /// Marks announcements as reported: they are not reported again.
    pub async fn mark_audit_intents_reported(&mut self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        let params = [(&ids as _, Type::UUID_ARRAY), (&now as _, Type::TIMESTAMPTZ)];
        self.execute(REPORTED, &params).await.map(drop)
    }

    /// Keeps announcements without an entry: neither now (`arrived` has their ids) nor before.
    pub(super) async fn insert_intents(
        &mut self,
        intents: &[ParsedIntent],
        arrived: &HashSet<Uuid>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let intents: Vec<_> = intents.iter().filter(|intent| !arrived.contains(&intent.id)).collect();
        if intents.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = intents.iter().map(|intent| intent.id).collect();
        let calls: Vec<_> = intents.iter().map(|intent| intent.call.as_str()).collect();
        let begun: Vec<_> = intents.iter().map(|intent| intent.timestamp).collect();
        let targets: Vec<_> = intents.iter().map(|intent| Json(&intent.target)).collect();
        let actors: Vec<_> = intents
            .iter()
            .map(|intent| code(&intent.actor.actor_type))
            .collect::<Result<_, _>>()?;
        let actor_ids: Vec<_> = intents.iter().map(|intent| intent.actor.id).collect();
        let correlations: Vec<_> = intents.iter().map(|intent| intent.correlation_id).collect();
        let services: Vec<_> = intents.iter().map(|intent| intent.service.as_str()).collect();
        let streams: Vec<_> = intents.iter().map(|intent| intent.stream_id).collect();
        let traces: Vec<_> = intents.iter().map(|intent| intent.trace_id.as_deref()).collect();
        let params = [
            (&ids as _, Type::UUID_ARRAY),
            (&calls as _, Type::TEXT_ARRAY),
            (&begun as _, Type::TIMESTAMPTZ_ARRAY),
            (&targets as _, Type::JSONB_ARRAY),
            (&actors as _, Type::TEXT_ARRAY),
            (&actor_ids as _, Type::UUID_ARRAY),
            (&correlations as _, Type::UUID_ARRAY),
            (&services as _, Type::TEXT_ARRAY),
            (&streams as _, Type::UUID_ARRAY),
            (&traces as _, Type::TEXT_ARRAY),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(INSERT, &params).await.map(drop)
    }

    /// Removes announcements whose entries have arrived.
    pub(super) async fn remove_intents(&mut self, ids: &HashSet<Uuid>) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = ids.iter().copied().collect();
        self.execute(REMOVE, &[(&ids, Type::UUID_ARRAY)]).await.map(drop)
    }
}

fn parse_intent(row: &Row) -> Result<ParsedIntent, StoreError> {
    Ok(ParsedIntent {
        timestamp: column(row, "begun_at")?,
        call: column(row, "call")?,
        target: json_column(row, "target")?,
        correlation_id: column(row, "correlation_id")?,
        actor: ParsedActor {
            actor_type: from_code("actor_type", column(row, "actor_type")?)?,
            id: column(row, "actor_id")?,
        },
        service: column(row, "service")?,
        id: column(row, "id")?,
        stream_id: column(row, "stream_id")?,
        trace_id: column(row, "trace_id")?,
    })
}
