//! When a merge is read again, and what is stored until then.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{EarlierFacts, Facts, GitLabAnswer, MergeRequestKey, MergeTrigger, later};
use store::{Evaluation, EvaluationSource, EvaluationState, MergeRequestState, StoreError, Tx};

use crate::commit::PendingCommit;
use crate::need::{earlier, open_evaluation};
use crate::{App, DeliveryOutcome};

/// An event that shows a merge waits this long, so that the merge's own delivery is processed first.
const REAL_DELIVERY_FIRST: SignedDuration = SignedDuration::from_mins(1);

/// What caused a read of a merge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeReading {
    /// When the merge was first shown, if nothing is stored about it.
    pub(crate) first_seen_at: Timestamp,
    pub(crate) source: EvaluationSource,
    pub(crate) attempts: i32,
    /// Not the first read.
    pub(crate) is_reread: bool,
}

/// A merge shown by something other than its own delivery.
pub(crate) struct MergeSeen {
    pub(crate) trigger: MergeTrigger,
    pub(crate) source: EvaluationSource,
    pub(crate) because: &'static str,
    pub(crate) first_seen_at: Timestamp,
    /// What GitLab's answer has shown about it.
    pub(crate) shown: EarlierFacts,
}

/// The evaluation that follows from these facts, without state and schedule.
pub(crate) fn evaluation_of(
    app: &App,
    context: &Context,
    facts: &Facts,
    state: &MergeRequestState,
    first_seen_at: Timestamp,
) -> Evaluation {
    let stored = open_evaluation(state);
    let only_not_found = matches!(&facts.api, GitLabAnswer::Denied(unread) if unread.labels.is_none());
    Evaluation {
        merge_request: facts.merge_request.clone(),
        state: EvaluationState::Unconfirmed,
        trigger: facts.trigger.clone(),
        reason: String::new(),
        attempts: 0,
        next_attempt_at: None,
        deadline_at: stored.map_or(app.now(), |stored| stored.deadline_at),
        source: EvaluationSource::MergeEvent,
        first_seen_at: Some(first_seen_at),
        give_up_at: None,
        last_read_at: None,
        shown: !only_not_found || stored.is_some_and(|stored| stored.shown),
        reread_event: false,
        before_watch: false,
        earlier: rules::earlier_facts(facts, &app.rules),
        correlation_id: context.correlation_id,
        traceparent: context.traceparent.clone(),
    }
}

/// Keeps an unconfirmed decision, or a merge that GitLab does not show, for the next read.
pub(crate) fn keep_unconfirmed(
    app: &App,
    tx: &mut Tx<'_>,
    mut evaluation: Evaluation,
    attempts: i32,
    not_before: Option<Timestamp>,
) -> Result<(), StoreError> {
    let now = app.now();
    let first_seen_at = evaluation.first_seen_at.unwrap_or(now);
    let give_up_at = rules::give_up_at(first_seen_at, evaluation.shown);
    evaluation.state = EvaluationState::Unconfirmed;
    evaluation.attempts = attempts;
    evaluation.give_up_at = Some(give_up_at);
    evaluation.next_attempt_at = match not_before {
        Some(at) => Some(at.max(now)),
        None => rules::reread_at(first_seen_at, attempts, now, give_up_at),
    };
    tx.keep_evaluation(&evaluation, now).later().map(drop)
}

/// Schedules an unconfirmed decision, or a merge without one, to be read at a given time at the latest. `better`: a better trigger.
pub(crate) fn read_by(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    state: &MergeRequestState,
    received_at: Timestamp,
    better: Option<MergeTrigger>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let now = app.now();
    match (&state.decision, open_evaluation(state), better) {
        (None, Some(evaluation), Some(trigger)) => {
            let better = Evaluation {
                trigger,
                source: EvaluationSource::MergeEvent,
                ..evaluation.clone()
            };
            tx.keep_evaluation(&better, now).later()?;
        }
        // Decided by the previous release: no read is scheduled.
        (Some(decision), None, _) => {
            let mut evaluation = evaluation_of(app, context, &decision.facts, state, received_at);
            "a needed read of GitLab was not answered".clone_into(&mut evaluation.reason);
            return keep_unconfirmed(app, tx, evaluation, 0, Some(at));
        }
        _ => {}
    }
    if let Some(evaluation) = open_evaluation(state) {
        tx.read_evaluation_by(&evaluation.merge_request, at, now).later()?;
    }
    Ok(())
}

/// Handles a merge shown by something other than its own delivery: it is read in a minute.
pub(crate) fn merge_seen(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    key: &MergeRequestKey,
    state: &MergeRequestState,
    seen: MergeSeen,
) -> Result<PendingCommit, StoreError> {
    let now = app.now();
    let deadline = SignedDuration::from_mins(i64::from(app.rules.verify_deadline_minutes));
    let mut facts = Facts::unread(key.clone(), seen.trigger);
    facts.earlier = earlier(&app.rules, state);
    facts.earlier.merge(&seen.shown);
    let evaluation = Evaluation {
        state: EvaluationState::Pending,
        reason: seen.because.to_owned(),
        source: seen.source,
        next_attempt_at: Some(later(now, REAL_DELIVERY_FIRST)),
        // An event alone does not prove that GitLab shows it.
        shown: seen.source == EvaluationSource::Review,
        deadline_at: later(now, deadline),
        ..evaluation_of(app, context, &facts, state, seen.first_seen_at)
    };
    tx.keep_evaluation(&evaluation, now).later()?;
    Ok(DeliveryOutcome::Pending {
        because: seen.because.to_owned(),
    }
    .into())
}
