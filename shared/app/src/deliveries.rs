//! Processes a delivery: records its event, and decides the merge that it reports or affects.

use audit::{ActorType, Context};
use jiff::SignedDuration;
use model::{
    Content, EarlierFacts, Envelope, Facts, HistoryEvent, MergeRequestEvent, MergeRequestKey, MergeTrigger, later,
};
use store::{EvaluationSource, FirstRead, InsertResult, MergeRequestState, StoreError, Tx};

use crate::commit::{PendingCommit, commit};
use crate::delivery::Delivery;
use crate::evaluations::{MergeReading, MergeSeen, merge_seen, read_by};
use crate::gitlab_audit::record_gitlab_audit;
use crate::need::{Need, is_confirmed, is_denied, need_of, open_evaluation, with_stored};
use crate::reviews::{ReviewReading, read_review, review, review_facts};
use crate::{App, AppError, DeliveryOutcome, DeliveryReport};

/// Maximum GitLab reads per delivery, when others write the same merge request meanwhile.
const READINGS: usize = 4;

/// What was read at GitLab for a delivery.
enum GitLabRead {
    Nothing,
    /// The re-read budget is used up: the merge is read in the next minutes.
    NoBudget,
    Merge(Box<Facts>, Need),
    Review(Box<ReviewReading>),
}

/// The result of an attempt to record a delivery.
enum Attempt {
    Done(DeliveryReport),
    /// Nothing is written: GitLab must be read first, or again.
    Needs(Need, Box<MergeRequestState>),
}

/// Processes one delivery. Safe to repeat, concurrently or later, in any order with others.
///
/// # Errors
/// [`AppError`]: retry if it is retryable, else quarantine the delivery.
pub async fn process_delivery(app: &App, envelope: &Envelope) -> Result<DeliveryReport, AppError> {
    let context =
        Context::new(ActorType::WebhookEvent, envelope.correlation_id).with_traceparent(envelope.traceparent.clone());
    match (&envelope.content, envelope.merge_request()) {
        (Content::MergeRequest(event), Some(key)) => {
            // Boxed: everything that one transaction writes is one deep future.
            Box::pin(process_event(app, &context, envelope, event, &key)).await
        }
        (Content::GitlabAudit { events }, _) => record_gitlab_audit(app, &context, envelope, events).await,
        (Content::Unexpected { problem, .. }, _) => quarantine_delivery(app, &context, envelope, problem).await,
        (Content::MergeRequest(_), None) => {
            quarantine_delivery(app, &context, envelope, "it does not name a merge request").await
        }
    }
}

/// Keeps a delivery that cannot be processed, whole, for manual inspection.
pub async fn quarantine_delivery(
    app: &App,
    context: &Context,
    envelope: &Envelope,
    reason: &str,
) -> Result<DeliveryReport, AppError> {
    let mut tx = app.store.begin().await?;
    let new = tx.quarantine(envelope, reason, app.now()).later()?;
    app.claim_lines(&mut tx, Some(envelope.audit_line))?;
    let new = tx.take(new).await?;
    tx.commit().await?;
    if new {
        app.audit_quarantine(context, envelope, reason);
    }
    Ok(DeliveryReport::of(if new {
        DeliveryOutcome::Quarantined
    } else {
        DeliveryOutcome::Duplicate
    }))
}

