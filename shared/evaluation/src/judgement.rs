//! From facts to rows: decides, and writes what follows within the caller's transaction.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{
    EarlierFacts, Effect, EffectKind, ExceptionStatus, Facts, Kind, MergeRequestKey, MergeTrigger,
    SecurityReviewException, Verdict, WitnessA,
};
use rules::{CurrentDecision, Rules, Ruling, review_of_merge};
use store::{
    Evaluation, EvaluationSource, EvaluationState, NewDecision, NewEffect, StoreError, StoredDecision, StoredLedgerRow,
    Tx,
};
use uuid::Uuid;

use crate::known::Known;
use crate::report::Written;
use crate::told::Told;
use crate::{ENQUEUE_GRACE, Evaluator, Outcome};

/// Waits between readings of a pending merge: half a minute at first, doubling, at most this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// An event that shows a merge waits this long, so that the merge's own delivery goes first.
const REAL_DELIVERY_FIRST: SignedDuration = SignedDuration::from_mins(1);

/// What a judgement wrote; reported to the audit log after the commit.
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

/// What led to a reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// When the merge was shown first, if nothing is stored of it.
    pub(crate) first_seen_at: Timestamp,
    /// What showed it.
    pub(crate) source: EvaluationSource,
    /// Readings so far.
    pub(crate) attempts: i32,
    /// Not the first reading.
    pub(crate) reread: bool,
}

impl Evaluator {
    /// What follows from a reading of a merge.
    pub(crate) async fn after_reading(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        mut facts: Facts,
        known: &Known,
        seen: Seen,
    ) -> Result<Judgement, StoreError> {
        let key = facts.merge_request.clone();
        let now = self.clock.now();
        let source = known
            .evaluation
            .as_ref()
            .filter(|evaluation| evaluation.state != EvaluationState::Done);
        let first_seen_at = source
            .and_then(|evaluation| evaluation.first_seen_at)
            .unwrap_or(seen.first_seen_at);
        let is_merge_event = seen.source == EvaluationSource::MergeEvent;
        let source = if is_merge_event {
            seen.source
        } else {
            source.map_or(seen.source, |evaluation| evaluation.source)
        };
        // 1. What an event or a review showed long after the merge is not decided: it is from before the watch.
        let passing = matches!(source, EvaluationSource::OtherEvent | EvaluationSource::Review);
        if passing && known.decision.is_none() && is_before_watch(&facts, first_seen_at) {
            tx.finish_evaluation(&key, true, now).await?;
            return Ok(Outcome::BeforeWatch.into());
        }
        // 2. What the rules say.
        if known.is_denied() {
            // The deadline is long past; nothing is decided unless GitLab shows the merge.
            facts.deadline_passed = true;
        }
        let current = known.decision.as_ref().map(|decision| CurrentDecision {
            facts: &decision.facts,
            verdict: &decision.verdict,
            confirmed: decision.confirmed,
        });
        let mut ruling = rules::after_reading(&facts, current, &self.rules);
        if known.is_denied()
            && let (Ruling::Decide { confirmed: false, .. }, false) =
                (&ruling, matches!(facts.api, WitnessA::Answer(_)))
        {
            ruling = Ruling::Denied {
                because: "GitLab does not show the merge".to_owned(),
            };
        }
        // 3. What is written.
        let mut evaluation = self.evaluation(context, &facts, known, first_seen_at);
        evaluation.source = source;
        evaluation.last_read_at = seen.reread.then_some(now);
        self.keep_flags(tx, &facts).await?;
        match ruling {
            Ruling::Decide { verdict, confirmed } => {
                let further = rules::further_reading_at(&facts, &self.rules, now).filter(|at| *at > now);
                let judgement = self
                    .write(tx, context, (facts, *verdict), confirmed, &self.rules)
                    .await?;
                if confirmed && further.is_some() {
                    // Decided at the deadline, and a revocation came too late to be confirmed by this reading: it is read once more.
                    evaluation.reason = "an event contradicts the answer that the decision rests on".to_owned();
                    evaluation.reread_event = true;
                    self.keep_unconfirmed(tx, evaluation, 0, further).await?;
                } else if confirmed {
                    tx.finish_evaluation(&key, false, now).await?;
                } else {
                    evaluation.reason = "a needed read of GitLab was not answered".to_owned();
                    self.keep_unconfirmed(tx, evaluation, 0, None).await?;
                }
                tx.finish_pending_review(&key, None, now).await?;
                Ok(judgement)
            }
            Ruling::Wait { because, not_before } => {
                let deadline = SignedDuration::from_mins(i64::from(self.rules.verify_deadline_minutes));
                let wait = wait(seen.attempts, LONGEST_WAIT)
                    .max(asked_wait(&facts.api))
                    .min(deadline);
                let next = later(now, wait);
                evaluation.state = EvaluationState::Pending;
                evaluation.attempts = seen.attempts;
                evaluation.reason.clone_from(&because);
                evaluation.next_attempt_at = Some(not_before.map_or(next, |at| at.max(now)));
                evaluation.deadline_at = later(now, deadline).max(not_before.unwrap_or(now));
                tx.keep_evaluation(&evaluation, now).await?;
                Ok(Outcome::Pending { because }.into())
            }
            Ruling::Reread { because, not_before } => {
                evaluation.reason.clone_from(&because);
                evaluation.reread_event = known.decision.as_ref().is_some_and(|decision| decision.confirmed);
                self.keep_unconfirmed(tx, evaluation, seen.attempts, not_before).await?;
                Ok(Outcome::Unconfirmed { because }.into())
            }
            Ruling::Denied { because } => {
                let first = !known.is_denied();
                if first {
                    tracing::warn!(merge_request = %key, because, "GitLab does not show a merge that a delivery reported");
                }
                evaluation.reason.clone_from(&because);
                self.keep_unconfirmed(tx, evaluation, if first { 0 } else { seen.attempts }, None)
                    .await?;
                Ok(if first {
                    Outcome::NotMerged
                } else {
                    Outcome::Unconfirmed { because }
                }
                .into())
            }
            Ruling::Unchanged => {
                tx.finish_evaluation(&key, false, now).await?;
                Ok(Outcome::Unchanged.into())
            }
        }
    }

