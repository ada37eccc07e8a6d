//! A decision and everything that follows from it, written in one transaction.

use audit::Context;
use jiff::Timestamp;
use model::{EffectKind, ExceptionStatus, Facts, Kind, MergeRequestKey, SecurityReviewException, Verdict};
use rules::{Rules, review_of_merge};
use store::{NewDecision, NewEffect, StoreError, Tx};
use uuid::Uuid;

use super::Judgement;
use crate::report::Written;
use crate::told::Told;
use crate::{ENQUEUE_GRACE, Evaluator, Outcome};

impl Evaluator {
    /// Appends a decision and everything that follows from it.
    pub(super) async fn write(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        (facts, verdict): (Facts, Verdict),
        confirmed: bool,
        rules: &Rules,
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        let key = facts.merge_request.clone();
        // 1. The decision, with the evidence and the rules that it rests on.
        self.keep_rules(tx).await?;
        let head = tx.decision_head(&key).await?;
        let previous = match head {
            Some(head) if head.is_merge => tx.latest_decision(&key).await?,
            _ => None,
        };
        let review = review_of_merge(&facts, &verdict, rules);
        // Also where it turns out that nothing was to be reviewed after all.
        let evidence = if review.is_some() || head.is_some() {
            Some(self.keep_evidence(tx, context, &facts).await?)
        } else {
            None
        };
        let decision = tx
            .append_decision(&NewDecision {
                facts: facts.clone(),
                verdict: verdict.clone(),
                review,
                evidence: evidence.clone(),
                rules_hash: rules.hash.clone(),
                confirmed,
                evaluator: rules::EVALUATOR,
                merged_at: rules::merged_at_of(&facts.api),
                merge_commit_sha: Told::of(&facts).merge_commit_sha,
                supersedes: head.map(|head| head.id),
                decided_at: now,
                recorded_at: now,
                correlation_id: context.correlation_id,
            })
            .await?;
        // 2. The ledger.
        let mut judgement = Judgement::from(Outcome::Judged(Box::new(verdict.clone())));
        let written = self
            .ledger_of_merge(tx, context, (&facts, &verdict), (decision, evidence), rules)
            .await?;
        self.keep_written(tx, context, &mut judgement, written).await?;
        // 3. The archive's effects, then the exception and its alert.
        let archive = self
            .archive(tx, context, (&facts, &verdict), decision, previous.as_ref())
            .await?;
        self.write_exception(tx, context, &mut judgement, (&facts, &verdict), (now, decision), rules)
            .await?;
        judgement.effects.extend(archive);
        Ok(judgement)
    }

    async fn write_exception(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        judgement: &mut Judgement,
        (facts, verdict): (&Facts, &Verdict),
        decision: (Timestamp, Uuid),
        rules: &Rules,
    ) -> Result<(), StoreError> {
        let (now, decision_id) = decision;
        let key = &facts.merge_request;
        let Some(kind) = verdict.exception() else {
            let Some(id) = tx.withdraw_exception(key, now).await? else {
                return Ok(());
            };
            tx.supersede_effects(id, &format!("decision {decision_id} withdrew the exception"), now)
                .await?;
            let correction = self.correction(key, id, decision_id, context, now);
            judgement.effects.extend(tx.insert_effect(&correction).await?);
            let withdrawn = tx.exception(key).await?;
            judgement.exception = withdrawn.map(|exception| Written::of(&exception, None, false, decision));
            return Ok(());
        };
        let before = tx.exception(key).await?;
        let exception = exception_of(facts, verdict, kind, context.correlation_id, now, rules);
        let id = tx.upsert_exception(&exception).await?;
        judgement.exception = Some(Written {
            id,
            ..Written::of(&exception, Some(kind), before.is_none(), decision)
        });
        let alert = tx.insert_effect(&self.alert(key, id, context, now)).await?;
        // An alert that was sent is corrected; one that is sent now shows the exception as it is.
        let corrected = before.filter(|before| before.status == ExceptionStatus::Withdrawn || before.kind != kind);
        if alert.is_none() && corrected.is_some() {
            let correction = self.correction(key, id, decision_id, context, now);
            judgement.effects.extend(tx.insert_effect(&correction).await?);
        }
        judgement.effects.extend(alert);
        Ok(())
    }

    /// The security lead hears of it when an exception is withdrawn, reopened or changes its kind.
    fn correction(
        &self,
        key: &MergeRequestKey,
        exception_id: Uuid,
        decision_id: Uuid,
        context: &Context,
        now: Timestamp,
    ) -> NewEffect {
        NewEffect {
            kind: EffectKind::SlackExceptionUpdate,
            decision_id: Some(decision_id),
            ..self.alert(key, exception_id, context, now)
        }
    }

    fn alert(&self, key: &MergeRequestKey, exception_id: Uuid, context: &Context, now: Timestamp) -> NewEffect {
        NewEffect {
            kind: EffectKind::SlackExceptionAlert,
            destination: format!("slack:{}", self.rules.slack.security_lead_channel),
            exception_id: Some(exception_id),
            ledger_revision: None,
            decision_id: None,
            merge_request: key.clone(),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent.clone(),
            created_at: now,
            grace: ENQUEUE_GRACE,
        }
    }
}

/// The exception as this decision leaves it.
fn exception_of(
    facts: &Facts,
    verdict: &Verdict,
    kind: Kind,
    correlation_id: Uuid,
    now: Timestamp,
    rules: &Rules,
) -> SecurityReviewException {
    let told = Told::of(facts);
    SecurityReviewException {
        id: Uuid::now_v7(),
        merge_request: facts.merge_request.clone(),
        project_path: told.project_path,
        mr_id: told.mr_id,
        title: told.title,
        url: told.url,
        author: told.author,
        merged_by: told.merged_by,
        labels: verdict.security_labels.clone(),
        risk_tier: verdict.risk_tier.clone(),
        kind,
        reasons: verdict.reasons.clone(),
        approvals: verdict.approvals.clone(),
        merged_at: told.merged_at,
        merge_commit_sha: told.merge_commit_sha,
        head_sha: told.head_sha,
        rules_hash: rules.hash.clone(),
        status: ExceptionStatus::Open,
        recorded_at: now,
        correlation_id,
    }
}
