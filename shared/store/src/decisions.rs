//! Decisions: per merge request one append-only chain, each with the whole input of its verdict.

use jiff::Timestamp;
use model::{EvidenceRef, Facts, LedgerDecision, MergeRequestKey, Note, Review, Verdict, VerdictOutcome};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::evidence::read_evidence_ref;
use crate::sql::reason_codes;
use crate::sql::{Insert, Statement, column, json_column, optional_code_column};
use crate::tx::{DONE, ID, Queued, Tx};

/// A decision to append. Its merge request is the one of its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// The input of the verdict.
    pub facts: Facts,
    /// The verdict; never a pending one.
    pub verdict: Verdict,
    /// The ledger's side of it; `None`: nothing to review.
    pub review: Option<Review>,
    /// The rules it was decided by (SHA-256, hex).
    pub rules_hash: String,
    /// Its evidence; `None`: nothing to review.
    pub evidence: Option<EvidenceRef>,
    /// Every needed read of GitLab was answered.
    pub confirmed: bool,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// The merge time, if GitLab returned it.
    pub merged_at: Option<Timestamp>,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    /// The decision that this one corrects; `None` for the first of a merge request.
    pub supersedes: Option<Uuid>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When it is written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

/// A decision before the merge, to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReviewDecision {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// The input of the verdict.
    pub facts: Facts,
    /// The verdict as if it had been merged then.
    pub verdict: Verdict,
    /// The state of the review.
    pub review: Review,
    /// The rules it was decided by (SHA-256, hex).
    pub rules_hash: String,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    pub supersedes: Option<Uuid>,
    /// When it was decided and written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

/// The end of a merge request's chain of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionHead {
    pub id: Uuid,
    /// It is the verdict on the merge.
    pub is_merge: bool,
}

/// A decision on a merge as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// The ledger decision; `None`: no security label was set.
    pub decision: Option<LedgerDecision>,
    /// The input of the verdict.
    pub facts: Facts,
    pub verdict: Verdict,
    /// The rules it was decided by (SHA-256, hex).
    pub rules_hash: String,
    pub evidence: Option<EvidenceRef>,
    /// Confirmed, and so frozen. One from before this was recorded counts as confirmed if it holds GitLab's answer.
    pub confirmed: bool,
    /// The version of the rules code that made it.
    pub evaluator: i16,
    /// The decision that this one corrected.
    pub supersedes: Option<Uuid>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

const TABLE: &str = "security_review_decisions";

