//! Quarantine: authentic deliveries that could not be processed, kept whole for a person.

use jiff::Timestamp;
use model::{Content, Envelope};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{json, key, optional_text, text};

const INSERT: &str = "
    INSERT INTO quarantined_deliveries (
        id, instance, hook, auth_method, stale, delivery_key, delivery_id, event_uuid, object_kind, reason, content,
        payload_sha256, received_at, quarantined_at, correlation_id, audit_stream_id, audit_stream_seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (instance, delivery_key) DO NOTHING";

impl Tx<'_> {
    /// Puts a delivery into quarantine; `reason` must hold no secret. `false`: it was there already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine(&mut self, envelope: &Envelope, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let delivery_key = envelope.delivery_key();
        let object_kind = match &envelope.content {
            Content::MergeRequest(_) => "merge_request",
            Content::Unexpected { object_kind, .. } => object_kind,
        };
        let params: [super::Param<'_>; 17] = [
            (&Uuid::now_v7(), Type::UUID),
            (&text(&envelope.authentication.instance), Type::TEXT),
            (&text(&envelope.authentication.hook), Type::TEXT),
            (&envelope.authentication.method.as_str(), Type::TEXT),
            (&envelope.authentication.stale, Type::BOOL),
            (&key(&delivery_key), Type::TEXT),
            (&optional_text(envelope.delivery.id.as_ref()), Type::TEXT),
            (&optional_text(envelope.delivery.event_uuid.as_ref()), Type::TEXT),
            (&text(object_kind), Type::TEXT),
            (&text(reason), Type::TEXT),
            (&json(&envelope.content)?, Type::JSONB),
            (&text(&envelope.payload_sha256), Type::TEXT),
            (&envelope.received_at, Type::TIMESTAMPTZ),
            (&now, Type::TIMESTAMPTZ),
            (&envelope.correlation_id, Type::UUID),
            (&envelope.audit_line.stream_id, Type::UUID),
            (&i64::try_from(envelope.audit_line.seq).unwrap_or(i64::MAX), Type::INT8),
        ];
        Ok(self.execute(INSERT, &params).await? > 0)
    }
}
