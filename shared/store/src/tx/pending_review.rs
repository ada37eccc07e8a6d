//! Pending reviews: where a review stands cannot be told until GitLab is readable.

use jiff::Timestamp;
use model::{EarlierFacts, MergeRequestIid, MergeRequestKey, MergeTrigger, ProjectId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, json, json_column, optional_json_column, optional_text, text};

/// A review that is still to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReview {
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// What the event said that led to it.
    pub trigger: MergeTrigger,
    /// Why it is pending.
    pub reason: String,
    /// Attempts at reading made so far, since the last event.
    pub attempts: i32,
    /// When to try again.
    pub next_attempt_at: Timestamp,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// What GitLab's answers have shown so far.
    pub earlier: EarlierFacts,
}

pub(crate) const REVIEW_COLUMNS: &str =
    "instance, project_id, mr_iid, trigger, reason, attempts, next_attempt_at, correlation_id, traceparent, earlier";

/// Each event is reason to look again soon. What is not to be believed does not take the place of what is.
const UPSERT: &str = "
    INSERT INTO pending_reviews AS stored (
        instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, correlation_id, traceparent, created_at,
        updated_at, earlier)
    VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $10, $11)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        state = 'pending',
        trigger = CASE WHEN (excluded.trigger ->> 'trusted')::boolean OR stored.state = 'done' THEN excluded.trigger
                       ELSE stored.trigger END,
        reason = excluded.reason, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
        correlation_id = excluded.correlation_id, traceparent = excluded.traceparent, earlier = excluded.earlier,
        updated_at = greatest(stored.updated_at, excluded.updated_at)";

/// What became pending after the reading began waits for a newer one.
const FINISH: &str = "
    UPDATE pending_reviews SET state = 'done', updated_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state = 'pending'
        AND ($5::timestamptz IS NULL OR updated_at <= $5)";

impl Tx<'_> {
    /// Keeps a review pending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upsert_pending_review(&mut self, review: &PendingReview, now: Timestamp) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(&review.merge_request);
        let params: [super::Param<'_>; 11] = [
            instance,
            project,
            iid,
            (&json(&review.trigger)?, Type::JSONB),
            (&text(&review.reason), Type::TEXT),
            (&review.attempts, Type::INT4),
            (&review.next_attempt_at, Type::TIMESTAMPTZ),
            (&review.correlation_id, Type::UUID),
            (&optional_text(review.traceparent.as_ref()), Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
            (&json(&review.earlier)?, Type::JSONB),
        ];
        self.execute(UPSERT, &params).await.map(drop)
    }

    /// Ends the merge request's pending review, if there is one, and from before GitLab was read (`None`: whenever it is from).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_pending_review(
        &mut self,
        key: &MergeRequestKey,
        read_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(key);
        let params: [super::Param<'_>; 5] = [
            instance,
            project,
            iid,
            (&now, Type::TIMESTAMPTZ),
            (&read_at, Type::TIMESTAMPTZ),
        ];
        self.execute(FINISH, &params).await.map(drop)
    }

    /// What answers about the merge request's reviews have shown that could not be read whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_earlier(&mut self, key: &MergeRequestKey) -> Result<Option<EarlierFacts>, StoreError> {
        let sql = "SELECT earlier FROM pending_reviews
            WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND earlier IS NOT NULL";
        let row = self.query_opt(sql, &super::identity(key)).await?;
        row.map(|row| json_column(&row, "earlier")).transpose()
    }

    /// The merge request's pending review; `None` if there is none or it is done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_review(&mut self, key: &MergeRequestKey) -> Result<Option<PendingReview>, StoreError> {
        let sql = format!(
            "SELECT {REVIEW_COLUMNS} FROM pending_reviews
             WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state = 'pending'"
        );
        self.query_opt(&sql, &super::identity(key))
            .await?
            .map(|row| read_pending_review(&row))
            .transpose()
    }
}

pub(crate) fn read_pending_review(row: &Row) -> Result<PendingReview, StoreError> {
    Ok(PendingReview {
        merge_request: MergeRequestKey {
            instance: column(row, "instance")?,
            project_id: ProjectId(column(row, "project_id")?),
            mr_iid: MergeRequestIid(column(row, "mr_iid")?),
        },
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
        earlier: optional_json_column(row, "earlier")?.unwrap_or_default(),
    })
}
