//! The ledger: one row per merge request, each change its next revision, read back when it is written.

use jiff::{SignedDuration, Timestamp};
use model::{
    LedgerMerge, LedgerRow, MergeRequestIid, MergeRequestKey, Note, ProjectId, Review, ServiceLevel, User, UserId,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, from_code, json, json_column, optional_text, text, texts};

/// A row as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLedgerRow {
    /// What it says.
    pub row: LedgerRow,
    /// Counts its changes, from 1.
    pub revision: i64,
    /// When it was first written.
    pub recorded_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

pub(crate) const LEDGER_COLUMNS: &str = "
    instance, project_id, mr_iid, mr_id, project_path, title, web_url, author_id, author_username, reviewers, deciding_reviewer_id,
    deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at, time_unknown_reason,
    (extract(epoch FROM sla_target) * 1000)::int8 AS sla_target_ms, (extract(epoch FROM sla_elapsed) * 1000)::int8 AS sla_elapsed_ms,
    merged_by_id, merged_by_username, merge_method, merged_at, merge_commit_sha, head_sha, proof, notes, rules_hash, decision_id,
    read_at, revision, recorded_at, updated_at, correlation_id, evidence_id, evidence_sha256";

/// Under the merge request's lock; the revision stands guard all the same.
const UPSERT: &str = "
    INSERT INTO security_review_ledger AS stored (
        instance, project_id, mr_iid, mr_id, project_path, title, web_url, author_id, author_username, reviewers, deciding_reviewer_id,
        deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at, time_unknown_reason, sla_target,
        sla_elapsed, merged_by_id, merged_by_username, merge_method, merged_at, merge_commit_sha, head_sha, proof, notes, rules_hash,
        decision_id, read_at, correlation_id, id, revision, recorded_at, updated_at, evidence_id, evidence_sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        make_interval(secs => $20), make_interval(secs => $21), $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $36, 1, $34, $34,
        $37, $38)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        mr_id = excluded.mr_id, project_path = excluded.project_path, title = excluded.title, web_url = excluded.web_url,
        author_id = coalesce(excluded.author_id, stored.author_id),
        author_username = coalesce(excluded.author_username, stored.author_username),
        reviewers = excluded.reviewers, deciding_reviewer_id = excluded.deciding_reviewer_id,
        deciding_reviewer_username = excluded.deciding_reviewer_username, risk_tier = excluded.risk_tier, labels = excluded.labels,
        decision = excluded.decision, decided_at = excluded.decided_at, labelled_at = excluded.labelled_at,
        approved_at = excluded.approved_at, time_unknown_reason = excluded.time_unknown_reason, sla_target = excluded.sla_target,
        sla_elapsed = excluded.sla_elapsed, merged_by_id = excluded.merged_by_id, merged_by_username = excluded.merged_by_username,
        merge_method = excluded.merge_method, merged_at = excluded.merged_at, merge_commit_sha = excluded.merge_commit_sha,
        head_sha = excluded.head_sha, proof = excluded.proof, notes = excluded.notes, rules_hash = excluded.rules_hash,
        decision_id = excluded.decision_id, evidence_id = excluded.evidence_id, evidence_sha256 = excluded.evidence_sha256,
        read_at = greatest(stored.read_at, excluded.read_at),
        correlation_id = excluded.correlation_id, revision = stored.revision + 1, updated_at = excluded.updated_at
    WHERE stored.revision = $35
    RETURNING ";

/// The row already says what was read.
const TOUCH: &str = "
    UPDATE security_review_ledger SET read_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND (read_at IS NULL OR read_at < $4)";

