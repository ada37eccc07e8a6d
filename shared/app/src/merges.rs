//! A merge after a GitLab read, or after a late event: what the rules decide, and its consequences.

use std::sync::Arc;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{Backoff, Facts, GitLabAnswer, later};
use rules::{CurrentDecision, Rules, Ruling};
use store::{Evaluation, EvaluationSource, EvaluationState, MergeRequestState, StoreError, StoredDecision, Tx};

use crate::commit::PendingCommit;
use crate::decisions::persist_verdict;
use crate::evaluations::{MergeReading, evaluation_of, keep_unconfirmed};
use crate::merge::Merge;
use crate::need::{is_denied, open_evaluation};
use crate::{App, DeliveryOutcome};

/// Waits between reads of a pending merge.
const WAITS: Backoff = Backoff::new(SignedDuration::from_secs(30), SignedDuration::from_mins(5));

const NOT_ANSWERED: &str = "a needed read of GitLab was not answered";
const CONTRADICTED: &str = "an event contradicts the answer that the decision is based on";

/// The consequences of reading a merge.
pub(crate) async fn after_reading(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    mut facts: Facts,
    state: &MergeRequestState,
    reading: MergeReading,
) -> Result<PendingCommit, StoreError> {
    let key = facts.merge_request.clone();
    let now = app.now();
    let (source, first_seen_at) = first_seen(state, &reading);
    // 1. A merge that an event or a review showed long after it happened is not decided: it is from before the watch.
    let passing = matches!(source, EvaluationSource::OtherEvent | EvaluationSource::Review);
    if passing && state.decision.is_none() && is_before_watch(&facts, first_seen_at) {
        tx.finish_evaluation(&key, true, now).later()?;
        return Ok(DeliveryOutcome::BeforeWatch.into());
    }
    // 2. The rules. For a merge that GitLab did not show, the deadline has long passed.
    facts.deadline_passed |= is_denied(state);
    let ruling = rule(app, &facts, state);
    // 3. The writes.
    let mut evaluation = evaluation_of(app, context, &facts, state, first_seen_at);
    evaluation.source = source;
    evaluation.last_read_at = reading.is_reread.then_some(now);
    app.keep_flags(tx, &facts)?;
    match ruling {
        Ruling::Decide { verdict, confirmed } => {
            let merge = Merge::new(app, context, state, &facts, &verdict, &app.rules);
            let pending = persist_verdict(app, tx, &merge, confirmed).await?;
            if confirmed {
                finish(app, tx, &facts, state, evaluation)?;
            } else {
                NOT_ANSWERED.clone_into(&mut evaluation.reason);
                keep_unconfirmed(app, tx, evaluation, 0, None)?;
            }
            if state.review.as_ref().is_some_and(|stored| stored.is_pending) {
                tx.finish_pending_review(&key, None, now).later()?;
            }
            Ok(pending)
        }
        Ruling::Wait { because, not_before } => {
            keep_pending(app, tx, &facts, evaluation, &because, reading.attempts, not_before)?;
            Ok(DeliveryOutcome::Pending { because }.into())
        }
        Ruling::Reread { because, not_before } => {
            evaluation.reason.clone_from(&because);
            evaluation.reread_event = state.decision.as_ref().is_some_and(|decision| decision.confirmed);
            keep_unconfirmed(app, tx, evaluation, reading.attempts, not_before)?;
            Ok(DeliveryOutcome::Unconfirmed { because }.into())
        }
        Ruling::Denied { because } => keep_denied(app, tx, state, evaluation, because, reading.attempts),
        Ruling::Unchanged => {
            finish(app, tx, &facts, state, evaluation)?;
            Ok(DeliveryOutcome::Unchanged.into())
        }
    }
}

/// Where the merge was first seen, and when: an earlier evaluation keeps its source unless this is the merge event.
fn first_seen(state: &MergeRequestState, reading: &MergeReading) -> (EvaluationSource, Timestamp) {
    let stored = open_evaluation(state);
    let first_seen_at = stored.and_then(|evaluation| evaluation.first_seen_at);
    let source = match (reading.source, stored) {
        (EvaluationSource::MergeEvent, _) | (_, None) => reading.source,
        (_, Some(evaluation)) => evaluation.source,
    };
    (source, first_seen_at.unwrap_or(reading.first_seen_at))
}

/// Keeps a merge that GitLab does not show as unconfirmed; the first time it is logged and reported as not merged.
fn keep_denied(
    app: &App,
    tx: &mut Tx<'_>,
    state: &MergeRequestState,
    mut evaluation: Evaluation,
    because: String,
    attempts: i32,
) -> Result<PendingCommit, StoreError> {
    evaluation.reason.clone_from(&because);
    if is_denied(state) {
        keep_unconfirmed(app, tx, evaluation, attempts, None)?;
        return Ok(DeliveryOutcome::Unconfirmed { because }.into());
    }
    tracing::warn!(merge_request = %evaluation.merge_request, because, "GitLab does not show a merge that a delivery reported");
    keep_unconfirmed(app, tx, evaluation, 0, None)?;
    Ok(DeliveryOutcome::NotMerged.into())
}

