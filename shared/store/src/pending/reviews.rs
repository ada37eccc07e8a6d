//! Pending reviews: the state of a review is unknown until GitLab is readable.

use std::sync::LazyLock;

use jiff::Timestamp;
use model::{EarlierFacts, MergeRequestKey, MergeTrigger};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{Insert, KEY, Statement, column, json_column, key_columns, optional_json_column};
use crate::tx::{DONE, Queued, Tx};

/// A review still to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReview {
    pub merge_request: MergeRequestKey,
    /// What the event that caused it reported.
    pub trigger: MergeTrigger,
    /// Why it is pending.
    pub reason: String,
    /// Read attempts so far, since the last event.
    pub attempts: i32,
    pub next_attempt_at: Timestamp,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// What GitLab's answers have shown so far.
    pub earlier: EarlierFacts,
}

pub(crate) const REVIEW_COLUMNS: &str = "instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, correlation_id, traceparent, earlier";

pub(crate) static REVIEW: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {REVIEW_COLUMNS} FROM pending_reviews WHERE instance = $1 AND project_id = $2 AND mr_iid = $3")
});

/// Each event causes another read soon. An untrusted trigger does not replace a trusted one.
const MERGED: [(&str, &str); 2] = [
    (
        "trigger",
        "CASE WHEN (excluded.trigger ->> 'trusted')::boolean OR stored.state = 'done' THEN excluded.trigger
              ELSE stored.trigger END",
    ),
    ("updated_at", "greatest(stored.updated_at, excluded.updated_at)"),
];

/// A review that became pending after the read began waits for a newer one.
const FINISH: &str = "
    UPDATE pending_reviews SET state = 'done', updated_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state = 'pending'
        AND ($5::timestamptz IS NULL OR updated_at <= $5)";

impl<'a> Tx<'a> {
    /// Stores a pending review.
    pub fn upsert_pending_review(&mut self, review: &PendingReview, now: Timestamp) -> Queued<'_, 'a, ()> {
        self.try_queue(upsert(review, now), DONE)
    }

    /// Ends the merge request's pending review, if it is from before GitLab was read (`None`: in any case).
    pub fn finish_pending_review(
        &mut self,
        key: &MergeRequestKey,
        read_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Queued<'_, 'a, ()> {
        let statement = Statement::of(key, FINISH).bind(now, Type::TIMESTAMPTZ);
        self.queue(statement.bind(read_at, Type::TIMESTAMPTZ), DONE)
    }

    /// The merge request's pending review; `None`: it never waited, or is done.
    pub fn pending_review(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, Option<PendingReview>> {
        let statement = Statement::of(key, format!("{} AND state = 'pending'", *REVIEW));
        self.queue(statement, |answer| {
            answer.rows.first().map(read_pending_review).transpose()
        })
    }
}

fn upsert(review: &PendingReview, now: Timestamp) -> Result<Statement, StoreError> {
    let insert = Insert::into("pending_reviews")
        .key(&review.merge_request)
        .constant("state", "'pending'")
        .json("trigger", &review.trigger)?
        .text("reason", &review.reason)
        .value("attempts", review.attempts, Type::INT4)
        .time("next_attempt_at", review.next_attempt_at)
        .uuid("correlation_id", review.correlation_id)
        .optional_text("traceparent", review.traceparent.as_deref())
        .json("earlier", &review.earlier)?
        .time("created_at", now)
        .time("updated_at", now);
    let update = insert.or_update(&KEY, &["created_at"], &MERGED);
    Ok(insert.then(&update))
}

pub(crate) fn read_pending_review(row: &Row) -> Result<PendingReview, StoreError> {
    Ok(PendingReview {
        merge_request: key_columns(row)?,
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
        earlier: optional_json_column(row, "earlier")?.unwrap_or_default(),
    })
}
