//! What waits for GitLab: verdicts until the deadline, unconfirmed decisions by schedule, and reviews until GitLab is readable.

use audit::{ActorType, Context};
use jiff::SignedDuration;
use model::{Facts, MergeRequestKey, MergeTrigger, later};
use store::{Evaluation, EvaluationSource, EvaluationState, FirstRead, MergeRequestState, PendingReview};

use crate::commit::commit;
use crate::evaluations::MergeReading;
use crate::merges::after_reading;
use crate::need::with_stored;
use crate::need::{is_before_watch, is_confirmed, open_evaluation};
use crate::reviews::{read_review, review};
use crate::{App, AppError, DeliveryOutcome, DeliveryReport};

/// Maximum requests per re-read.
const REREAD_REQUESTS: i32 = 8;

/// The result of an operator's request to read a merge request again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reevaluated {
    Read(DeliveryReport),
    /// Its decision is confirmed, or no merge is known.
    NothingToRead,
}

/// Reads a merge that waits for GitLab again. Safe to run concurrently: the merge request's lock serialises the runs, and the
/// second finds what the first wrote.
///
/// # Errors
/// [`AppError`]: the evaluation stays and becomes due again.
pub async fn read_merge_again(app: &App, evaluation: &Evaluation) -> Result<DeliveryReport, AppError> {
    let context = Context::new(ActorType::WebhookEvent, evaluation.correlation_id)
        .with_traceparent(evaluation.traceparent.clone());
    let key = &evaluation.merge_request;
    let needs_budget = evaluation.state == EvaluationState::Unconfirmed;
    if needs_budget && !app.take_budget(key, evaluation.shown).await? {
        let now = app.now();
        let mut tx = app.store.begin().await?;
        tx.read_evaluation_by(key, later(now, SignedDuration::from_mins(1)), now)
            .later()?;
        tx.commit().await?;
        let because = "the re-read budget of this minute is used up".to_owned();
        return Ok(DeliveryReport::of(DeliveryOutcome::Unconfirmed { because }));
    }
    let (state, _) = app.store.merge_request_state(key, "", FirstRead::Everything).await?;
    Box::pin(read_again(app, &context, key, state, evaluation.trigger.clone(), false)).await
}

/// Reads a merge again at an operator's request: an unconfirmed decision, or a merge without one.
///
/// # Errors
/// [`AppError`]: request it again if it is retryable.
pub async fn reevaluate(app: &App, context: &Context, key: &MergeRequestKey) -> Result<Reevaluated, AppError> {
    // 1. Whether there is anything to read.
    let (state, _) = app.store.merge_request_state(key, "", FirstRead::Everything).await?;
    let is_open = open_evaluation(&state).is_some();
    let merged = state.row.as_ref().is_some_and(|row| row.row.merge.is_some());
    let is_undecided = state.decision.is_none() && (merged || is_before_watch(&state));
    if !is_open && (is_confirmed(&state) || !(is_undecided || state.decision.is_some())) {
        return Ok(Reevaluated::NothingToRead);
    }
    if !app.take_budget(key, true).await? {
        let because = "the re-read budget of this minute is used up; retry in a minute".to_owned();
        return Ok(Reevaluated::Read(DeliveryReport::of(DeliveryOutcome::Unconfirmed {
            because,
        })));
    }
    // 2. The best known data of the merge.
    let stored_trigger = state.decision.as_ref().map(|decision| &decision.facts.trigger);
    let stored_trigger = stored_trigger.or(state.evaluation.as_ref().map(|evaluation| &evaluation.trigger));
    let Some(trigger) = stored_trigger.cloned().or_else(|| trigger_of_row(app, &state)) else {
        return Ok(Reevaluated::NothingToRead);
    };
    // 3. GitLab, and the consequences.
    let read = read_again(app, context, key, state, trigger, true);
    Box::pin(read).await.map(Reevaluated::Read)
}

