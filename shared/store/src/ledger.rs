//! The ledger: one row per merge request, each change its next revision, read back after writing.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use model::{LedgerMerge, LedgerRow, MergeRequestKey, Note, Review, ServiceLevel};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::evidence::read_evidence_ref;
use crate::sql::{
    Insert, KEY, STAYS_KNOWN, Statement, column, from_code, json_column, key_columns, optional_code_column,
    user_columns,
};
use crate::tx::{DONE, Queued, Tx};

/// A row as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLedgerRow {
    pub row: LedgerRow,
    /// Its revision, from 1.
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

pub(crate) static LEDGER_ROW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {LEDGER_COLUMNS} FROM security_review_ledger WHERE instance = $1 AND project_id = $2 AND mr_iid = $3"
    )
});

/// Columns that never change.
const KEPT: [&str; 2] = ["id", "recorded_at"];

const MERGED: [(&str, &str); 4] = [
    ("author_id", STAYS_KNOWN),
    ("author_username", STAYS_KNOWN),
    ("read_at", "greatest(stored.?, excluded.?)"),
    ("revision", "stored.revision + 1"),
];

/// The row already has the content that was read.
const TOUCH: &str = "
    UPDATE security_review_ledger SET read_at = $4
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND (read_at IS NULL OR read_at < $4)";

impl<'a> Tx<'a> {
    /// Records that the row was confirmed by GitLab at this time: an older read does not replace it.
    pub fn confirm_ledger_row(&mut self, key: &MergeRequestKey, read_at: Timestamp) -> Queued<'_, 'a, ()> {
        self.queue(Statement::of(key, TOUCH).bind(read_at, Type::TIMESTAMPTZ), DONE)
    }