async fn process_event(
    app: &App,
    context: &Context,
    envelope: &Envelope,
    event: &MergeRequestEvent,
    key: &MergeRequestKey,
) -> Result<DeliveryReport, AppError> {
    // 1. Whether the actor is an eligible approver now: GitLab keeps no history of it. A stale delivery proves no actor.
    let eligible = if envelope.authentication.stale {
        None
    } else {
        app.eligible(context, &key.instance, event).await
    };
    let delivery = Delivery {
        context,
        envelope,
        event,
        key,
        eligible,
        shows_label: app.shows_label(event),
    };
    // 2. What the delivery probably needs from GitLab; no locks are held.
    let mut read = GitLabRead::Nothing;
    let mut first = FirstRead::Nothing;
    if delivery.is_merge() || delivery.shows_label {
        let delivery_key = envelope.delivery_key();
        let looked = app.store.merge_request_state(key, &delivery_key, FirstRead::History);
        let (mut state, is_known) = looked.await?;
        first = if state.has_more_than_events() {
            FirstRead::Everything
        } else {
            FirstRead::History
        };
        let need = need_of(&state, &delivery, !is_known, app.now());
        // As it will be with this event.
        state
            .history
            .events
            .push(HistoryEvent::of(event, envelope.received_at, delivery.is_stale()));
        if need.reads_gitlab() && !(need == Need::Review && is_known) {
            read = read_gitlab(app, &delivery, need, &state).await?;
        }
    }
    // 3. The transaction. Concurrent writes may require another read.
    for _ in 0..READINGS {
        match record(app, &delivery, read, first).await? {
            Attempt::Done(report) => return Ok(report),
            Attempt::Needs(need, state) => read = read_gitlab(app, &delivery, need, &state).await?,
        }
        first = FirstRead::Everything;
    }
    Err(StoreError::Conflict("other transactions changed the merge request after every read".to_owned()).into())
}

/// Reads what a delivery needs from GitLab; no transaction is open meanwhile.
async fn read_gitlab(
    app: &App,
    delivery: &Delivery<'_>,
    need: Need,
    state: &MergeRequestState,
) -> Result<GitLabRead, AppError> {
    if need == Need::Review {
        let facts = review_facts(delivery);
        let reading = read_review(app, delivery.context, facts).await;
        return Ok(GitLabRead::Review(Box::new(reading)));
    }
    let shown = open_evaluation(state).is_none_or(|evaluation| evaluation.shown);
    if need == Need::Reread && !app.take_budget(delivery.key, shown).await? {
        return Ok(GitLabRead::NoBudget);
    }
    let mut facts = unread_facts(app, delivery, state);
    facts.api = app.read_merge(delivery.context, &facts, need == Need::Merge).await;
    Ok(GitLabRead::Merge(Box::new(facts), need))
}

/// Writes everything of a delivery in one transaction, or finds that GitLab must be read first.
async fn record(app: &App, delivery: &Delivery<'_>, read: GitLabRead, first: FirstRead) -> Result<Attempt, AppError> {
    let Delivery {
        context,
        envelope,
        event,
        key,
        eligible,
        ..
    } = *delivery;
    // 1. The event, once, and what is stored about its merge request.
    let mut tx = app.store.begin().await?;
    let (recorded, state) = tx.record_delivery(key, envelope, event, eligible, first).await?;
    let is_duplicate = recorded == InsertResult::Duplicate;
    // 2. What must be read before anything can be written.
    let need = need_of(&state, delivery, !is_duplicate, app.now());
    let read = match (need, read) {
        (Need::Merge | Need::Reread, GitLabRead::Nothing | GitLabRead::Review(_)) => {
            tx.rollback().await?;
            return Ok(Attempt::Needs(need, Box::new(state)));
        }
        (Need::Review, read) => {
            // A read older than the row is discarded.
            let reading = match read {
                GitLabRead::Review(reading) => reading.unless_older(state.row.as_ref()),
                _ => None,
            };
            match reading {
                Some(reading) => GitLabRead::Review(Box::new(reading)),
                None if is_duplicate => GitLabRead::Nothing,
                None => {
                    tx.rollback().await?;
                    return Ok(Attempt::Needs(need, Box::new(state)));
                }
            }
        }
        // Another run has confirmed the decision meanwhile: its answer is as new.
        (Need::Nothing, GitLabRead::Merge(..) | GitLabRead::NoBudget) if is_confirmed(&state) => GitLabRead::Nothing,
        (_, read) => read,
    };
    // 3. A repeated delivery reports again what it wrote, and is done unless GitLab was read for it.
    if is_duplicate {
        app.report_again(context, key, &state);
        app.audit_duplicate(context, envelope, key);
        if matches!(read, GitLabRead::Nothing) && !matches!(need, Need::RereadLater(_)) {
            tx.rollback().await?;
            return Ok(Attempt::Done(DeliveryReport::of(DeliveryOutcome::Duplicate)));
        }
    }
    // 4. The consequences, and the commit.
    let mut pending = Box::pin(follow(app, &mut tx, delivery, &state, need, read)).await?;
    let is_unchanged = matches!(pending.outcome, DeliveryOutcome::Recorded | DeliveryOutcome::Unchanged);
    if is_duplicate && is_unchanged {
        pending.outcome = DeliveryOutcome::Duplicate;
    }
    let report = commit(app, tx, context, key, Some(envelope.audit_line), pending).await?;
    Ok(Attempt::Done(report))
}

