//! The ledger's row: made from the facts, written in the delivery's transaction, read back, and told to the audit trail.

use audit::{Action, Context, Entry, Outcome, Target};
use model::{
    Decision, EffectKind, EvidenceRef, Facts, LedgerMerge, LedgerRow, MergeRequestKey, Review, TimeUnknown, Verdict,
    WitnessA,
};
use rules::{Rules, review_of_merge};
use store::{NewEffect, StoreError, StoredDecision, StoredLedgerRow, Tx};
use uuid::Uuid;

use crate::judgement::Judgement;
use crate::told::Told;
use crate::{ENQUEUE_GRACE, Evaluator};

impl Evaluator {
    /// Brings the row to what the verdict on the merge says.
    pub(crate) async fn ledger_of_merge(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        (facts, verdict): (&Facts, &Verdict),
        (decision_id, evidence): (Uuid, Option<EvidenceRef>),
        rules: &Rules,
    ) -> Result<Option<StoredLedgerRow>, StoreError> {
        let standing = tx.ledger_row(&facts.merge_request).await?;
        let review = match (review_of_merge(facts, verdict, rules), &standing) {
            (Some(review), _) => review,
            // A label had been seen, and GitLab says that there was none: the row stays, and says that nothing was to be decided.
            (None, Some(standing)) => Review {
                decision: None,
                decided_at: None,
                deciding_reviewer: None,
                time_unknown: Some(TimeUnknown::NoDecision),
                service_level: None,
                proof: None,
                ..standing.row.review.clone()
            },
            (None, None) => return Ok(None),
        };
        let row = LedgerRow {
            decision_id: Some(decision_id),
            evidence,
            ..ledger_row(facts, review, true, standing.as_ref(), context, rules)
        };
        if standing
            .as_ref()
            .is_some_and(|standing| standing.row.says_the_same(&row))
        {
            return Ok(None);
        }
        self.write_ledger(tx, &row, standing.as_ref()).await.map(Some)
    }

    /// After a late event that did not change the verdict: its times may be known better now. Under other rules nothing is touched.
    pub(crate) async fn refresh_ledger(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: &Facts,
        standing: &StoredDecision,
    ) -> Result<Option<StoredLedgerRow>, StoreError> {
        if standing.rules_hash != self.rules.hash {
            return Ok(None);
        }
        let decision = (standing.id, standing.evidence.clone());
        self.ledger_of_merge(tx, context, (facts, &standing.verdict), decision, &self.rules)
            .await
    }

    /// Writes a row and makes sure that the database has it as it was meant.
    pub(crate) async fn write_ledger(
        &self,
        tx: &mut Tx<'_>,
        row: &LedgerRow,
        standing: Option<&StoredLedgerRow>,
    ) -> Result<StoredLedgerRow, StoreError> {
        let written = tx.write_ledger_row(row, standing, self.clock.now()).await?;
        if written.row.review.decision != row.review.decision || written.row.decision_id != row.decision_id {
            return Err(StoreError::Rejected(
                "the ledger's row was not written as it was given".to_owned(),
            ));
        }
        Ok(written)
    }

    /// What follows from a row that was written: its event, if there is a bus, and what the audit trail is told.
    pub(crate) async fn keep_written(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        judgement: &mut Judgement,
        written: Option<StoredLedgerRow>,
    ) -> Result<(), StoreError> {
        if let (Some(written), Some(bus)) = (&written, &self.event_bus) {
            let event = NewEffect {
                kind: EffectKind::LedgerRowEvent,
                destination: format!("eventbridge:{bus}"),
                exception_id: None,
                ledger_revision: Some(written.revision),
                decision_id: None,
                merge_request: written.row.merge_request.clone(),
                correlation_id: context.correlation_id,
                traceparent: context.traceparent.clone(),
                created_at: self.clock.now(),
                grace: ENQUEUE_GRACE,
            };
            judgement.effects.extend(tx.insert_effect(&event).await?);
        }
        judgement.ledger = written;
        Ok(())
    }

    /// The rules file itself is kept with the first decision that it makes.
    pub(crate) async fn keep_rules(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.keep_rules(&self.rules.hash, &self.rules.source, self.clock.now())
            .await
    }

    /// To be called right before the commit.
    pub(crate) fn announce_ledger(&self, context: &Context, written: &StoredLedgerRow) {
        self.audit.announce(&entry(context, written));
    }

    /// To be called right after it.
    pub(crate) fn audit_ledger(&self, context: &Context, written: &StoredLedgerRow) {
        self.audit.write(&entry(context, written));
    }

    /// The row, if this very delivery wrote it when it came before: whoever took it in may have died before telling.
    pub(crate) async fn ledger_written_before(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        key: &MergeRequestKey,
    ) -> Result<Option<StoredLedgerRow>, StoreError> {
        let row = tx.ledger_row(key).await?;
        Ok(row.filter(|written| written.row.correlation_id == context.correlation_id))
    }
}