/// The consequences of a late event on a confirmed decision: the same GitLab answer, the current history.
pub(crate) async fn after_late_event(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    state: &MergeRequestState,
    decision: &StoredDecision,
    received_at: Timestamp,
) -> Result<PendingCommit, StoreError> {
    let Some(rules) = app.rules_of(tx, decision).await? else {
        // Decided by a version that kept no rules: nothing can be compared.
        return Ok(DeliveryOutcome::Unchanged.into());
    };
    let facts = Facts {
        history: state.history.events.clone(),
        history_truncated: state.history.truncated,
        ..decision.facts.clone()
    };
    match rules::after_event(&facts, current(decision), &rules, app.now()) {
        Ruling::Decide { verdict, confirmed } => {
            let merge = Merge::new(app, context, state, &facts, &verdict, &rules);
            persist_verdict(app, tx, &merge, confirmed).await
        }
        Ruling::Reread { because, not_before } => {
            let mut evaluation = evaluation_of(app, context, &facts, state, received_at);
            evaluation.reason.clone_from(&because);
            evaluation.reread_event = true;
            evaluation.earlier = rules::earlier_facts(&decision.facts, &app.rules);
            keep_unconfirmed(app, tx, evaluation, 0, not_before)?;
            Ok(DeliveryOutcome::Unconfirmed { because }.into())
        }
        _ => {
            let mut pending = PendingCommit::from(DeliveryOutcome::Unchanged);
            // The ledger's times may be more precise now. Under other rules nothing changes.
            if decision.rules_hash == app.rules.hash {
                let merge = Merge::new(app, context, state, &facts, &decision.verdict, &app.rules);
                let evidence = decision.evidence.clone();
                crate::ledger::write_row_of_merge(app, tx, &merge, decision.id, evidence, &mut pending)?;
            }
            Ok(pending)
        }
    }
}

fn rule(app: &App, facts: &Facts, state: &MergeRequestState) -> Ruling {
    let ruling = rules::after_reading(facts, state.decision.as_ref().map(current), &app.rules);
    let is_shown = matches!(facts.api, GitLabAnswer::Full(_));
    match ruling {
        // No decision unless GitLab shows the merge.
        Ruling::Decide { confirmed: false, .. } if is_denied(state) && !is_shown => Ruling::Denied {
            because: "GitLab does not show the merge".to_owned(),
        },
        ruling => ruling,
    }
}

fn current(decision: &StoredDecision) -> CurrentDecision<'_> {
    CurrentDecision {
        facts: &decision.facts,
        verdict: &decision.verdict,
        confirmed: decision.confirmed,
    }
}

/// Ends the evaluation of a confirmed decision, unless an event reported a revocation too late for this read to confirm: then
/// another read follows.
fn finish(
    app: &App,
    tx: &mut Tx<'_>,
    facts: &Facts,
    state: &MergeRequestState,
    mut evaluation: Evaluation,
) -> Result<(), StoreError> {
    let now = app.now();
    let further = rules::further_reading_at(facts, &app.rules, now).filter(|at| *at > now);
    if further.is_none() {
        if open_evaluation(state).is_some() {
            tx.finish_evaluation(&facts.merge_request, false, now).later()?;
        }
        return Ok(());
    }
    CONTRADICTED.clone_into(&mut evaluation.reason);
    evaluation.reread_event = true;
    keep_unconfirmed(app, tx, evaluation, 0, further)
}

/// Keeps a merge whose verdict waits for GitLab.
fn keep_pending(
    app: &App,
    tx: &mut Tx<'_>,
    facts: &Facts,
    mut evaluation: Evaluation,
    because: &str,
    attempts: i32,
    not_before: Option<Timestamp>,
) -> Result<(), StoreError> {
    let now = app.now();
    let deadline = SignedDuration::from_mins(i64::from(app.rules.verify_deadline_minutes));
    let wait = WAITS.delay(attempts).max(requested_wait(&facts.api)).min(deadline);
    evaluation.state = EvaluationState::Pending;
    evaluation.attempts = attempts;
    because.clone_into(&mut evaluation.reason);
    evaluation.next_attempt_at = Some(not_before.map_or(later(now, wait), |at| at.max(now)));
    evaluation.deadline_at = later(now, deadline).max(not_before.unwrap_or(now));
    tx.keep_evaluation(&evaluation, now).later().map(drop)
}

/// Whether GitLab shows that the merge happened long before it was first shown here.
fn is_before_watch(facts: &Facts, first_seen_at: Timestamp) -> bool {
    let merged_at = facts.api.merged_at();
    merged_at.is_some_and(|merged_at| later(merged_at, rules::BEFORE_WATCH) < first_seen_at)
}

/// How long GitLab asks us to wait.
fn requested_wait(api: &GitLabAnswer) -> SignedDuration {
    let retry_after_seconds = match api {
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            unread.retry_after_seconds
        }
        GitLabAnswer::Full(_) | GitLabAnswer::LabelsOnly(_) => None,
    };
    let seconds = retry_after_seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .unwrap_or(0);
    SignedDuration::from_secs(seconds)
}

impl App {
    /// The rules of a decision, so that a later event is compared under the same ones; `None`: they were not kept.
    async fn rules_of(&self, tx: &mut Tx<'_>, decision: &StoredDecision) -> Result<Option<Arc<Rules>>, StoreError> {
        if decision.rules_hash == self.rules.hash {
            return Ok(Some(Arc::clone(&self.rules)));
        }
        let Some(file) = tx.rules_file(&decision.rules_hash).await? else {
            return Ok(None);
        };
        match Rules::parse_stored(&file) {
            Ok(rules) => Ok(Some(Arc::new(rules))),
            Err(error) => {
                tracing::error!(%error, hash = decision.rules_hash, "this version cannot read a stored rules file");
                Ok(None)
            }
        }
    }
}