/// The consequences of a recorded event, and of what was read for it.
async fn follow(
    app: &App,
    tx: &mut Tx<'_>,
    delivery: &Delivery<'_>,
    state: &MergeRequestState,
    need: Need,
    read: GitLabRead,
) -> Result<PendingCommit, StoreError> {
    let (context, received_at) = (delivery.context, delivery.envelope.received_at);
    match read {
        GitLabRead::Merge(facts, needed) => {
            let stored_source = state.evaluation.as_ref().map(|evaluation| evaluation.source);
            let reading = MergeReading {
                first_seen_at: received_at,
                source: match stored_source {
                    Some(stored_source) if !delivery.is_merge() => stored_source,
                    _ => EvaluationSource::MergeEvent,
                },
                attempts: 0,
                is_reread: needed == Need::Reread || is_denied(state),
            };
            let facts = with_stored(app, *facts, state);
            return crate::merges::after_reading(app, tx, context, facts, state, reading).await;
        }
        GitLabRead::Review(reading) => return review(app, tx, context, *reading, state, 0).await,
        GitLabRead::Nothing | GitLabRead::NoBudget => {}
    }
    // That read also sees this event; nothing is compared with the old answer before.
    let read_at = match (read, need) {
        (GitLabRead::NoBudget, _) => Some(later(app.now(), SignedDuration::from_mins(1))),
        (_, Need::RereadLater(at)) => Some(at),
        _ => None,
    };
    if let Some(at) = read_at {
        // The merge's own delivery contains more than the one that caused the evaluation.
        let is_own = delivery.is_merge() && !delivery.is_stale();
        let better = is_own.then(|| MergeTrigger::of(delivery.event));
        read_by(app, tx, context, state, received_at, better, at)?;
        return Ok(DeliveryOutcome::Unchanged.into());
    }
    if need == Need::MergeLater {
        let merge = MergeSeen {
            trigger: MergeTrigger::of_other(delivery.event),
            source: EvaluationSource::OtherEvent,
            because: "an event shows the merge",
            first_seen_at: received_at,
            shown: EarlierFacts::default(),
        };
        return merge_seen(app, tx, context, delivery.key, state, merge);
    }
    match &state.decision {
        // Stale events prove nothing.
        Some(decision) if decision.confirmed && !delivery.is_stale() => {
            crate::merges::after_late_event(app, tx, context, state, decision, received_at).await
        }
        Some(_) => Ok(DeliveryOutcome::Unchanged.into()),
        None => Ok(DeliveryOutcome::Recorded.into()),
    }
}

/// The facts before GitLab is read: the best known trigger, the history as it will be, and what earlier answers showed.
fn unread_facts(app: &App, delivery: &Delivery<'_>, state: &MergeRequestState) -> Facts {
    let stored_trigger = state.decision.as_ref().map(|decision| &decision.facts.trigger);
    let stored_trigger = stored_trigger.or(state.evaluation.as_ref().map(|evaluation| &evaluation.trigger));
    let trigger = match stored_trigger {
        Some(stored_trigger) if !delivery.is_merge() || (delivery.is_stale() && stored_trigger.trusted) => {
            stored_trigger.clone()
        }
        _ => delivery.trigger(),
    };
    with_stored(app, Facts::unread(delivery.key.clone(), trigger), state)
}