    /// The merge request's row.
    pub fn ledger_row(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, Option<StoredLedgerRow>> {
        self.queue(Statement::of(key, LEDGER_ROW.as_str()), |answer| {
            answer.rows.first().map(read_ledger_row).transpose()
        })
    }

    /// Writes the row, as the revision after `stored`, and returns it as the database holds it now. Call under the merge request's
    /// lock; the revision is also compared.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the database holds another revision; [`StoreError`].
    pub fn write_ledger_row(
        &mut self,
        new: &LedgerRow,
        stored: Option<&StoredLedgerRow>,
        now: Timestamp,
    ) -> Queued<'_, 'a, StoredLedgerRow> {
        let revision = stored.map_or(0, |stored| stored.revision);
        self.try_queue(upsert(new, revision, now), |answer| {
            let row = answer.rows.first();
            let row = row.ok_or_else(|| StoreError::Conflict("another transaction wrote the ledger row".to_owned()))?;
            read_ledger_row(row)
        })
    }
}

fn upsert(new: &LedgerRow, revision: i64, now: Timestamp) -> Result<Statement, StoreError> {
    let (review, merge, evidence) = (&new.review, new.merge.as_ref(), new.evidence.as_ref());
    let level = review.service_level;
    let mut insert = Insert::into("security_review_ledger")
        .uuid("id", Uuid::now_v7())
        .key(&new.merge_request)
        .int8("mr_id", new.mr_id)
        .text("project_path", &new.project_path)
        .text("title", &new.title)
        .text("web_url", &new.web_url)
        .user("author_id", "author_username", new.author.as_ref())
        .json("reviewers", &new.reviewers)?
        .user(
            "deciding_reviewer_id",
            "deciding_reviewer_username",
            review.deciding_reviewer.as_ref(),
        )
        .text("risk_tier", &review.risk_tier)
        .texts("labels", &review.labels)
        .optional_text("decision", review.decision.map(model::LedgerDecision::as_str))
        .time("decided_at", review.decided_at)
        .time("labelled_at", review.labelled_at)
        .time("approved_at", review.approved_at)
        .optional_text(
            "time_unknown_reason",
            review.time_unknown.map(model::TimeUnknown::as_str),
        )
        .interval("sla_target", level.map(|level| level.target))
        .interval("sla_elapsed", level.and_then(|level| level.elapsed))
        .user(
            "merged_by_id",
            "merged_by_username",
            merge.and_then(|merge| merge.by.as_ref()),
        )
        .optional_text("merge_method", merge.and_then(|merge| merge.method.as_deref()))
        .time("merged_at", merge.map(|merge| merge.at))
        .optional_text("merge_commit_sha", merge.and_then(|merge| merge.commit_sha.as_deref()))
        .optional_text("head_sha", new.head_sha.as_deref())
        .optional_text("proof", review.proof.map(model::Proof::as_str))
        .codes("notes", review.notes.iter().copied().map(Note::as_str).collect())
        .text("rules_hash", &new.rules_hash)
        .uuid("decision_id", new.decision_id)
        .uuid("evidence_id", evidence.map(|evidence| evidence.id))
        .optional_text("evidence_sha256", evidence.map(|evidence| evidence.sha256.as_str()))
        .time("read_at", new.read_at)
        .uuid("correlation_id", new.correlation_id)
        .constant("revision", "1")
        .time("recorded_at", now)
        .time("updated_at", now);
    let revision = insert.parameter(revision, Type::INT8);
    let update = insert.or_update(&KEY, &KEPT, &MERGED);
    Ok(insert.then(&format!(
        "{update} WHERE stored.revision = {revision} RETURNING {LEDGER_COLUMNS}"
    )))
}

pub(crate) fn read_ledger_row(row: &Row) -> Result<StoredLedgerRow, StoreError> {
    let notes: Vec<String> = column(row, "notes")?;
    let millis = |name| column::<Option<i64>>(row, name).map(|millis| millis.map(SignedDuration::from_millis));
    let elapsed = millis("sla_elapsed_ms")?;
    let service_level = millis("sla_target_ms")?.map(|target| ServiceLevel { target, elapsed });
    let merged_at: Option<Timestamp> = column(row, "merged_at")?;
    let merge = match merged_at {
        Some(at) => Some(LedgerMerge {
            by: user_columns(row, "merged_by_id", "merged_by_username")?,
            method: column(row, "merge_method")?,
            at,
            commit_sha: column(row, "merge_commit_sha")?,
        }),
        None => None,
    };
    Ok(StoredLedgerRow {
        row: LedgerRow {
            merge_request: key_columns(row)?,
            mr_id: column(row, "mr_id")?,
            project_path: column(row, "project_path")?,
            title: column(row, "title")?,
            web_url: column(row, "web_url")?,
            author: user_columns(row, "author_id", "author_username")?,
            reviewers: json_column(row, "reviewers")?,
            review: Review {
                decision: optional_code_column(row, "decision")?,
                decided_at: column(row, "decided_at")?,
                deciding_reviewer: user_columns(row, "deciding_reviewer_id", "deciding_reviewer_username")?,
                labels: column(row, "labels")?,
                risk_tier: column(row, "risk_tier")?,
                labelled_at: column(row, "labelled_at")?,
                approved_at: column(row, "approved_at")?,
                time_unknown: optional_code_column(row, "time_unknown_reason")?,
                service_level,
                proof: optional_code_column(row, "proof")?,
                notes: notes
                    .into_iter()
                    .map(|note| from_code("notes", note))
                    .collect::<Result<_, _>>()?,
            },
            merge,
            head_sha: column(row, "head_sha")?,
            rules_hash: column(row, "rules_hash")?,
            decision_id: column(row, "decision_id")?,
            evidence: read_evidence_ref(row)?,
            read_at: column(row, "read_at")?,
            correlation_id: column(row, "correlation_id")?,
        },
        revision: column(row, "revision")?,
        recorded_at: column(row, "recorded_at")?,
        updated_at: column(row, "updated_at")?,
    })
}