/// The row as it stands in the trail: told twice, it is the same entry.
fn entry(context: &Context, written: &StoredLedgerRow) -> Entry {
    let (row, review) = (&written.row, &written.row.review);
    let time = |at: Option<jiff::Timestamp>| at.map(|at| format!("{at:.3}"));
    let seconds = |to: Option<jiff::Timestamp>| {
        let took = to.zip(review.labelled_at).map(|(to, from)| to.duration_since(from));
        took.filter(|took| !took.is_negative()).map(|took| took.as_secs_f64())
    };
    let level = review.service_level;
    Entry::new(
        Action::LedgerRecordUpsert,
        context,
        Target::merge_request(&row.merge_request),
        Outcome::Success,
    )
    .keyed(
        written.updated_at,
        format!("ledger/{}/{}", row.merge_request, written.revision),
    )
    .detail("revision", written.revision)
    .detail("decision", review.decision.map(Decision::as_str))
    .detail("decided_at", time(review.decided_at))
    .detail(
        "deciding_reviewer_id",
        review.deciding_reviewer.as_ref().map(|user| user.id.0),
    )
    .detail(
        "deciding_reviewer",
        review.deciding_reviewer.as_ref().map(|user| user.username.clone()),
    )
    .detail("risk_tier", review.risk_tier.clone())
    .detail("labels", review.labels.join(", "))
    .detail("labelled_at", time(review.labelled_at))
    .detail("approved_at", time(review.approved_at))
    .detail("time_to_approval_s", seconds(review.approved_at))
    .detail("time_to_decision_s", seconds(review.decided_at))
    .detail("time_unknown_reason", review.time_unknown.map(TimeUnknown::as_str))
    .detail("sla_target_s", level.map(|level| level.target.as_secs_f64()))
    .detail(
        "sla_elapsed_s",
        level
            .and_then(|level| level.elapsed)
            .map(|elapsed| elapsed.as_secs_f64()),
    )
    .detail("project_path", row.project_path.clone())
    .detail("title", row.title.clone())
    .detail("author", row.author.as_ref().map(|user| user.username.clone()))
    .detail(
        "merged_by",
        row.merge
            .as_ref()
            .and_then(|merge| merge.by.as_ref())
            .map(|user| user.username.clone()),
    )
    .detail("merged_at", time(row.merge.as_ref().map(|merge| merge.at)))
    .detail(
        "merge_commit_sha",
        row.merge.as_ref().and_then(|merge| merge.commit_sha.clone()),
    )
    .detail("head_sha", row.head_sha.clone())
    .detail("proof", review.proof.map(model::Proof::as_str))
    .detail("rules_hash", row.rules_hash.clone())
    .detail("decision_id", row.decision_id)
    .detail(
        "evidence_sha256",
        row.evidence.as_ref().map(|evidence| evidence.sha256.clone()),
    )
}

/// The row of these facts, without its decision.
pub(crate) fn ledger_row(
    facts: &Facts,
    review: Review,
    is_merged: bool,
    standing: Option<&StoredLedgerRow>,
    context: &Context,
    rules: &Rules,
) -> LedgerRow {
    let told = Told::of(facts);
    let (reviewers, read_at) = match &facts.api {
        WitnessA::Answer(api) => (api.reviewers.known().cloned(), Some(api.read_at)),
        _ => (None, None),
    };
    // What this reading does not tell is not forgotten.
    let known = standing.map(|standing| &standing.row);
    let text = |told: String, known: Option<&String>| match known {
        Some(known) if told.is_empty() => known.clone(),
        _ => told,
    };
    LedgerRow {
        merge_request: facts.merge_request.clone(),
        mr_id: told.mr_id,
        project_path: text(told.project_path, known.map(|known| &known.project_path)),
        title: text(told.title, known.map(|known| &known.title)),
        web_url: text(told.url, known.map(|known| &known.web_url)),
        author: told.author.or_else(|| known?.author.clone()),
        reviewers: reviewers.or_else(|| Some(known?.reviewers.clone())).unwrap_or_default(),
        merge: is_merged.then(|| LedgerMerge {
            by: told.merged_by,
            method: match &facts.api {
                WitnessA::Answer(api) => api.merge.merge_method.clone(),
                _ => None,
            },
            at: rules::stored_precision(told.merged_at),
            commit_sha: told.merge_commit_sha,
        }),
        head_sha: told.head_sha.or_else(|| known?.head_sha.clone()),
        review,
        rules_hash: rules.hash.clone(),
        decision_id: None,
        evidence: None,
        read_at,
        correlation_id: context.correlation_id,
    }
}