/// What the ledger row contains about a merge without stored events.
fn trigger_of_row(app: &App, state: &MergeRequestState) -> Option<MergeTrigger> {
    let row = state.row.clone()?.row;
    Some(MergeTrigger {
        trusted: false,
        merger: None,
        merged_at: row.merge.map_or(app.now(), |merge| merge.at),
        labels: Vec::new(),
        labels_unknown: true,
        mr_id: row.mr_id,
        project_path: row.project_path,
        title: row.title,
        url: row.web_url,
        author_id: row.author.map(|author| author.id),
        head_sha: row.head_sha,
        merge_commit_sha: None,
    })
}

async fn read_again(
    app: &App,
    context: &Context,
    key: &MergeRequestKey,
    state: MergeRequestState,
    trigger: MergeTrigger,
    requested: bool,
) -> Result<DeliveryReport, AppError> {
    // 1. GitLab, without a transaction. The current history shows whether a label has been seen since.
    let mut facts = with_stored(app, Facts::unread(key.clone(), trigger), &state);
    facts.deadline_passed = false;
    facts.api = app.read_merge(context, &facts, false).await;
    // 2. What is stored now; another run may have been faster.
    let mut tx = app.store.begin().await?;
    tx.lock_merge_request(key).later()?;
    let state = tx.merge_request_state(key).await?;
    let evaluation = open_evaluation(&state);
    if evaluation.is_none() && !requested {
        tx.rollback().await?;
        return Ok(DeliveryReport::of(DeliveryOutcome::Unchanged));
    }
    // 3. The consequences.
    let reading = MergeReading {
        first_seen_at: evaluation
            .and_then(|evaluation| evaluation.first_seen_at)
            .unwrap_or(app.now()),
        source: evaluation.map_or(EvaluationSource::Backfill, |evaluation| evaluation.source),
        attempts: evaluation.map_or(0, |evaluation| evaluation.attempts).saturating_add(1),
        is_reread: evaluation.is_none_or(|evaluation| evaluation.state == EvaluationState::Unconfirmed),
    };
    let facts = with_stored(app, facts, &state);
    let pending = after_reading(app, &mut tx, context, facts, &state, reading).await?;
    commit(app, tx, context, key, None, pending).await
}

/// Reads a review before the merge again.
///
/// # Errors
/// [`AppError`]: the review stays pending and becomes due again.
pub async fn read_review_again(app: &App, pending: &PendingReview) -> Result<DeliveryReport, AppError> {
    let context =
        Context::new(ActorType::WebhookEvent, pending.correlation_id).with_traceparent(pending.traceparent.clone());
    let key = &pending.merge_request;
    // 1. GitLab, without a transaction.
    let reading = read_review(app, &context, Facts::unread(key.clone(), pending.trigger.clone())).await;
    // 2. What is stored now.
    let unchanged = Ok(DeliveryReport::of(DeliveryOutcome::Unchanged));
    let mut tx = app.store.begin().await?;
    tx.lock_merge_request(key).later()?;
    let state = tx.merge_request_state(key).await?;
    if !state.review.as_ref().is_some_and(|stored| stored.is_pending) {
        tx.rollback().await?;
        return unchanged;
    }
    if state.decision.is_some() {
        tx.finish_pending_review(key, None, app.now()).later()?;
        tx.commit().await?;
        return unchanged;
    }
    let Some(reading) = reading.unless_older(state.row.as_ref()) else {
        // A later read has written the row; this one becomes due again.
        tx.rollback().await?;
        return unchanged;
    };
    // 3. The consequences.
    let attempts = pending.attempts.saturating_add(1);
    let pending = review(app, &mut tx, &context, reading, &state, attempts).await?;
    commit(app, tx, &context, key, None, pending).await
}

impl App {
    /// Takes the requests of one re-read from this minute's budget of the instance.
    pub(crate) async fn take_budget(&self, key: &MergeRequestKey, shown: bool) -> Result<bool, AppError> {
        let budget = self
            .store
            .take_reread_budget(&key.instance, REREAD_REQUESTS, shown, self.now());
        Ok(budget.await?)
    }
}
