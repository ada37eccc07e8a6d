//! What a delivery needs from GitLab, by what is stored about its merge request.

use jiff::{SignedDuration, Timestamp};
use model::{EarlierFacts, Facts, later};
use rules::Rules;
use store::{Evaluation, EvaluationSource, EvaluationState, MergeRequestState};

use crate::App;
use crate::delivery::Delivery;

/// Events cause at most one re-read a minute per merge request; stale ones, which are not trusted, one in ten minutes.
const BETWEEN_REREADS: SignedDuration = SignedDuration::from_mins(1);
const BETWEEN_STALE_REREADS: SignedDuration = SignedDuration::from_mins(10);

/// What a delivery needs from GitLab before it can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// The first read of its merge.
    Merge,
    /// Another read of its merge, within the budget.
    Reread,
    /// Another read, but not before this time.
    RereadLater(Timestamp),
    /// It shows a merge but is not the merge event: the merge is read in a minute, so that the merge's own delivery goes first.
    MergeLater,
    /// A read of its review.
    Review,
}

impl Need {
    pub(crate) fn reads_gitlab(self) -> bool {
        matches!(self, Self::Merge | Self::Reread | Self::Review)
    }
}

/// The evaluation, unless it is done.
pub(crate) fn open_evaluation(state: &MergeRequestState) -> Option<&Evaluation> {
    let evaluation = state.evaluation.as_ref();
    evaluation.filter(|evaluation| evaluation.state != EvaluationState::Done)
}

/// The wait for a first decision is over.
pub(crate) fn deadline_passed(state: &MergeRequestState, now: Timestamp) -> bool {
    open_evaluation(state)
        .is_some_and(|evaluation| evaluation.state == EvaluationState::Pending && now >= evaluation.deadline_at)
}

/// Whether nothing is decided because GitLab has not shown the merge.
pub(crate) fn is_denied(state: &MergeRequestState) -> bool {
    state.decision.is_none() && evaluation_state(state) == EvaluationState::Unconfirmed
}

pub(crate) fn is_confirmed(state: &MergeRequestState) -> bool {
    state.decision.as_ref().is_some_and(|decision| decision.confirmed)
}

pub(crate) fn is_before_watch(state: &MergeRequestState) -> bool {
    let evaluation = state.evaluation.as_ref();
    evaluation.is_some_and(|evaluation| evaluation.before_watch)
}

fn evaluation_state(state: &MergeRequestState) -> EvaluationState {
    let evaluation = state.evaluation.as_ref();
    evaluation.map_or(EvaluationState::Done, |evaluation| evaluation.state)
}

/// What a delivery needs from GitLab. `is_new`: it was not recorded before.
pub(crate) fn need_of(state: &MergeRequestState, delivery: &Delivery<'_>, is_new: bool, now: Timestamp) -> Need {
    let (is_stale, is_merge) = (delivery.is_stale(), delivery.is_merge());
    let reread = || reread(state, is_stale, now);
    match (&state.decision, evaluation_state(state)) {
        // Frozen: only another read requested by an event is retried.
        (Some(decision), EvaluationState::Unconfirmed) if decision.confirmed => reread(),
        (Some(decision), _) if decision.confirmed => Need::Nothing,
        // A new merge delivery: no budget may prevent its read.
        (None, EvaluationState::Unconfirmed) if is_merge && is_new && !is_stale => match reread() {
            Need::Reread => Need::Merge,
            later => later,
        },
        (Some(_), _) | (None, EvaluationState::Unconfirmed) => reread(),
        (None, EvaluationState::Pending) if is_merge => {
            let source = state.evaluation.as_ref().map(|evaluation| evaluation.source);
            if source == Some(EvaluationSource::MergeEvent) {
                reread()
            } else {
                // So far only something else has shown it: this is the merge's own delivery, so its read is the first.
                Need::Merge
            }
        }
        (None, EvaluationState::Pending) => Need::Nothing,
        (None, EvaluationState::Done) if is_merge => Need::Merge,
        (None, EvaluationState::Done) => {
            let shows_merge = !is_stale && delivery.event.state.as_deref() == Some("merged");
            match (shows_merge, is_before_watch(state)) {
                (true, false) => Need::MergeLater,
                (false, _) if delivery.shows_label || state.row.is_some() => Need::Review,
                _ => Need::Nothing,
            }
        }
    }
}

fn reread(state: &MergeRequestState, is_stale: bool, now: Timestamp) -> Need {
    let Some(last) = state.evaluation.as_ref().and_then(|evaluation| evaluation.last_read_at) else {
        return Need::Reread;
    };
    let gap = if is_stale {
        BETWEEN_STALE_REREADS
    } else {
        BETWEEN_REREADS
    };
    match (later(last, gap), is_stale) {
        (next, _) if next <= now => Need::Reread,
        (next, false) => Need::RereadLater(next),
        (_, true) => Need::Nothing,
    }
}

/// What earlier answers about the merge request have shown.
pub(crate) fn earlier(rules: &Rules, state: &MergeRequestState) -> EarlierFacts {
    let mut earlier = EarlierFacts::default();
    for facts in &state.inputs {
        earlier.merge(&rules::earlier_facts(facts, rules));
    }
    if let Some(evaluation) = &state.evaluation {
        earlier.merge(&evaluation.earlier);
    }
    if let Some(stored) = &state.review {
        earlier.merge(&stored.review.earlier);
    }
    // A row without a merge was read before the merge.
    if let Some(row) = state.row.as_ref().filter(|row| row.row.merge.is_none()) {
        let labels = row.row.review.labels.iter();
        for label in labels.filter(|label| rules.is_security_label(label)) {
            earlier.labels.entry(label.clone()).or_insert(1);
        }
    }
    earlier
}

/// Adds what is stored to the facts.
pub(crate) fn with_stored(app: &App, facts: Facts, state: &MergeRequestState) -> Facts {
    Facts {
        history: state.history.events.clone(),
        history_truncated: state.history.truncated,
        earlier: earlier(&app.rules, state),
        deadline_passed: deadline_passed(state, app.now()),
        ..facts
    }
}
