//! Pending evaluations: merges whose verdict waits for GitLab to be readable.

use jiff::Timestamp;
use model::{MergeRequestIid, MergeRequestKey, MergeTrigger, ProjectId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, json, json_column, optional_text, text};

/// A verdict that is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvaluation {
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// What the merge delivery said.
    pub trigger: MergeTrigger,
    /// Why it is pending.
    pub reason: String,
    /// Attempts at judging made so far.
    pub attempts: i32,
    /// When to try again.
    pub next_attempt_at: Timestamp,
    /// From then on, what cannot be read is not waited for any longer.
    pub deadline_at: Timestamp,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
}

pub(crate) const EVALUATION_COLUMNS: &str = "
    instance, project_id, mr_iid, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id, traceparent";

/// While one is pending, a repeated delivery neither moves the deadline away nor forgets attempts.
const UPSERT: &str = "
    INSERT INTO evaluations AS stored (
        instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id,
        traceparent, created_at, updated_at)
    VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $11, $11)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        state = 'pending',
        -- What is not to be believed never takes the place of what is.
        trigger = CASE WHEN (excluded.trigger ->> 'trusted')::boolean THEN excluded.trigger ELSE stored.trigger END,
        reason = excluded.reason,
        attempts = CASE stored.state WHEN 'pending' THEN greatest(stored.attempts, excluded.attempts)
                                     ELSE excluded.attempts END,
        -- Not later than the deadline, while that lies ahead: it is then that the verdict falls.
        next_attempt_at = CASE WHEN stored.state = 'pending' AND stored.deadline_at > excluded.updated_at
                               THEN least(excluded.next_attempt_at, stored.deadline_at)
                               ELSE excluded.next_attempt_at END,
        deadline_at = CASE stored.state WHEN 'pending' THEN least(stored.deadline_at, excluded.deadline_at)
                                        ELSE excluded.deadline_at END,
        correlation_id = excluded.correlation_id,
        traceparent = excluded.traceparent,
        updated_at = excluded.updated_at";

const FINISH: &str = "
    UPDATE evaluations SET state = 'done', updated_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state = 'pending'";

impl Tx<'_> {
    /// Keeps an evaluation pending. One that is pending already keeps its earlier deadline and its greater count of attempts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upsert_evaluation(
        &mut self,
        evaluation: &PendingEvaluation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(&evaluation.merge_request);
        let params: [super::Param<'_>; 11] = [
            instance,
            project,
            iid,
            (&json(&evaluation.trigger)?, Type::JSONB),
            (&text(&evaluation.reason), Type::TEXT),
            (&evaluation.attempts, Type::INT4),
            (&evaluation.next_attempt_at, Type::TIMESTAMPTZ),
            (&evaluation.deadline_at, Type::TIMESTAMPTZ),
            (&evaluation.correlation_id, Type::UUID),
            (&optional_text(evaluation.traceparent.as_ref()), Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
        ];
        self.execute(UPSERT, &params).await.map(drop)
    }

    /// Ends the merge request's pending evaluation, if there is one: its verdict has been reached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_evaluation(&mut self, key: &MergeRequestKey, now: Timestamp) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(key);
        self.execute(FINISH, &[instance, project, iid, (&now, Type::TIMESTAMPTZ)])
            .await
            .map(drop)
    }

    /// The merge request's pending evaluation; `None` if there is none or it is done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_evaluation(&mut self, key: &MergeRequestKey) -> Result<Option<PendingEvaluation>, StoreError> {
        let sql = format!(
            "SELECT {EVALUATION_COLUMNS} FROM evaluations
             WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state = 'pending'"
        );
        self.query_opt(&sql, &super::identity(key))
            .await?
            .map(|row| read_evaluation(&row))
            .transpose()
    }
}

pub(crate) fn read_evaluation(row: &Row) -> Result<PendingEvaluation, StoreError> {
    Ok(PendingEvaluation {
        merge_request: MergeRequestKey {
            instance: column(row, "instance")?,
            project_id: ProjectId(column(row, "project_id")?),
            mr_iid: MergeRequestIid(column(row, "mr_iid")?),
        },
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        deadline_at: column(row, "deadline_at")?,
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
    })
}