    /// What follows from a late event on a confirmed decision: the same answer of GitLab, the history as it is now.
    pub(crate) async fn weigh_again(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        decision: StoredDecision,
        evaluation: Option<&Evaluation>,
        received_at: Timestamp,
    ) -> Result<Judgement, StoreError> {
        let Some(rules) = self.rules_of(tx, &decision).await? else {
            // Decided by a version that kept no rules: nothing can be compared.
            return Ok(Outcome::Unchanged.into());
        };
        let history = tx.history(&decision.facts.merge_request).await?;
        let facts = Facts {
            history: history.events,
            history_truncated: history.truncated,
            ..decision.facts.clone()
        };
        let current = CurrentDecision {
            facts: &decision.facts,
            verdict: &decision.verdict,
            confirmed: true,
        };
        match rules::after_event(&facts, current, &rules, self.clock.now()) {
            Ruling::Decide { verdict, confirmed } => {
                self.write(tx, context, (facts, *verdict), confirmed, &rules).await
            }
            Ruling::Reread { because, not_before } => {
                let known = Known {
                    evaluation: evaluation.cloned(),
                    decision: Some(decision.clone()),
                    row: None,
                };
                let mut evaluation = self.evaluation(context, &facts, &known, received_at);
                evaluation.reason.clone_from(&because);
                evaluation.reread_event = true;
                evaluation.earlier = rules::earlier_facts(&decision.facts, &self.rules);
                self.keep_unconfirmed(tx, evaluation, 0, not_before).await?;
                Ok(Outcome::Unconfirmed { because }.into())
            }
            _ => {
                let mut judgement = Judgement::from(Outcome::Unchanged);
                let written = self.refresh_ledger(tx, context, &facts, &decision).await?;
                self.keep_written(tx, context, &mut judgement, written).await?;
                Ok(judgement)
            }
        }
    }

