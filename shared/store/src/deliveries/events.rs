//! Merge-request events: the append-only event history.

use jiff::Timestamp;
use model::{Envelope, EventAction, HistoryEvent, MergeRequestEvent, MergeRequestKey};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{Insert, Statement, code, code_column, column, optional_code_column, user_columns};
use crate::tx::{Queued, Tx};

/// Whether a delivery was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertResult {
    New,
    /// Already stored: GitLab, or the queue, delivered it again.
    Duplicate,
}

/// A membership read from GitLab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EligibleReading {
    /// Whether the user was an eligible approver.
    pub eligible: bool,
    /// When that was read.
    pub read_at: Timestamp,
}

/// Maximum stored events per evaluation, newest first: beyond that the history counts as cut.
const MOST_EVENTS: i64 = 20_000;

/// Maximum bytes of label lists per evaluation: one merge request must not use up the memory of its batch.
const MOST_LABEL_BYTES: i64 = 4 * 1024 * 1024;

/// The function limits the events and their label lists, and omits repeated lists.
const HISTORY: &str = "SELECT * FROM countersign_history($1, $2, $3, $4, $5)";

/// The stored events of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredHistory {
    /// Oldest first. Label lists that repeat the previous list are omitted.
    pub events: Vec<HistoryEvent>,
    /// There are more events than were read.
    pub truncated: bool,
}

impl<'a> Tx<'a> {
    /// Records a merge-request event with its delivery. `eligible`: whether the actor is an eligible approver now; `None`: it could
    /// not be read, or is not needed for this event.
    pub fn insert_event(
        &mut self,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        eligible: Option<EligibleReading>,
    ) -> Queued<'_, 'a, InsertResult> {
        self.try_queue(insert(envelope, event, eligible), |answer| {
            Ok(if answer.affected == 0 {
                InsertResult::Duplicate
            } else {
                InsertResult::New
            })
        })
    }

    /// The stored events of a merge request, limited in number and bytes.
    pub fn history(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, StoredHistory> {
        self.queue(history_statement(key), |answer| read_stored_history(&answer.rows))
    }
}

fn insert(
    envelope: &Envelope,
    event: &MergeRequestEvent,
    eligible: Option<EligibleReading>,
) -> Result<Statement, StoreError> {
    let insert = Insert::into("merge_request_events")
        .uuid("id", Uuid::now_v7())
        .delivery(envelope)
        .int8("project_id", event.project.id.0)
        .text("project_path", &event.project.path)
        .int8("mr_id", event.mr_id)
        .int8("mr_iid", event.mr_iid.0)
        .text("mr_title", &event.title)
        .text("mr_url", &event.url)
        .text("action", event.action.as_str())
        .optional_text("state", event.state.as_deref())
        .user("actor_id", "actor_username", event.actor.as_ref())
        .bool("eligible", eligible.map(|reading| reading.eligible))
        .time("eligible_read_at", eligible.map(|reading| reading.read_at))
        .int8("author_id", event.author_id.map(|author| author.0))
        .time("occurred_at", event.occurred_at)
        .text("occurred_at_source", &code(&event.occurred_at_source)?)
        .optional_text("occurred_at_raw", event.occurred_at_raw.as_deref())
        .texts("labels", &event.labels)
        .texts("labels_added", &event.labels_added)
        .texts("labels_removed", &event.labels_removed)
        .bool("labels_truncated", event.labels_truncated)
        .bool("system", event.system)
        .optional_text(
            "system_action",
            event.system_action.as_ref().map(code).transpose()?.as_deref(),
        )
        .optional_text("head_sha", event.head_sha.as_deref())
        .optional_text("oldrev", event.oldrev.as_deref())
        .optional_text("merge_commit_sha", event.merge_commit_sha.as_deref())
        .time("merged_at", event.merged_at)
        .optional_text("source_branch", event.source_branch.as_deref())
        .optional_text("target_branch", event.target_branch.as_deref())
        .json("reviewers", &event.reviewers)?;
    Ok(insert.then("ON CONFLICT (instance, delivery_key) DO NOTHING"))
}

pub(crate) fn history_statement(key: &MergeRequestKey) -> Statement {
    let statement = Statement::of(key, HISTORY).bind(MOST_EVENTS, Type::INT8);
    statement.bind(MOST_LABEL_BYTES, Type::INT8)
}

pub(crate) fn read_stored_history(rows: &[Row]) -> Result<StoredHistory, StoreError> {
    Ok(StoredHistory {
        truncated: i64::try_from(rows.len()).unwrap_or(i64::MAX) >= MOST_EVENTS,
        events: rows.iter().map(read_history).collect::<Result<_, _>>()?,
    })
}

pub(crate) fn read_history(row: &Row) -> Result<HistoryEvent, StoreError> {
    let action: String = column(row, "action")?;
    Ok(HistoryEvent {
        action: EventAction::parse(&action),
        actor: user_columns(row, "actor_id", "actor_username")?,
        eligible: column(row, "eligible")?,
        eligible_read_at: column(row, "eligible_read_at")?,
        occurred_at: column(row, "occurred_at")?,
        occurred_at_source: Some(code_column(row, "occurred_at_source")?),
        received_at: Some(column(row, "received_at")?),
        state: column(row, "state")?,
        system: column(row, "system")?,
        system_action: optional_code_column(row, "system_action")?,
        labels: column(row, "labels")?,
        labels_added: column(row, "labels_added")?,
        labels_removed: column(row, "labels_removed")?,
        labels_truncated: column(row, "labels_truncated")?,
        pushed: column(row, "pushed")?,
        head_sha: column(row, "head_sha")?,
        stale: column(row, "stale")?,
    })
}
