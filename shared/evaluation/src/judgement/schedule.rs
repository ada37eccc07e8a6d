//! When a merge is read again, and what is kept of it until then.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{Facts, MergeTrigger, WitnessA};
use store::{Evaluation, EvaluationSource, EvaluationState, StoreError, Tx};

use crate::Evaluator;
use crate::known::Known;

impl Evaluator {
    /// An evaluation as these facts leave it, without state and schedule.
    pub(super) fn evaluation(
        &self,
        context: &Context,
        facts: &Facts,
        known: &Known,
        first_seen_at: Timestamp,
    ) -> Evaluation {
        let stored = known.open_evaluation();
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

    /// Has an unconfirmed decision, or a merge without one, read at an instant at the latest.
    pub(crate) async fn read_by(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        known: &Known,
        (better, received_at): (Option<MergeTrigger>, Timestamp),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match (&known.decision, known.open_evaluation(), better) {
            (None, Some(evaluation), Some(trigger)) => {
                let source = EvaluationSource::MergeEvent;
                let better = Evaluation {
                    trigger,
                    source,
                    ..evaluation.clone()
                };
                tx.keep_evaluation(&better, now).await?;
            }
            // Decided by the previous release: nothing has scheduled a reading.
            (Some(decision), None, _) => {
                let mut evaluation = self.evaluation(context, &decision.facts, known, received_at);
                "a needed read of GitLab was not answered".clone_into(&mut evaluation.reason);
                return self.keep_unconfirmed(tx, evaluation, 0, Some(at)).await;
            }
            _ => {}
        }
        match known.open_evaluation() {
            Some(evaluation) => tx.read_evaluation_by(&evaluation.merge_request, at, now).await,
            None => Ok(()),
        }
    }

    /// Keeps an unconfirmed decision, or a merge that GitLab does not show, for the next reading.
    pub(super) async fn keep_unconfirmed(
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
}

pub(crate) fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(from)
}

pub(crate) fn wait(attempts: i32, longest: SignedDuration) -> SignedDuration {
    let doublings = u32::try_from(attempts.clamp(0, 8)).unwrap_or(0);
    SignedDuration::from_secs(30_i64 << doublings).min(longest)
}

/// Whether GitLab shows that the merge was long before anything showed it here.
pub(super) fn is_before_watch(facts: &Facts, first_seen_at: Timestamp) -> bool {
    rules::merged_at_of(&facts.api).is_some_and(|merged_at| later(merged_at, rules::BEFORE_WATCH) < first_seen_at)
}

/// How long GitLab asks to be left alone.
pub(super) fn asked_wait(api: &WitnessA) -> SignedDuration {
    let asked = match api {
        WitnessA::Unreadable(unread) | WitnessA::Refused(unread) | WitnessA::NotMerged(unread) => {
            unread.retry_after_seconds
        }
        WitnessA::Answer(_) | WitnessA::NotAsked(_) => None,
    };
    let seconds = asked.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0);
    SignedDuration::from_secs(seconds)
}