    /// A merge was shown by something other than its own delivery: it is read in a minute.
    #[expect(clippy::too_many_arguments, reason = "each is a column of the evaluation")]
    pub(crate) async fn merge_seen(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        key: &MergeRequestKey,
        trigger: MergeTrigger,
        source: EvaluationSource,
        known: &Known,
        because: &str,
        shown: &EarlierFacts,
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        let deadline = SignedDuration::from_mins(i64::from(self.rules.verify_deadline_minutes));
        let mut facts = crate::delivery::unread(key.clone(), trigger);
        facts.earlier = self.earlier(tx, key, known).await?;
        facts.earlier.merge(shown);
        let evaluation = Evaluation {
            state: EvaluationState::Pending,
            reason: because.to_owned(),
            source,
            next_attempt_at: Some(later(now, REAL_DELIVERY_FIRST)),
            // An event alone shows nothing at GitLab.
            shown: source == EvaluationSource::Review,
            deadline_at: later(now, deadline),
            ..self.evaluation(context, &facts, known, now)
        };
        tx.keep_evaluation(&evaluation, now).await?;
        let because = because.to_owned();
        Ok(Outcome::Pending { because }.into())
    }

    /// An evaluation as these facts leave it, without state and schedule.
    fn evaluation(&self, context: &Context, facts: &Facts, known: &Known, first_seen_at: Timestamp) -> Evaluation {
        let stored = known
            .evaluation
            .as_ref()
            .filter(|evaluation| evaluation.state != EvaluationState::Done);
        let only_not_found = matches!(&facts.api, WitnessA::Refused(unread) if unread.labels.is_none());
        Evaluation {
            merge_request: facts.merge_request.clone(),
            state: EvaluationState::Unconfirmed,
            trigger: facts.trigger.clone(),
            reason: String::new(),
            attempts: 0,
            next_attempt_at: None,
            deadline_at: stored.map_or(self.clock.now(), |stored| stored.deadline_at),
            source: EvaluationSource::MergeEvent,
            first_seen_at: Some(first_seen_at),
            give_up_at: None,
            last_read_at: None,
            shown: !only_not_found || stored.is_some_and(|stored| stored.shown),
            reread_event: false,
            before_watch: false,
            earlier: rules::earlier_facts(facts, &self.rules),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent.clone(),
        }
    }

    /// Keeps an unconfirmed decision, or a merge that GitLab does not show, for the next reading.
    async fn keep_unconfirmed(
        &self,
        tx: &mut Tx<'_>,
        mut evaluation: Evaluation,
        attempts: i32,
        not_before: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let first_seen_at = evaluation.first_seen_at.unwrap_or(now);
        let give_up_at = rules::give_up_at(first_seen_at, evaluation.shown);
        evaluation.state = EvaluationState::Unconfirmed;
        evaluation.attempts = attempts;
        evaluation.give_up_at = Some(give_up_at);
        evaluation.next_attempt_at = match not_before {
            Some(at) => Some(at.max(now)),
            None => rules::reread_at(first_seen_at, attempts, now, give_up_at),
        };
        tx.keep_evaluation(&evaluation, now).await
    }

    /// Appends a decision and everything that follows from it.
    async fn write(
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
        let exception = self.exception(facts, verdict, kind, context.correlation_id, now, rules);
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

    #[expect(clippy::unused_self, reason = "a step of `write_exception`")]
    fn exception(
        &self,
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
}

pub(crate) fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(from)
}

pub(crate) fn wait(attempts: i32, longest: SignedDuration) -> SignedDuration {
    let doublings = u32::try_from(attempts.clamp(0, 8)).unwrap_or(0);
    SignedDuration::from_secs(30_i64 << doublings).min(longest)
}

/// Whether GitLab shows that the merge was long before anything showed it here.
fn is_before_watch(facts: &Facts, first_seen_at: Timestamp) -> bool {
    rules::merged_at_of(&facts.api).is_some_and(|merged_at| later(merged_at, rules::BEFORE_WATCH) < first_seen_at)
}

/// How long GitLab asks to be left alone.
fn asked_wait(api: &WitnessA) -> SignedDuration {
    let asked = match api {
        WitnessA::Unreadable(unread) | WitnessA::Refused(unread) | WitnessA::NotMerged(unread) => {
            unread.retry_after_seconds
        }
        WitnessA::Answer(_) | WitnessA::NotAsked(_) => None,
    };
    let seconds = asked.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0);
    SignedDuration::from_secs(seconds)
}
