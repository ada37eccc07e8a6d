//! From facts to rows: judges, and writes what follows within the caller's transaction.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{
    Effect, EffectKind, ExceptionStatus, Facts, Kind, Outcome as VerdictOutcome, SecurityReviewException, Verdict,
    WitnessA,
};
use rules::{evaluate, review_of_merge};
use store::{NewDecision, NewEffect, PendingEvaluation, StoreError, StoredDecision, StoredLedgerRow, Tx};
use uuid::Uuid;

use crate::report::Written;
use crate::told::Told;
use crate::{ENQUEUE_GRACE, Evaluator, Outcome};

/// Waits between attempts at an unreadable GitLab: half a minute at first, doubling, at most this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// What a judgement wrote; told to the audit trail after the commit.
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    pub(crate) effects: Vec<Effect>,
    pub(crate) exception: Option<Written>,
    pub(crate) ledger: Option<StoredLedgerRow>,
}

impl From<Outcome> for Judgement {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            effects: Vec::new(),
            exception: None,
            ledger: None,
        }
    }
}

impl Evaluator {
    /// Judges a merge that has no decision yet, or was pending, or whose decision is to be corrected.
    pub(crate) async fn judge(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: Facts,
        attempts: i32,
    ) -> Result<Judgement, StoreError> {
        let verdict = evaluate(&facts, &self.rules);
        if let (WitnessA::NotMerged(because), true) = (&facts.api, facts.deadline_passed) {
            // GitLab denies the merge to the end. Nothing is decided, so that the real merge, should it come, is judged.
            tracing::warn!(merge_request = %facts.merge_request, because, "a delivery told of a merge that GitLab does not show");
            tx.finish_evaluation(&facts.merge_request, self.clock.now()).await?;
            return Ok(Outcome::NotMerged.into());
        }
        if let VerdictOutcome::Pending { because } = &verdict.outcome {
            let because = because.clone();
            self.keep_pending(tx, context, &facts, &because, attempts).await?;
            return Ok(Outcome::Pending { because }.into());
        }
        self.write(tx, context, facts, verdict).await
    }

    /// Judges a merge on GitLab's word where no decision stands, or one that was made without it.
    pub(crate) async fn judge_anew(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: Facts,
        standing: Option<StoredDecision>,
    ) -> Result<Judgement, StoreError> {
        let verdict = evaluate(&facts, &self.rules);
        let nothing_new = standing.as_ref().is_some_and(|standing| match verdict.outcome {
            // An exception stands; that GitLab is still not readable makes nothing better or worse.
            VerdictOutcome::Pending { .. } => standing.verdict.exception().is_some(),
            _ => standing.verdict == verdict,
        });
        if nothing_new {
            return Ok(Outcome::Unchanged.into());
        }
        self.judge(tx, context, facts, 0).await
    }

    /// Weighs a late event against the verdict that stands: the same answer of GitLab, the history as it is now.
    pub(crate) async fn weigh_again(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        standing: StoredDecision,
        history: Vec<model::HistoryEvent>,
    ) -> Result<Judgement, StoreError> {
        let facts = Facts {
            history,
            ..standing.facts.clone()
        };
        let verdict = evaluate(&facts, &self.rules);
        // Compared under the same rules, so that a change of rules alone never reopens what was decided.
        if verdict == evaluate(&standing.facts, &self.rules) {
            let mut judgement = Judgement::from(Outcome::Unchanged);
            let written = self.refresh_ledger(tx, context, &facts, &standing).await?;
            self.keep_written(tx, context, &mut judgement, written).await?;
            return Ok(judgement);
        }
        self.judge(tx, context, facts, 0).await
    }

    async fn keep_pending(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: &Facts,
        because: &str,
        attempts: i32,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let deadline = SignedDuration::from_mins(i64::from(self.rules.verify_deadline_minutes));
        let pending = PendingEvaluation {
            merge_request: facts.merge_request.clone(),
            trigger: facts.trigger.clone(),
            reason: because.to_owned(),
            attempts,
            next_attempt_at: later(now, wait(attempts, LONGEST_WAIT).min(deadline)),
            deadline_at: later(now, deadline),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent.clone(),
        };
        tx.upsert_evaluation(&pending, now).await
    }

    async fn write(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: Facts,
        verdict: Verdict,
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        let key = facts.merge_request.clone();
        self.keep_rules(tx).await?;
        let head = tx.decision_head(&key).await?;
        let standing = match head {
            Some(head) if head.is_merge => tx.latest_decision(&key).await?,
            _ => None,
        };
        let review = review_of_merge(&facts, &verdict, &self.rules);
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
                rules_hash: self.rules.hash.clone(),
                supersedes: head.map(|head| head.id),
                decided_at: now,
                recorded_at: now,
                correlation_id: context.correlation_id,
            })
            .await?;
        let mut judgement = Judgement::from(Outcome::Judged(Box::new(verdict.clone())));
        let written = self
            .ledger_of_merge(tx, context, (&facts, &verdict), (decision, evidence))
            .await?;
        self.keep_written(tx, context, &mut judgement, written).await?;
        let archive = self
            .archive(tx, context, (&facts, &verdict), decision, standing.as_ref())
            .await?;
        let because = format!("decision {decision} withdrew the exception");
        let decision = (now, decision);
        if let Some(kind) = verdict.exception() {
            let first = tx.exception(&key).await?.is_none();
            let exception = self.exception(&facts, &verdict, kind, context.correlation_id, now);
            let id = tx.upsert_exception(&exception).await?;
            judgement.exception = Some(Written {
                id,
                ..Written::of(&exception, Some(kind), first, decision)
            });
            judgement
                .effects
                .extend(tx.insert_effect(&self.alert(&key, id, context, now)).await?);
        } else if let Some(id) = tx.withdraw_exception(&key, now).await? {
            tx.supersede_effects(id, &because, now).await?;
            let withdrawn = tx.exception(&key).await?;
            judgement.exception = withdrawn.map(|exception| Written::of(&exception, None, false, decision));
        }
        judgement.effects.extend(archive);
        tx.finish_evaluation(&key, now).await?;
        tx.finish_pending_review(&key, None, now).await?;
        Ok(judgement)
    }

    fn alert(&self, key: &model::MergeRequestKey, exception_id: Uuid, context: &Context, now: Timestamp) -> NewEffect {
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

    fn exception(
        &self,
        facts: &Facts,
        verdict: &Verdict,
        kind: Kind,
        correlation_id: Uuid,
        now: Timestamp,
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
            rules_hash: self.rules.hash.clone(),
            status: ExceptionStatus::Open,
            recorded_at: now,
            correlation_id,
        }
    }
}

pub(crate) fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(from)
}

pub(crate) fn wait(attempts: i32, longest: SignedDuration) -> SignedDuration {
    let doublings = u32::try_from(attempts.clamp(0, 8)).unwrap_or(0);
    SignedDuration::from_secs(30_i64 << doublings).min(longest)
}