const KEEP_RULES: &str = "
    INSERT INTO rules_files (hash, content, first_used_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";

const DECISION_COLUMNS: &str = "
    id, decision, inputs, verdict, rules_hash, supersedes, decided_at, recorded_at, correlation_id, evidence_id, evidence_sha256,
    coalesce(confirmed, inputs -> 'api' ?| ARRAY['answer', 'not_asked']) AS confirmed, evaluator";

/// The whole chain, newest first. Everything is read only for the current decision on a merge: inputs are long, and reading one
/// costs the server far more than its row.
pub(crate) const CHAIN: &str = "
    SELECT chain.id, chain.stage, later.id IS NULL AS is_head, chain.evidence_id, chain.evidence_sha256, chain.decision,
        CASE WHEN later.id IS NULL AND chain.stage = 'merge' THEN chain.inputs
             WHEN row_number() OVER (ORDER BY chain.id DESC) <= 20 THEN chain.inputs || '{\"history\": []}'::jsonb END AS inputs,
        CASE WHEN later.id IS NULL THEN chain.verdict END AS verdict, chain.rules_hash, chain.supersedes, chain.decided_at,
        chain.recorded_at, chain.correlation_id, chain.evaluator,
        CASE WHEN later.id IS NULL
             THEN coalesce(chain.confirmed, chain.inputs -> 'api' ?| ARRAY['answer', 'not_asked']) END AS confirmed
    FROM security_review_decisions AS chain LEFT JOIN security_review_decisions AS later ON later.supersedes = chain.id
    WHERE chain.instance = $1 AND chain.project_id = $2 AND chain.mr_iid = $3
    ORDER BY chain.id DESC";

const CURRENT: &str = "
    FROM security_review_decisions AS latest
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND stage = 'merge'
        AND NOT EXISTS (SELECT FROM security_review_decisions AS later WHERE later.supersedes = latest.id)";

impl<'a> Tx<'a> {
    /// Appends a decision and returns its id. Hold [`Tx::lock_merge_request`] from reading the current one until the commit.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] for a pending verdict, for a second first decision of one merge request, and for one that
    /// supersedes a decision already superseded or of another merge request.
    pub fn append_decision(&mut self, new: &NewDecision) -> Queued<'_, 'a, Uuid> {
        self.try_queue(new.statement(), ID)
    }

    /// Appends a decision made before the merge, and returns its id. Hold [`Tx::lock_merge_request`].
    ///
    /// # Errors
    /// [`StoreError::Rejected`] as [`Tx::append_decision`].
    pub fn append_review(&mut self, new: &NewReviewDecision) -> Queued<'_, 'a, Uuid> {
        self.try_queue(new.statement(), ID)
    }

    /// Keeps a rules file, so that its decisions can be recomputed. Repeatable.
    pub fn keep_rules(&mut self, hash: &str, content: &str, now: Timestamp) -> Queued<'_, 'a, ()> {
        let statement = Statement::new(KEEP_RULES).bind_text(hash).bind_text(content);
        self.queue(statement.bind(now, Type::TIMESTAMPTZ), DONE)
    }

    /// The rules file with this hash, if it made a decision.
    pub async fn rules_file(&mut self, hash: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT content FROM rules_files WHERE hash = $1";
        let row = self.query_opt(sql, &[(&hash, Type::TEXT)]).await?;
        row.map(|row| column(&row, "content")).transpose()
    }

    /// The current decision on the merge: the one of the merge request's chain that nothing supersedes.
    pub fn current_decision(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, Option<StoredDecision>> {
        let statement = Statement::of(key, format!("SELECT {DECISION_COLUMNS} {CURRENT}"));
        self.queue(statement, |answer| answer.rows.first().map(read_decision).transpose())
    }
}

impl NewDecision {
    fn statement(&self) -> Result<Statement, StoreError> {
        let verdict = &self.verdict;
        let (outcome, kind, proof) = match &verdict.outcome {
            VerdictOutcome::NotCarried => ("not_carried", None, None),
            VerdictOutcome::Declassified => ("declassified", None, None),
            VerdictOutcome::Approved { proof } => ("approved", None, Some(proof.as_str())),
            VerdictOutcome::Exception { kind } => ("exception", Some(kind.as_str()), None),
            VerdictOutcome::Pending { .. } => {
                return Err(StoreError::Rejected(
                    "a pending verdict is not a decision; store it as an evaluation".to_owned(),
                ));
            }
        };
        let decision = LedgerDecision::of_merge(&verdict.outcome).map(LedgerDecision::as_str);
        let insert = Insert::into(TABLE)
            .uuid("id", self.id)
            .key(&self.facts.merge_request)
            .constant("stage", "'merge'")
            .optional_text("decision", decision)
            .text("outcome", outcome)
            .optional_text("kind", kind)
            .optional_text("proof", proof)
            .json("reasons", &verdict.reasons)?
            .codes("reason_codes", reason_codes(&verdict.reasons))
            .codes("notes", note_codes(&verdict.notes))
            .json("inputs", &self.facts)?
            .json("verdict", verdict)?
            .optional_json("review", self.review.as_ref())?
            .text("rules_hash", &self.rules_hash)
            .uuid("supersedes", self.supersedes)
            .uuid("evidence_id", self.evidence.as_ref().map(|evidence| evidence.id))
            .optional_text(
                "evidence_sha256",
                self.evidence.as_ref().map(|evidence| evidence.sha256.as_str()),
            )
            .bool("confirmed", self.confirmed)
            .value("evaluator", self.evaluator, Type::INT2)
            .time("merged_at", self.merged_at)
            .optional_text("merge_commit_sha", self.merge_commit_sha.as_deref())
            .time("decided_at", self.decided_at)
            .time("recorded_at", self.recorded_at)
            .uuid("correlation_id", self.correlation_id);
        Ok(insert.then("RETURNING id"))
    }
}

impl NewReviewDecision {
    fn statement(&self) -> Result<Statement, StoreError> {
        let insert = Insert::into(TABLE)
            .uuid("id", self.id)
            .key(&self.facts.merge_request)
            .constant("stage", "'review'")
            .optional_text("decision", self.review.decision.map(LedgerDecision::as_str))
            .constant("reasons", "'[]'")
            .constant("reason_codes", "'{}'")
            .codes("notes", note_codes(&self.review.notes))
            .json("inputs", &self.facts)?
            .json("verdict", &self.verdict)?
            .json("review", &self.review)?
            .text("rules_hash", &self.rules_hash)
            .uuid("supersedes", self.supersedes)
            .value("evaluator", self.evaluator, Type::INT2)
            .time("decided_at", self.recorded_at)
            .time("recorded_at", self.recorded_at)
            .uuid("correlation_id", self.correlation_id);
        Ok(insert.then("RETURNING id"))
    }
}

fn note_codes(notes: &[Note]) -> Vec<&'static str> {
    notes.iter().copied().map(Note::as_str).collect()
}

pub(crate) fn read_decision(row: &Row) -> Result<StoredDecision, StoreError> {
    Ok(StoredDecision {
        id: column(row, "id")?,
        decision: optional_code_column(row, "decision")?,
        facts: json_column(row, "inputs")?,
        verdict: json_column(row, "verdict")?,
        rules_hash: column(row, "rules_hash")?,
        evidence: read_evidence_ref(row)?,
        confirmed: column(row, "confirmed")?,
        evaluator: column(row, "evaluator")?,
        supersedes: column(row, "supersedes")?,
        decided_at: column(row, "decided_at")?,
        recorded_at: column(row, "recorded_at")?,
        correlation_id: column(row, "correlation_id")?,
    })
}
