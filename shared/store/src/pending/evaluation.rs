//! An evaluation, and its row.

use std::sync::LazyLock;

use jiff::Timestamp;
use model::{EarlierFacts, MergeRequestKey, MergeTrigger};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{code_column, column, json_column, key_columns, optional_json_column};

/// What an evaluation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationState {
    /// A verdict: GitLab is read until the deadline.
    Pending,
    /// GitLab's confirmation of a decision, or of a merge that it does not show.
    Unconfirmed,
    Done,
}

/// What first showed the merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationSource {
    /// The delivery of the merge.
    MergeEvent,
    /// Another event that shows the merge request as merged.
    OtherEvent,
    /// GitLab's answer about a review.
    Review,
    /// GitLab's list of merges.
    Reconciliation,
    Backfill,
}

/// A merge to read at GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    pub merge_request: MergeRequestKey,
    /// What it waits for.
    pub state: EvaluationState,
    /// What the event that showed the merge reported.
    pub trigger: MergeTrigger,
    pub reason: String,
    /// Reads so far: for a pending one since it became pending, for an unconfirmed one since the decision.
    pub attempts: i32,
    /// When to read next; `None`: unconfirmed without a schedule.
    pub next_attempt_at: Option<Timestamp>,
    /// After this time, unreadable values are no longer waited for.
    pub deadline_at: Timestamp,
    /// What first showed the merge.
    pub source: EvaluationSource,
    /// When it was first shown; `None`: stored by an earlier version.
    pub first_seen_at: Option<Timestamp>,
    /// End of the schedule of an unconfirmed one.
    pub give_up_at: Option<Timestamp>,
    /// The last read after the first.
    pub last_read_at: Option<Timestamp>,
    /// GitLab has shown the merge request at least once.
    pub shown: bool,
    /// An event on a confirmed decision requires another read.
    pub reread_event: bool,
    /// Merged long before it was first seen: nothing was decided.
    pub before_watch: bool,
    /// What partial answers have shown so far.
    pub earlier: EarlierFacts,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
}

pub(crate) const EVALUATION_COLUMNS: &str = "
    instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, source, first_seen_at, give_up_at,
    last_read_at, shown, reread_event, before_watch, earlier, correlation_id, traceparent";

pub(crate) static EVALUATION: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {EVALUATION_COLUMNS} FROM evaluations WHERE instance = $1 AND project_id = $2 AND mr_iid = $3")
});

pub(crate) fn read_evaluation(row: &Row) -> Result<Evaluation, StoreError> {
    let earlier = optional_json_column(row, "earlier")?;
    Ok(Evaluation {
        merge_request: key_columns(row)?,
        state: code_column(row, "state")?,
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        deadline_at: column(row, "deadline_at")?,
        source: code_column(row, "source")?,
        first_seen_at: column(row, "first_seen_at")?,
        give_up_at: column(row, "give_up_at")?,
        last_read_at: column(row, "last_read_at")?,
        shown: column(row, "shown")?,
        reread_event: column(row, "reread_event")?,
        before_watch: column(row, "before_watch")?,
        earlier: earlier.unwrap_or_default(),
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
    })
}
