//! Quarantine: authentic deliveries that could not be processed, kept whole for manual inspection.

use jiff::Timestamp;
use model::{Content, Envelope};
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{Insert, Statement};
use crate::tx::{Queued, Tx};

impl<'a> Tx<'a> {
    /// Quarantines a delivery; `reason` must hold no secret. `false`: it was quarantined already.
    pub fn quarantine(&mut self, envelope: &Envelope, reason: &str, now: Timestamp) -> Queued<'_, 'a, bool> {
        self.try_queue(insert(envelope, reason, now), |answer| Ok(answer.affected > 0))
    }
}

fn insert(envelope: &Envelope, reason: &str, now: Timestamp) -> Result<Statement, StoreError> {
    let object_kind = match &envelope.content {
        Content::MergeRequest(_) => "merge_request",
        Content::Unexpected { object_kind, .. } => object_kind,
        Content::GitlabAudit { .. } => "gitlab_audit_event",
    };
    let insert = Insert::into("quarantined_deliveries")
        .uuid("id", Uuid::now_v7())
        .delivery(envelope)
        .text("object_kind", object_kind)
        .text("reason", reason)
        .json("content", &envelope.content)?
        .time("quarantined_at", now);
    Ok(insert.then("ON CONFLICT (instance, delivery_key) DO NOTHING"))
}
