//! Decisions with their whole input, to recompute them.

use jiff::Timestamp;
use model::{Facts, MergeRequestKey, Review, Verdict};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{column, json_column, key_columns};
use crate::{Store, StoreError};

/// The subject of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionStage {
    /// The state of the review before a merge.
    Review,
    /// The verdict on a merge.
    Merge,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvidence {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// SHA-256 of its content, hex, as in the decision.
    pub sha256: String,
    /// The content, byte for byte.
    pub content: String,
    /// When GitLab was read; `None`: it could not be read.
    pub read_at: Option<Timestamp>,
}

/// A decision as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecisionInput {
    /// Row id (UUIDv7).
    pub id: Uuid,
    pub merge_request: MergeRequestKey,
    /// Before the merge, or on it.
    pub stage: DecisionStage,
    /// The input of the verdict.
    pub facts: Facts,
    pub verdict: Verdict,
    /// The ledger's side of it.
    pub review: Option<Review>,
    /// The rules that decided it (SHA-256, hex).
    pub rules_hash: String,
    /// Its evidence; `None`: before a merge, nothing to review, or decided by an earlier version.
    pub evidence: Option<StoredEvidence>,
    /// The decision before it.
    pub supersedes: Option<Uuid>,
    /// Whether it is the current decision.
    pub current: bool,
    /// Confirmed by GitLab; `None`: before a merge, or made before this was recorded.
    pub confirmed: Option<bool>,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

const COLUMNS: &str = "
    decision.id, decision.instance, decision.project_id, decision.mr_iid, stage, inputs, verdict, review, rules_hash, supersedes,
    decision.recorded_at, decision.correlation_id, decision.confirmed, decision.evaluator, evidence_id, evidence_sha256, evidence.content, evidence.read_at,
    NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = decision.id) AS current
    FROM security_review_decisions AS decision LEFT JOIN review_evidence AS evidence ON evidence.id = evidence_id";

impl Store {
    /// Decisions in the order of writing, after a given one, recorded at or after `since`.
    pub async fn decision_inputs(
        &self,
        after: Option<Uuid>,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<StoredDecisionInput>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE decision.id > $1 AND decision.recorded_at >= coalesce($2, '-infinity') ORDER BY decision.id LIMIT $3"
        );
        let params = [
            (&after.unwrap_or(Uuid::nil()) as _, Type::UUID),
            (&since as _, Type::TIMESTAMPTZ),
            (&i64::from(limit) as _, Type::INT8),
        ];
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(parse_row).collect()
    }

    /// Every decision about a merge request, oldest first.
    pub async fn decision_inputs_of(&self, key: &MergeRequestKey) -> Result<Vec<StoredDecisionInput>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE decision.instance = $1 AND decision.project_id = $2 AND decision.mr_iid = $3 ORDER BY decision.id"
        );
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
        ];
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(parse_row).collect()
    }

    /// The rules file with this hash, if it made a decision.
    pub async fn rules_file(&self, hash: &str) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        let row = tx
            .query_opt(
                "SELECT content FROM rules_files WHERE hash = $1",
                &[(&hash, Type::TEXT)],
            )
            .await?;
        tx.commit().await?;
        row.map(|row| column(&row, "content")).transpose()
    }
}

fn parse_row(row: &Row) -> Result<StoredDecisionInput, StoreError> {
    let review: Option<tokio_postgres::types::Json<serde_json::Value>> = column(row, "review")?;
    Ok(StoredDecisionInput {
        id: column(row, "id")?,
        merge_request: key_columns(row)?,
        stage: match column::<String>(row, "stage")?.as_str() {
            "review" => DecisionStage::Review,
            _ => DecisionStage::Merge,
        },
        facts: json_column(row, "inputs")?,
        verdict: json_column(row, "verdict")?,
        review: review
            .map(|review| serde_json::from_value(review.0).map_err(|_| StoreError::corrupt("review")))
            .transpose()?,
        rules_hash: column(row, "rules_hash")?,
        evidence: evidence(row)?,
        supersedes: column(row, "supersedes")?,
        current: column(row, "current")?,
        confirmed: column(row, "confirmed")?,
        evaluator: column(row, "evaluator")?,
        recorded_at: column(row, "recorded_at")?,
        correlation_id: column(row, "correlation_id")?,
    })
}

fn evidence(row: &Row) -> Result<Option<StoredEvidence>, StoreError> {
    let Some(id) = column::<Option<Uuid>>(row, "evidence_id")? else {
        return Ok(None);
    };
    Ok(Some(StoredEvidence {
        id,
        sha256: column(row, "evidence_sha256")?,
        content: column(row, "content")?,
        read_at: column(row, "read_at")?,
    }))
}
