//! Merge-request events: the append-only event history.

use jiff::Timestamp;
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

/// A membership that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EligibleReading {
    /// Whether the person was an eligible approver.
    pub eligible: bool,
    /// When that was read.
    pub read_at: Timestamp,
}

/// Stored events that an evaluation reads at most, the newest first kept: beyond that the history counts as cut.
const MOST_EVENTS: i64 = 20_000;

/// Bytes of label lists that an evaluation reads at most: one merge request must not use up the memory of its batch.
const MOST_LABEL_BYTES: i64 = 4 * 1024 * 1024;

const INSERT: &str = "
    INSERT INTO merge_request_events (
        id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, action, state, actor_id, actor_username,
        eligible, author_id, occurred_at, occurred_at_source, occurred_at_raw, received_at, labels, labels_added,
        labels_removed, system, system_action, head_sha, oldrev, merge_commit_sha, merged_at, source_branch, target_branch,
        reviewers, stale, auth_method, hook, delivery_key, delivery_id, event_uuid, payload_sha256, correlation_id,
        audit_stream_id, audit_stream_seq, eligible_read_at, labels_truncated)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42)
    ON CONFLICT (instance, delivery_key) DO NOTHING";

/// A label list that is the same as in the event before, in the same state, adds nothing and is left out; lists beyond the bound are left out too, and
/// their events marked. Content of stale deliveries is not trusted, so it does not take part.
const HISTORY: &str = "
    WITH recent AS MATERIALIZED (
        SELECT * FROM merge_request_events
        WHERE instance = $1 AND project_id = $2 AND mr_iid = $3
        ORDER BY received_at DESC, id DESC LIMIT $4),
    compared AS (
        SELECT recent.*, NOT stale AND (labels_added <> '{}' OR labels_removed <> '{}'
            OR (labels, state) IS DISTINCT FROM (lag(labels) OVER seen, lag(state) OVER seen)) AS has_lists
        FROM recent WINDOW seen AS (PARTITION BY stale ORDER BY received_at, id)),
    measured AS (
        SELECT compared.*, sum(CASE WHEN has_lists THEN octet_length(array_to_string(labels || labels_added || labels_removed, ''))
            ELSE 0 END) OVER (ORDER BY received_at, id) AS label_bytes
        FROM compared)
    SELECT action, actor_id, actor_username, eligible, eligible_read_at, occurred_at, occurred_at_source, received_at, state, system,
        system_action, oldrev IS NOT NULL AS pushed, head_sha, stale,
        CASE WHEN has_lists AND label_bytes <= $5 THEN labels ELSE '{}' END AS labels,
        CASE WHEN has_lists AND label_bytes <= $5 THEN labels_added ELSE '{}' END AS labels_added,
        CASE WHEN has_lists AND label_bytes <= $5 THEN labels_removed ELSE '{}' END AS labels_removed,
        labels_truncated OR (has_lists AND label_bytes > $5) AS labels_truncated
    FROM measured
    ORDER BY occurred_at, id";

/// The stored events of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredHistory {
    /// Oldest first. Label lists are left out where they repeat the list before.
    pub events: Vec<HistoryEvent>,
    /// There are more events than were read.
    pub truncated: bool,
}

impl Tx<'_> {
    /// Records a merge-request event with its delivery. `eligible`: whether the actor is an eligible approver now; `None`: it could
    /// not be read, or does not matter for this event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_event(
        &mut self,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        eligible: Option<EligibleReading>,
    ) -> Result<Recorded, StoreError> {
        let delivery_key = envelope.delivery_key();
        let params: [super::Param<'_>; 42] = [
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
            (&eligible.map(|reading| reading.eligible), Type::BOOL),
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
            (&eligible.map(|reading| reading.read_at), Type::TIMESTAMPTZ),
            (&event.labels_truncated, Type::BOOL),
        ];
        let written = self.execute(INSERT, &params).await?;
        Ok(if written == 0 {
            Recorded::Duplicate
        } else {
            Recorded::New
        })
    }

    /// The stored events of a merge request, bounded in number and bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(&mut self, key: &MergeRequestKey) -> Result<StoredHistory, StoreError> {
        let [instance, project, iid] = super::identity(key);
        let params = [
            instance,
            project,
            iid,
            (&MOST_EVENTS as _, Type::INT8),
            (&MOST_LABEL_BYTES as _, Type::INT8),
        ];
        let rows = self.query(HISTORY, &params).await?;
        Ok(StoredHistory {
            truncated: i64::try_from(rows.len()).unwrap_or(i64::MAX) >= MOST_EVENTS,
            events: rows.iter().map(read_history).collect::<Result<_, _>>()?,
        })
    }
}

pub(crate) fn read_history(row: &Row) -> Result<HistoryEvent, StoreError> {
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
        eligible_read_at: column(row, "eligible_read_at")?,
        occurred_at: column(row, "occurred_at")?,
        occurred_at_source: Some(from_code("occurred_at_source", column(row, "occurred_at_source")?)?),
        received_at: Some(column(row, "received_at")?),
        state: column(row, "state")?,
        system: column(row, "system")?,
        system_action: system_action.map(|word| from_code("system_action", word)).transpose()?,
        labels: column(row, "labels")?,
        labels_added: column(row, "labels_added")?,
        labels_removed: column(row, "labels_removed")?,
        labels_truncated: column(row, "labels_truncated")?,
        pushed: column(row, "pushed")?,
        head_sha: column(row, "head_sha")?,
        stale: column(row, "stale")?,
    })
}
