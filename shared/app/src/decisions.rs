//! A decision on a merge and its consequences.

use store::{NewDecision, StoreError, Tx};

use crate::commit::PendingCommit;
use crate::merge::Merge;
use crate::{App, DeliveryOutcome};

/// Appends a decision and writes its consequences.
pub(crate) async fn persist_verdict(
    app: &App,
    tx: &mut Tx<'_>,
    merge: &Merge<'_>,
    confirmed: bool,
) -> Result<PendingCommit, StoreError> {
    let Merge { facts, verdict, .. } = *merge;
    let mut pending = PendingCommit::from(DeliveryOutcome::Decided(Box::new(verdict.clone())));
    // 1. Its rules and evidence, even if it turns out that there was nothing to review.
    pending.keeps_rules = app.keep_rules(tx)?;
    let has_evidence = merge.review.is_some() || merge.state.head.is_some();
    let evidence = if has_evidence {
        Some(crate::evidence::keep_evidence(tx, merge)?)
    } else {
        None
    };
    // 2. The decision.
    let decision = NewDecision {
        id: merge.decision_id,
        facts: facts.clone(),
        verdict: verdict.clone(),
        review: merge.review.clone(),
        evidence: evidence.clone(),
        rules_hash: merge.rules.hash.clone(),
        confirmed,
        evaluator: rules::EVALUATOR,
        merged_at: facts.api.merged_at(),
        merge_commit_sha: facts.snapshot().merge_commit_sha,
        supersedes: merge.state.head.map(|head| head.id),
        decided_at: merge.now,
        recorded_at: merge.now,
        correlation_id: merge.context.correlation_id,
    };
    tx.append_decision(&decision).later()?;
    // 3. The ledger row and its event.
    crate::ledger::write_row_of_merge(app, tx, merge, merge.decision_id, evidence, &mut pending)?;
    // 4. The exception and its alert; then the effects for the trackers, the audit page and the pod.
    crate::exceptions::persist_exception(app, tx, merge, &mut pending).await?;
    pending
        .new_effects
        .extend(crate::effects::plan_effects(app, tx, merge).await?);
    Ok(pending)
}

impl App {
    /// Keeps the rules file with the first decision of each database connection, because a fail-over may lose the last rows. If it
    /// does, returns how many connections were opened so far.
    pub(crate) fn keep_rules(&self, tx: &mut Tx<'_>) -> Result<Option<u64>, StoreError> {
        let opened = self.store.connections_opened();
        if self.rules_kept.load(std::sync::atomic::Ordering::Relaxed) == opened {
            return Ok(None);
        }
        let rules = &self.rules;
        tx.keep_rules(&rules.hash, &rules.source, self.now()).later()?;
        Ok(Some(opened))
    }
}
