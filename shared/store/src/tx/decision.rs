//! Decisions: per merge request one append-only chain, each with the whole input of its verdict.

use jiff::Timestamp;
use model::{Decision, EvidenceRef, Facts, MergeRequestKey, Note, Outcome, Review, Verdict};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, from_code, json, json_column, optional_text, text};

/// A decision to be appended. Its merge request is the one of its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// Everything the verdict rests on.
    pub facts: Facts,
    /// The verdict; never a pending one.
    pub verdict: Verdict,
    /// The ledger's side of it; `None`: nothing was to be reviewed.
    pub review: Option<Review>,
    /// The rules it was judged by (SHA-256, hex).
    pub rules_hash: String,
    /// The evidence it rests on; `None`: nothing was to be reviewed.
    pub evidence: Option<EvidenceRef>,
    /// Every needed read of GitLab was answered.
    pub confirmed: bool,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// The merge instant, if GitLab gave it.
    pub merged_at: Option<Timestamp>,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    /// The decision that this one corrects; `None` for the first of a merge request.
    pub supersedes: Option<Uuid>,
    /// When it was judged.
    pub decided_at: Timestamp,
    /// When it is written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

/// A decision before the merge, to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// Everything it rests on.
    pub facts: Facts,
    /// The verdict as if it had been merged then.
    pub verdict: Verdict,
    /// Where the review stands.
    pub review: Review,
    /// The rules it was judged by (SHA-256, hex).
    pub rules_hash: String,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// The decision that stood before.
    pub supersedes: Option<Uuid>,
    /// When it was judged and written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

/// The end of a merge request's chain of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionHead {
    /// The decision that stands.
    pub id: Uuid,
    /// It is the verdict on the merge.
    pub is_merge: bool,
}

/// A decision on a merge as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// The ledger's word for it; `None`: no security label was carried.
    pub decision: Option<Decision>,
    /// Everything the verdict rests on.
    pub facts: Facts,
    /// The verdict.
    pub verdict: Verdict,
    /// The rules it was judged by (SHA-256, hex).
    pub rules_hash: String,
    /// The evidence it rests on.
    pub evidence: Option<EvidenceRef>,
    /// Confirmed, and so frozen. One made before this was recorded counts as confirmed if it holds GitLab's answer.
    pub confirmed: bool,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// The decision that this one corrected.
    pub supersedes: Option<Uuid>,
    /// When it was judged.
    pub decided_at: Timestamp,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

const INSERT: &str = "
    INSERT INTO security_review_decisions (
        id, instance, project_id, mr_iid, decision, outcome, kind, proof, reasons, reason_codes, notes, inputs, verdict,
        rules_hash, supersedes, decided_at, recorded_at, correlation_id, review, evidence_id, evidence_sha256, confirmed, evaluator,
        merged_at, merge_commit_sha, stage)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, 'merge')";

const INSERT_REVIEW: &str = "
    INSERT INTO security_review_decisions (
        id, instance, project_id, mr_iid, decision, reasons, reason_codes, notes, inputs, verdict, review, rules_hash, supersedes,
        decided_at, recorded_at, correlation_id, evaluator, stage)
    VALUES ($1, $2, $3, $4, $5, '[]', '{}', $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, 'review')";

const HEAD: &str = "
    SELECT id, stage FROM security_review_decisions AS head
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3
        AND NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = head.id)";

const KEEP_RULES: &str = "
    INSERT INTO rules_files (hash, content, first_used_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";

/// The newest ones hold what the older ones knew, so that few are enough. Their histories may be long, and are stored as events.
const INPUTS: &str = "
    SELECT inputs || '{\"history\": []}'::jsonb AS inputs FROM security_review_decisions WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 ORDER BY id DESC LIMIT 20";

const LATEST: &str = "
    SELECT id, decision, inputs, verdict, rules_hash, supersedes, decided_at, recorded_at, correlation_id, evidence_id, evidence_sha256,
        coalesce(confirmed, inputs -> 'api' ?| ARRAY['answer', 'not_asked']) AS confirmed, evaluator
    FROM security_review_decisions AS latest
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND stage = 'merge'
        AND NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = latest.id)";