impl Tx<'_> {
    /// Notes that the row was found to be true when GitLab was read at this time: an older reading does not replace it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_ledger_row(&mut self, key: &MergeRequestKey, read_at: Timestamp) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(key);
        let params = [instance, project, iid, (&read_at as _, Type::TIMESTAMPTZ)];
        self.execute(TOUCH, &params).await.map(drop)
    }

    /// The merge request's row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_row(&mut self, key: &MergeRequestKey) -> Result<Option<StoredLedgerRow>, StoreError> {
        let sql = format!(
            "SELECT {LEDGER_COLUMNS} FROM security_review_ledger WHERE instance = $1 AND project_id = $2 AND mr_iid = $3"
        );
        let row = self.query_opt(&sql, &super::identity(key)).await?;
        row.as_ref().map(read_ledger_row).transpose()
    }

    /// Writes the row, as the revision after `standing`, and gives it back as the database holds it now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another revision stands; [`StoreError`].
    pub async fn write_ledger_row(
        &mut self,
        new: &LedgerRow,
        standing: Option<&StoredLedgerRow>,
        now: Timestamp,
    ) -> Result<StoredLedgerRow, StoreError> {
        let (review, merge) = (&new.review, new.merge.as_ref());
        let person = |user: Option<&User>| user.map(|user| (user.id.0, text(&user.username).into_owned())).unzip();
        let (author_id, author) = person(new.author.as_ref());
        let (reviewer_id, reviewer) = person(review.deciding_reviewer.as_ref());
        let (merger_id, merger) = person(merge.and_then(|merge| merge.by.as_ref()));
        let level = review.service_level;
        let notes: Vec<&str> = review.notes.iter().copied().map(Note::as_str).collect();
        let [instance, project, iid] = super::identity(&new.merge_request);
        let id = Uuid::now_v7();
        let params: [super::Param<'_>; 38] = [
            instance,
            project,
            iid,
            (&new.mr_id, Type::INT8),
            (&text(&new.project_path), Type::TEXT),
            (&text(&new.title), Type::TEXT),
            (&text(&new.web_url), Type::TEXT),
            (&author_id, Type::INT8),
            (&author, Type::TEXT),
            (&json(&new.reviewers)?, Type::JSONB),
            (&reviewer_id, Type::INT8),
            (&reviewer, Type::TEXT),
            (&text(&review.risk_tier), Type::TEXT),
            (&texts(&review.labels), Type::TEXT_ARRAY),
            (&review.decision.map(model::Decision::as_str), Type::TEXT),
            (&review.decided_at, Type::TIMESTAMPTZ),
            (&review.labelled_at, Type::TIMESTAMPTZ),
            (&review.approved_at, Type::TIMESTAMPTZ),
            (&review.time_unknown.map(model::TimeUnknown::as_str), Type::TEXT),
            (&level.map(|level| level.target.as_secs_f64()), Type::FLOAT8),
            (
                &level
                    .and_then(|level| level.elapsed)
                    .map(|elapsed| elapsed.as_secs_f64()),
                Type::FLOAT8,
            ),
            (&merger_id, Type::INT8),
            (&merger, Type::TEXT),
            (
                &optional_text(merge.and_then(|merge| merge.method.as_ref())),
                Type::TEXT,
            ),
            (&merge.map(|merge| merge.at), Type::TIMESTAMPTZ),
            (
                &optional_text(merge.and_then(|merge| merge.commit_sha.as_ref())),
                Type::TEXT,
            ),
            (&optional_text(new.head_sha.as_ref()), Type::TEXT),
            (&review.proof.map(model::Proof::as_str), Type::TEXT),
            (&notes, Type::TEXT_ARRAY),
            (&text(&new.rules_hash), Type::TEXT),
            (&new.decision_id, Type::UUID),
            (&new.read_at, Type::TIMESTAMPTZ),
            (&new.correlation_id, Type::UUID),
            (&now, Type::TIMESTAMPTZ),
            (&standing.map_or(0, |standing| standing.revision), Type::INT8),
            (&id, Type::UUID),
            (&new.evidence.as_ref().map(|evidence| evidence.id), Type::UUID),
            (
                &new.evidence.as_ref().map(|evidence| evidence.sha256.as_str()),
                Type::TEXT,
            ),
        ];
        let row = self.query_opt(&format!("{UPSERT}{LEDGER_COLUMNS}"), &params).await?;
        let row = row.ok_or_else(|| StoreError::Conflict("the ledger's row has been written meanwhile".to_owned()))?;
        read_ledger_row(&row)
    }
}

fn person(row: &Row, id: &'static str, username: &'static str) -> Result<Option<User>, StoreError> {
    let known: (Option<i64>, Option<String>) = (column(row, id)?, column(row, username)?);
    Ok(known.0.zip(known.1).map(|(id, username)| User {
        id: UserId(id),
        username,
    }))
}

/// A column of codes.
fn coded<T: serde::de::DeserializeOwned>(row: &Row, name: &'static str) -> Result<Option<T>, StoreError> {
    let code: Option<String> = column(row, name)?;
    code.map(|code| from_code(name, code)).transpose()
}

pub(crate) fn read_ledger_row(row: &Row) -> Result<StoredLedgerRow, StoreError> {
    let notes: Vec<String> = column(row, "notes")?;
    let millis = |name| column::<Option<i64>>(row, name).map(|millis| millis.map(SignedDuration::from_millis));
    let elapsed = millis("sla_elapsed_ms")?;
    let service_level = millis("sla_target_ms")?.map(|target| ServiceLevel { target, elapsed });
    let merged_at: Option<Timestamp> = column(row, "merged_at")?;
    let merge = match merged_at {
        Some(at) => Some(LedgerMerge {
            by: person(row, "merged_by_id", "merged_by_username")?,
            method: column(row, "merge_method")?,
            at,
            commit_sha: column(row, "merge_commit_sha")?,
        }),
        None => None,
    };
    Ok(StoredLedgerRow {
        row: LedgerRow {
            merge_request: MergeRequestKey {
                instance: column(row, "instance")?,
                project_id: ProjectId(column(row, "project_id")?),
                mr_iid: MergeRequestIid(column(row, "mr_iid")?),
            },
            mr_id: column(row, "mr_id")?,
            project_path: column(row, "project_path")?,
            title: column(row, "title")?,
            web_url: column(row, "web_url")?,
            author: person(row, "author_id", "author_username")?,
            reviewers: json_column(row, "reviewers")?,
            review: Review {
                decision: coded(row, "decision")?,
                decided_at: column(row, "decided_at")?,
                deciding_reviewer: person(row, "deciding_reviewer_id", "deciding_reviewer_username")?,
                labels: column(row, "labels")?,
                risk_tier: column(row, "risk_tier")?,
                labelled_at: column(row, "labelled_at")?,
                approved_at: column(row, "approved_at")?,
                time_unknown: coded(row, "time_unknown_reason")?,
                service_level,
                proof: coded(row, "proof")?,
                notes: notes
                    .into_iter()
                    .map(|note| from_code("notes", note))
                    .collect::<Result<_, _>>()?,
            },
            merge,
            head_sha: column(row, "head_sha")?,
            rules_hash: column(row, "rules_hash")?,
            decision_id: column(row, "decision_id")?,
            evidence: super::evidence::read_evidence_ref(row)?,
            read_at: column(row, "read_at")?,
            correlation_id: column(row, "correlation_id")?,
        },
        revision: column(row, "revision")?,
        recorded_at: column(row, "recorded_at")?,
        updated_at: column(row, "updated_at")?,
    })
}
