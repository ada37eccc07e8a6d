//! Merge-request events: the append-only history, witness H of every verdict.

use model::{Action, Envelope, HistoryEvent, MergeRequestEvent, MergeRequestKey, User, UserId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{code, column, from_code, json, key, optional_text, text, texts};

/// Whether a delivery was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Written now.
    New,
    /// Already there: GitLab, or the queue, delivered it again.
    Duplicate,
}

const INSERT: &str = "
    INSERT INTO merge_request_events (
        id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, action, state, actor_id, actor_username,
        eligible, author_id, occurred_at, occurred_at_source, occurred_at_raw, received_at, labels, labels_added,
        labels_removed, system, system_action, head_sha, oldrev, merge_commit_sha, merged_at, source_branch, target_branch,
        reviewers, stale, auth_method, hook, delivery_key, delivery_id, event_uuid, payload_sha256, correlation_id,
        audit_stream_id, audit_stream_seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40)
    ON CONFLICT (instance, delivery_key) DO NOTHING";

const HISTORY: &str = "
    SELECT action, actor_id, actor_username, eligible, occurred_at, system, system_action, labels, labels_added,
        labels_removed, oldrev IS NOT NULL AS pushed, head_sha, stale
    FROM merge_request_events
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3
    ORDER BY occurred_at, id";

impl Tx<'_> {
    /// Records a merge-request event with its delivery. `eligible` says whether the actor is an eligible approver now;
    /// `None`: could not be read, or does not matter for this event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_event(
        &mut self,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        eligible: Option<bool>,
    ) -> Result<Recorded, StoreError> {
        let delivery_key = envelope.delivery_key();
        let params: [super::Param<'_>; 40] = [
            (&Uuid::now_v7(), Type::UUID),
            (&text(&envelope.authentication.instance), Type::TEXT),
            (&event.project.id.0, Type::INT8),
            (&text(&event.project.path), Type::TEXT),
            (&event.mr_id, Type::INT8),
            (&event.mr_iid.0, Type::INT8),
            (&text(&event.title), Type::TEXT),
            (&text(&event.url), Type::TEXT),
            (&text(event.action.as_str()), Type::TEXT),
            (&optional_text(event.state.as_ref()), Type::TEXT),
            (&event.actor.as_ref().map(|actor| actor.id.0), Type::INT8),
            (
                &optional_text(event.actor.as_ref().map(|actor| &actor.username)),
                Type::TEXT,
            ),
            (&eligible, Type::BOOL),
            (&event.author_id.map(|author| author.0), Type::INT8),
            (&event.occurred_at, Type::TIMESTAMPTZ),
            (&code(&event.occurred_at_source)?, Type::TEXT),
            (&optional_text(event.occurred_at_raw.as_ref()), Type::TEXT),
            (&envelope.received_at, Type::TIMESTAMPTZ),
            (&texts(&event.labels), Type::TEXT_ARRAY),
            (&texts(&event.labels_added), Type::TEXT_ARRAY),
            (&texts(&event.labels_removed), Type::TEXT_ARRAY),
            (&event.system, Type::BOOL),
            (&event.system_action.as_ref().map(code).transpose()?, Type::TEXT),
            (&optional_text(event.head_sha.as_ref()), Type::TEXT),
            (&optional_text(event.oldrev.as_ref()), Type::TEXT),
            (&optional_text(event.merge_commit_sha.as_ref()), Type::TEXT),
            (&event.merged_at, Type::TIMESTAMPTZ),
            (&optional_text(event.source_branch.as_ref()), Type::TEXT),
            (&optional_text(event.target_branch.as_ref()), Type::TEXT),
            (&json(&event.reviewers)?, Type::JSONB),
            (&envelope.authentication.stale, Type::BOOL),
            (&envelope.authentication.method.as_str(), Type::TEXT),
            (&text(&envelope.authentication.hook), Type::TEXT),
            (&key(&delivery_key), Type::TEXT),
            (&optional_text(envelope.delivery.id.as_ref()), Type::TEXT),
            (&optional_text(envelope.delivery.event_uuid.as_ref()), Type::TEXT),
            (&text(&envelope.payload_sha256), Type::TEXT),
            (&envelope.correlation_id, Type::UUID),
            (&envelope.audit_line.stream_id, Type::UUID),
            (&i64::try_from(envelope.audit_line.seq).unwrap_or(i64::MAX), Type::INT8),
        ];
        let written = self.execute(INSERT, &params).await?;
        Ok(if written == 0 {
            Recorded::Duplicate
        } else {
            Recorded::New
        })
    }

    /// Every stored event of a merge request, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(&mut self, key: &MergeRequestKey) -> Result<Vec<HistoryEvent>, StoreError> {
        let rows = self.query(HISTORY, &super::identity(key)).await?;
        rows.iter().map(read_history).collect()
    }
}

fn read_history(row: &Row) -> Result<HistoryEvent, StoreError> {
    let action: String = column(row, "action")?;
    let actor = match (
        column::<Option<i64>>(row, "actor_id")?,
        column::<Option<String>>(row, "actor_username")?,
    ) {
        (Some(id), Some(username)) => Some(User {
            id: UserId(id),
            username,
        }),
        _ => None,
    };
    let system_action: Option<String> = column(row, "system_action")?;
    Ok(HistoryEvent {
        action: Action::parse(&action),
        actor,
        eligible: column(row, "eligible")?,
        occurred_at: column(row, "occurred_at")?,
        system: column(row, "system")?,
        system_action: system_action.map(|word| from_code("system_action", word)).transpose()?,
        labels: column(row, "labels")?,
        labels_added: column(row, "labels_added")?,
        labels_removed: column(row, "labels_removed")?,
        pushed: column(row, "pushed")?,
        head_sha: column(row, "head_sha")?,
        stale: column(row, "stale")?,
    })
}