impl Tx<'_> {
    /// Appends a decision and returns its id. Hold [`Tx::lock_merge_request`] from reading the latest one until the commit.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] for a pending verdict, for a second first decision of one merge request, and for one that
    /// supersedes a decision already superseded or of another merge request.
    pub async fn append_decision(&mut self, new: &NewDecision) -> Result<Uuid, StoreError> {
        let verdict = &new.verdict;
        let (outcome, kind, proof) = match &verdict.outcome {
            Outcome::NotCarried => ("not_carried", None, None),
            Outcome::Declassified => ("declassified", None, None),
            Outcome::Approved { proof } => ("approved", None, Some(proof.as_str())),
            Outcome::Exception { kind } => ("exception", Some(kind.as_str()), None),
            Outcome::Pending { .. } => {
                return Err(StoreError::Rejected(
                    "a pending verdict is no decision; keep it as an evaluation".to_owned(),
                ));
            }
        };
        let id = Uuid::now_v7();
        let key = &new.facts.merge_request;
        let review = new.review.as_ref().map(json).transpose()?;
        let params: [super::Param<'_>; 25] = [
            (&id, Type::UUID),
            (&text(&key.instance), Type::TEXT),
            (&key.project_id.0, Type::INT8),
            (&key.mr_iid.0, Type::INT8),
            (&Decision::of_merge(&verdict.outcome).map(Decision::as_str), Type::TEXT),
            (&outcome, Type::TEXT),
            (&kind, Type::TEXT),
            (&proof, Type::TEXT),
            (&json(&verdict.reasons)?, Type::JSONB),
            (&super::reason_codes(&verdict.reasons), Type::TEXT_ARRAY),
            (
                &verdict.notes.iter().copied().map(Note::as_str).collect::<Vec<_>>(),
                Type::TEXT_ARRAY,
            ),
            (&json(&new.facts)?, Type::JSONB),
            (&json(verdict)?, Type::JSONB),
            (&text(&new.rules_hash), Type::TEXT),
            (&new.supersedes, Type::UUID),
            (&new.decided_at, Type::TIMESTAMPTZ),
            (&new.recorded_at, Type::TIMESTAMPTZ),
            (&new.correlation_id, Type::UUID),
            (&review, Type::JSONB),
            (&new.evidence.as_ref().map(|evidence| evidence.id), Type::UUID),
            (
                &new.evidence.as_ref().map(|evidence| evidence.sha256.as_str()),
                Type::TEXT,
            ),
            (&new.confirmed, Type::BOOL),
            (&new.evaluator, Type::INT2),
            (&new.merged_at, Type::TIMESTAMPTZ),
            (&optional_text(new.merge_commit_sha.as_ref()), Type::TEXT),
        ];
        self.execute(INSERT, &params).await?;
        Ok(id)
    }

    /// Appends a decision that was made before the merge, and returns its id. Hold [`Tx::lock_merge_request`].
    ///
    /// # Errors
    /// [`StoreError::Rejected`] as [`Tx::append_decision`].
    pub async fn append_review(&mut self, new: &NewReview) -> Result<Uuid, StoreError> {
        let id = Uuid::now_v7();
        let [instance, project, iid] = super::identity(&new.facts.merge_request);
        let notes: Vec<&str> = new.review.notes.iter().copied().map(Note::as_str).collect();
        let params: [super::Param<'_>; 14] = [
            (&id, Type::UUID),
            instance,
            project,
            iid,
            (&new.review.decision.map(Decision::as_str), Type::TEXT),
            (&notes, Type::TEXT_ARRAY),
            (&json(&new.facts)?, Type::JSONB),
            (&json(&new.verdict)?, Type::JSONB),
            (&json(&new.review)?, Type::JSONB),
            (&text(&new.rules_hash), Type::TEXT),
            (&new.supersedes, Type::UUID),
            (&new.recorded_at, Type::TIMESTAMPTZ),
            (&new.correlation_id, Type::UUID),
            (&new.evaluator, Type::INT2),
        ];
        self.execute(INSERT_REVIEW, &params).await?;
        Ok(id)
    }

    /// The decision that stands, of whatever stage: the one of the merge request's chain that nothing supersedes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decision_head(&mut self, key: &MergeRequestKey) -> Result<Option<DecisionHead>, StoreError> {
        let row = self.query_opt(HEAD, &super::identity(key)).await?;
        row.map(|row| {
            Ok(DecisionHead {
                id: column(&row, "id")?,
                is_merge: column::<String>(&row, "stage")? == "merge",
            })
        })
        .transpose()
    }

    /// Keeps a rules file, so that what it decided can be computed again. May be repeated.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_rules(&mut self, hash: &str, content: &str, now: Timestamp) -> Result<(), StoreError> {
        let params: [super::Param<'_>; 3] = [
            (&text(hash), Type::TEXT),
            (&text(content), Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
        ];
        self.execute(KEEP_RULES, &params).await.map(drop)
    }

    /// What the decisions on a merge request rest on, before its merge and after, the newest first; without the events.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decision_inputs(&mut self, key: &MergeRequestKey) -> Result<Vec<Facts>, StoreError> {
        let rows = self.query(INPUTS, &super::identity(key)).await?;
        rows.iter().map(|row| json_column(row, "inputs")).collect()
    }

    /// The rules file with this hash, if a decision was made by it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rules_file(&mut self, hash: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT content FROM rules_files WHERE hash = $1";
        let row = self.query_opt(sql, &[(&hash, Type::TEXT)]).await?;
        row.map(|row| column(&row, "content")).transpose()
    }

    /// The verdict that stands on the merge: the one of the merge request's chain that nothing supersedes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn latest_decision(&mut self, key: &MergeRequestKey) -> Result<Option<StoredDecision>, StoreError> {
        let Some(row) = self.query_opt(LATEST, &super::identity(key)).await? else {
            return Ok(None);
        };
        let decision: Option<String> = column(&row, "decision")?;
        Ok(Some(StoredDecision {
            id: column(&row, "id")?,
            decision: decision.map(|word| from_code("decision", word)).transpose()?,
            facts: json_column(&row, "inputs")?,
            verdict: json_column(&row, "verdict")?,
            rules_hash: column(&row, "rules_hash")?,
            evidence: super::evidence::read_evidence_ref(&row)?,
            confirmed: column(&row, "confirmed")?,
            evaluator: column(&row, "evaluator")?,
            supersedes: column(&row, "supersedes")?,
            decided_at: column(&row, "decided_at")?,
            recorded_at: column(&row, "recorded_at")?,
            correlation_id: column(&row, "correlation_id")?,
        }))
    }
}
