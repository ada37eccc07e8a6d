//! From facts to rows: decides, and writes what follows within the caller's transaction.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{EarlierFacts, Effect, Facts, MergeRequestKey, MergeTrigger, GitLabAnswer};
use rules::{CurrentDecision, Ruling};
use store::{Evaluation, EvaluationSource, EvaluationState, StoreError, StoredDecision, StoredLedgerRow, Tx};

use crate::known::Known;
use crate::report::Written;
use crate::{Evaluator, Outcome};

mod schedule;
mod write;

use schedule::{asked_wait, is_before_watch};
pub(crate) use schedule::{later, wait};

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
    #[expect(clippy::too_many_lines, reason = "one arm for each ruling")]
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
        let source = known.open_evaluation();
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
                (&ruling, matches!(facts.api, GitLabAnswer::Full(_)))
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
        // An event may have reported a revocation too late to be confirmed by this reading: then there is a further one.
        let further = rules::further_reading_at(&facts, &self.rules, now).filter(|at| *at > now);
        match ruling {
            Ruling::Decide { verdict, confirmed } => {
                let judgement = self
                    .write(tx, context, (facts, *verdict), confirmed, &self.rules)
                    .await?;
                if confirmed && further.is_some() {
                    "an event contradicts the answer that the decision rests on".clone_into(&mut evaluation.reason);
                    evaluation.reread_event = true;
                    self.keep_unconfirmed(tx, evaluation, 0, further).await?;
                } else if confirmed {
                    tx.finish_evaluation(&key, false, now).await?;
                } else {
                    "a needed read of GitLab was not answered".clone_into(&mut evaluation.reason);
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
            Ruling::Unchanged if further.is_some() => {
                "an event contradicts the answer that the decision rests on".clone_into(&mut evaluation.reason);
                evaluation.reread_event = true;
                self.keep_unconfirmed(tx, evaluation, 0, further).await?;
                Ok(Outcome::Unchanged.into())
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
        (first_seen_at, shown): (Timestamp, &EarlierFacts),
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
            ..self.evaluation(context, &facts, known, first_seen_at)
        };
        tx.keep_evaluation(&evaluation, now).await?;
        let because = because.to_owned();
        Ok(Outcome::Pending { because }.into())
    }
}
