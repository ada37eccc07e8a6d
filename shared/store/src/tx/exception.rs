//! Exceptions: one row per merge request, written once, corrected in place, never removed.

use jiff::Timestamp;
use model::{
    ExceptionStatus, Kind, MergeRequestIid, MergeRequestKey, ProjectId, SecurityReviewException, User, UserId,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, json, json_column, optional_text, text, texts};

/// A person who is known stays known, whatever a later reading no longer says.
const UPSERT: &str = "
    INSERT INTO security_review_exceptions AS stored (
        id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, author_id, author_username, merged_by_id,
        merged_by_username, labels, risk_tier, kind, reasons, reason_codes, approvals, merged_at, merge_commit_sha, head_sha,
        rules_hash, status, recorded_at, updated_at, correlation_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $24, $25)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        project_path = excluded.project_path,
        mr_title = excluded.mr_title,
        mr_url = excluded.mr_url,
        author_id = coalesce(excluded.author_id, stored.author_id),
        author_username = coalesce(excluded.author_username, stored.author_username),
        merged_by_id = coalesce(excluded.merged_by_id, stored.merged_by_id),
        merged_by_username = coalesce(excluded.merged_by_username, stored.merged_by_username),
        labels = excluded.labels,
        risk_tier = excluded.risk_tier,
        kind = excluded.kind,
        reasons = excluded.reasons,
        reason_codes = excluded.reason_codes,
        approvals = excluded.approvals,
        merged_at = excluded.merged_at,
        merge_commit_sha = coalesce(excluded.merge_commit_sha, stored.merge_commit_sha),
        head_sha = coalesce(excluded.head_sha, stored.head_sha),
        rules_hash = excluded.rules_hash,
        status = CASE stored.status WHEN 'withdrawn' THEN excluded.status ELSE stored.status END,
        updated_at = excluded.updated_at
    RETURNING id";

const WITHDRAW: &str = "
    UPDATE security_review_exceptions SET status = 'withdrawn', updated_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND status <> 'withdrawn'
    RETURNING id";

const SELECT: &str = "
    SELECT id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, author_id, author_username, merged_by_id,
        merged_by_username, labels, risk_tier, kind, reasons, approvals, merged_at, merge_commit_sha, head_sha, rules_hash,
        status, recorded_at, correlation_id
    FROM security_review_exceptions ";

impl Tx<'_> {
    /// Writes an exception and returns the id of its row, which is not the given one if the merge request has a row already.
    ///
    /// A later verdict on the same merge request replaces what was found (kind, reasons, approvals, labels, tier, rules).
    /// The row keeps its id, its correlation id, the time it was first recorded, and its status, except that a withdrawn one
    /// takes the given status again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upsert_exception(&mut self, exception: &SecurityReviewException) -> Result<Uuid, StoreError> {
        let key = &exception.merge_request;
        let user_id = |user: &Option<User>| user.as_ref().map(|user| user.id.0);
        let params: [super::Param<'_>; 25] = [
            (&exception.id, Type::UUID),
            (&text(&key.instance), Type::TEXT),
            (&key.project_id.0, Type::INT8),
            (&text(&exception.project_path), Type::TEXT),
            (&exception.mr_id, Type::INT8),
            (&key.mr_iid.0, Type::INT8),
            (&text(&exception.title), Type::TEXT),
            (&text(&exception.url), Type::TEXT),
            (&user_id(&exception.author), Type::INT8),
            (
                &optional_text(exception.author.as_ref().map(|user| &user.username)),
                Type::TEXT,
            ),
            (&user_id(&exception.merged_by), Type::INT8),
            (
                &optional_text(exception.merged_by.as_ref().map(|user| &user.username)),
                Type::TEXT,
            ),
            (&texts(&exception.labels), Type::TEXT_ARRAY),
            (&text(&exception.risk_tier), Type::TEXT),
            (&exception.kind.as_str(), Type::TEXT),
            (&json(&exception.reasons)?, Type::JSONB),
            (&super::reason_codes(&exception.reasons), Type::TEXT_ARRAY),
            (&json(&exception.approvals)?, Type::JSONB),
            (&exception.merged_at, Type::TIMESTAMPTZ),
            (&optional_text(exception.merge_commit_sha.as_ref()), Type::TEXT),
            (&optional_text(exception.head_sha.as_ref()), Type::TEXT),
            (&text(&exception.rules_hash), Type::TEXT),
            (&exception.status.as_str(), Type::TEXT),
            (&exception.recorded_at, Type::TIMESTAMPTZ),
            (&exception.correlation_id, Type::UUID),
        ];
        let row = self.query_opt(UPSERT, &params).await?;
        column(&row.ok_or_else(|| StoreError::corrupt("id"))?, "id")
    }

    /// Withdraws the merge request's exception after a verdict that found none. `None`: there is none that stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw_exception(
        &mut self,
        key: &MergeRequestKey,
        now: Timestamp,
    ) -> Result<Option<Uuid>, StoreError> {
        let [instance, project, iid] = super::identity(key);
        let row = self
            .query_opt(WITHDRAW, &[instance, project, iid, (&now, Type::TIMESTAMPTZ)])
            .await?;
        row.map(|row| column(&row, "id")).transpose()
    }

    /// The exception of a merge request, whatever its status.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exception(&mut self, key: &MergeRequestKey) -> Result<Option<SecurityReviewException>, StoreError> {
        let sql = format!("{SELECT} WHERE instance = $1 AND project_id = $2 AND mr_iid = $3");
        self.query_opt(&sql, &super::identity(key))
            .await?
            .map(|row| read(&row))
            .transpose()
    }

    /// The exception with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exception_by_id(&mut self, id: Uuid) -> Result<Option<SecurityReviewException>, StoreError> {
        let sql = format!("{SELECT} WHERE id = $1");
        self.query_opt(&sql, &[(&id, Type::UUID)])
            .await?
            .map(|row| read(&row))
            .transpose()
    }
}

fn read(row: &Row) -> Result<SecurityReviewException, StoreError> {
    let (kind, status): (String, String) = (column(row, "kind")?, column(row, "status")?);
    Ok(SecurityReviewException {
        id: column(row, "id")?,
        merge_request: MergeRequestKey {
            instance: column(row, "instance")?,
            project_id: ProjectId(column(row, "project_id")?),
            mr_iid: MergeRequestIid(column(row, "mr_iid")?),
        },
        project_path: column(row, "project_path")?,
        mr_id: column(row, "mr_id")?,
        title: column(row, "mr_title")?,
        url: column(row, "mr_url")?,
        author: read_user(row, "author_id", "author_username")?,
        merged_by: read_user(row, "merged_by_id", "merged_by_username")?,
        labels: column(row, "labels")?,
        risk_tier: column(row, "risk_tier")?,
        kind: Kind::parse(&kind).ok_or_else(|| StoreError::corrupt("kind"))?,
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

fn read_user(row: &Row, id: &'static str, username: &'static str) -> Result<Option<User>, StoreError> {
    Ok(
        match (
            column::<Option<i64>>(row, id)?,
            column::<Option<String>>(row, username)?,
        ) {
            (Some(id), Some(username)) => Some(User {
                id: UserId(id),
                username,
            }),
            _ => None,
        },
    )
}
