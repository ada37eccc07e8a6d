//! Exceptions: one row per merge request, written once, corrected in place, never removed.

use std::sync::LazyLock;

use jiff::Timestamp;
use model::{ExceptionKind, ExceptionStatus, MergeRequestKey, SecurityReviewException};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::reason_codes;
use crate::sql::{Insert, KEY, STAYS_KNOWN, Statement, column, json_column, key_columns, user_columns};
use crate::tx::{ID, Queued, Tx};

const MERGED: [(&str, &str); 7] = [
    ("author_id", STAYS_KNOWN),
    ("author_username", STAYS_KNOWN),
    ("merged_by_id", STAYS_KNOWN),
    ("merged_by_username", STAYS_KNOWN),
    ("merge_commit_sha", STAYS_KNOWN),
    ("head_sha", STAYS_KNOWN),
    (
        "status",
        "CASE stored.status WHEN 'withdrawn' THEN excluded.status ELSE stored.status END",
    ),
];

/// Columns that never change.
const KEPT: [&str; 4] = ["id", "mr_id", "recorded_at", "correlation_id"];

const WITHDRAW: &str = "
    UPDATE security_review_exceptions SET status = 'withdrawn', updated_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND status <> 'withdrawn'
    RETURNING id";

const SELECT: &str = "
    SELECT id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, author_id, author_username, merged_by_id,
        merged_by_username, labels, risk_tier, kind, reasons, approvals, merged_at, merge_commit_sha, head_sha, rules_hash,
        status, recorded_at, correlation_id
    FROM security_review_exceptions ";

pub(crate) static OF_MERGE_REQUEST: LazyLock<String> =
    LazyLock::new(|| format!("{SELECT} WHERE instance = $1 AND project_id = $2 AND mr_iid = $3"));

impl<'a> Tx<'a> {
    /// Writes an exception and returns the id of its row, which is the existing one if the merge request has a row already.
    ///
    /// A later verdict on the same merge request replaces the result (kind, reasons, approvals, labels, tier, rules). The row keeps
    /// its id, its correlation id, the time it was first recorded, and its status, except that a withdrawn one takes the given
    /// status again.
    pub fn upsert_exception(&mut self, exception: &SecurityReviewException) -> Queued<'_, 'a, Uuid> {
        self.try_queue(upsert(exception), ID)
    }

    /// Withdraws the merge request's exception after a verdict without one; returns its id. `None`: no exception was open.
    pub fn withdraw_exception(&mut self, key: &MergeRequestKey, now: Timestamp) -> Queued<'_, 'a, Option<Uuid>> {
        let statement = Statement::of(key, WITHDRAW).bind(now, Type::TIMESTAMPTZ);
        self.queue(statement, |answer| {
            answer.rows.first().map(|row| column(row, "id")).transpose()
        })
    }

    /// The exception of a merge request, in any status.
    pub fn exception(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, Option<SecurityReviewException>> {
        self.queue(Statement::of(key, OF_MERGE_REQUEST.as_str()), |answer| {
            answer.rows.first().map(read_exception).transpose()
        })
    }

    /// The exception with this id.
    pub fn exception_by_id(&mut self, id: Uuid) -> Queued<'_, 'a, Option<SecurityReviewException>> {
        let statement = Statement::new(format!("{SELECT} WHERE id = $1")).bind(id, Type::UUID);
        self.queue(statement, |answer| answer.rows.first().map(read_exception).transpose())
    }
}

fn upsert(exception: &SecurityReviewException) -> Result<Statement, StoreError> {
    let insert = Insert::into("security_review_exceptions")
        .uuid("id", exception.id)
        .key(&exception.merge_request)
        .text("project_path", &exception.project_path)
        .int8("mr_id", exception.mr_id)
        .text("mr_title", &exception.title)
        .text("mr_url", &exception.url)
        .user("author_id", "author_username", exception.author.as_ref())
        .user("merged_by_id", "merged_by_username", exception.merged_by.as_ref())
        .texts("labels", &exception.labels)
        .text("risk_tier", &exception.risk_tier)
        .text("kind", exception.kind.as_str())
        .json("reasons", &exception.reasons)?
        .codes("reason_codes", reason_codes(&exception.reasons))
        .json("approvals", &exception.approvals)?
        .time("merged_at", exception.merged_at)
        .optional_text("merge_commit_sha", exception.merge_commit_sha.as_deref())
        .optional_text("head_sha", exception.head_sha.as_deref())
        .text("rules_hash", &exception.rules_hash)
        .text("status", exception.status.as_str())
        .time("recorded_at", exception.recorded_at)
        .time("updated_at", exception.recorded_at)
        .uuid("correlation_id", exception.correlation_id);
    let update = insert.or_update(&KEY, &KEPT, &MERGED);
    Ok(insert.then(&format!("{update} RETURNING id")))
}

pub(crate) fn read_exception(row: &Row) -> Result<SecurityReviewException, StoreError> {
    let (kind, status): (String, String) = (column(row, "kind")?, column(row, "status")?);
    Ok(SecurityReviewException {
        id: column(row, "id")?,
        merge_request: key_columns(row)?,
        project_path: column(row, "project_path")?,
        mr_id: column(row, "mr_id")?,
        title: column(row, "mr_title")?,
        url: column(row, "mr_url")?,
        author: user_columns(row, "author_id", "author_username")?,
        merged_by: user_columns(row, "merged_by_id", "merged_by_username")?,
        labels: column(row, "labels")?,
        risk_tier: column(row, "risk_tier")?,
        kind: ExceptionKind::parse(&kind).ok_or_else(|| StoreError::corrupt("kind"))?,
        reasons: json_column(row, "reasons")?,
        approvals: json_column(row, "approvals")?,
        merged_at: column(row, "merged_at")?,
        merge_commit_sha: column(row, "merge_commit_sha")?,
        head_sha: column(row, "head_sha")?,
        rules_hash: column(row, "rules_hash")?,
        status: ExceptionStatus::parse(&status).ok_or_else(|| StoreError::corrupt("status"))?,
        recorded_at: column(row, "recorded_at")?,
        correlation_id: column(row, "correlation_id")?,
    })
}
