//! The review of a merge request before its merge: read at GitLab, decided as if merged now, and stored in the ledger.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{Backoff, Facts, GitLabAnswer, MergeRequestEvent, MergeTrigger, Review, Verdict, later};
use rules::review_before_merge;
use store::{EvaluationSource, MergeRequestState, NewReviewDecision, PendingReview, StoreError, StoredLedgerRow, Tx};
use uuid::Uuid;

use crate::commit::PendingCommit;
use crate::delivery::Delivery;
use crate::evaluations::{MergeSeen, merge_seen};
use crate::need::{earlier, is_before_watch, with_stored};
use crate::{App, DeliveryOutcome};

/// Waits between attempts while GitLab is unreadable.
const WAITS: Backoff = Backoff::new(SignedDuration::from_secs(30), SignedDuration::from_hours(1));

/// GitLab's answer about a review.
#[derive(Debug, Clone)]
pub(crate) struct ReviewReading {
    pub(crate) facts: Facts,
    /// When the read began: it includes what happened until then.
    pub(crate) began: Timestamp,
}

impl ReviewReading {
    /// The read, unless the row is from a newer one.
    pub(crate) fn unless_older(self, row: Option<&StoredLedgerRow>) -> Option<Self> {
        let newest = row.and_then(|row| row.row.read_at);
        newest.is_none_or(|newest| self.began >= newest).then_some(self)
    }
}

impl App {
    /// Whether the event itself shows a security label, so that the review must be read.
    pub(crate) fn shows_label(&self, event: &MergeRequestEvent) -> bool {
        let lists = [&event.labels, &event.labels_added, &event.labels_removed];
        lists
            .into_iter()
            .flatten()
            .any(|label| self.rules.is_security_label(label))
    }
}

/// GitLab's current answer about the review.
pub(crate) async fn read_review(app: &App, context: &Context, facts: Facts) -> ReviewReading {
    let began = rules::stored_precision(app.now());
    let api = app.read_review_facts(context, &facts, began).await;
    ReviewReading {
        facts: Facts { api, ..facts },
        began,
    }
}

/// The facts of a review as a delivery reports them, before GitLab is read.
pub(crate) fn review_facts(delivery: &Delivery<'_>) -> Facts {
    let trigger = MergeTrigger {
        // The actor did not merge, and an event's labels are those of its time; GitLab returns the current ones.
        merger: None,
        merged_at: delivery.envelope.received_at,
        merge_commit_sha: None,
        labels: Vec::new(),
        labels_unknown: true,
        ..delivery.trigger()
    };
    Facts::unread(delivery.key.clone(), trigger)
}

/// Decides the review, and writes decision and row if they differ from the stored ones.
pub(crate) async fn review(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    reading: ReviewReading,
    state: &MergeRequestState,
    attempts: i32,
) -> Result<PendingCommit, StoreError> {
    let ReviewReading { facts, began } = reading;
    let key = facts.merge_request.clone();
    let now = app.now();
    // 1. GitLab could not be read: the review waits.
    let is_merged = match &facts.api {
        GitLabAnswer::Full(api) => api.state.as_deref() == Some("merged"),
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) => unread.merged,
        GitLabAnswer::LabelsOnly(_) | GitLabAnswer::NotMerged(_) => false,
    };
    if let (GitLabAnswer::Unavailable(unread), false) = (&facts.api, is_merged) {
        return keep_pending(app, tx, context, &facts, state, &unread.because, attempts, None);
    }
    if state.review.as_ref().is_some_and(|stored| stored.is_pending) {
        tx.finish_pending_review(&key, Some(began), now).later()?;
    }
    if !facts.trigger.trusted && !is_merged && !matches!(facts.api, GitLabAnswer::Full(_)) {
        // No trusted source has reported anything.
        return Ok(DeliveryOutcome::Recorded.into());
    }
    app.keep_flags(tx, &facts)?;
    // 2. The merge is decided, not the review: its own delivery may be lost, and nothing else would ever decide it.
    if is_merged && is_before_watch(state) {
        return Ok(DeliveryOutcome::Recorded.into());
    }
    if is_merged {
        let seen = MergeSeen {
            trigger: MergeTrigger {
                labels_unknown: true,
                ..facts.trigger.clone()
            },
            source: EvaluationSource::Review,
            because: "GitLab shows the merge request as merged",
            first_seen_at: began,
            shown: rules::earlier_facts(&facts, &app.rules),
        };
        return merge_seen(app, tx, context, &key, state, seen);
    }
    // 3. The review.
    let facts = Facts {
        deadline_passed: facts.deadline_passed,
        ..with_stored(app, facts, state)
    };
    let Some((verdict, review)) = review_before_merge(&facts, &app.rules) else {
        if let Some(at) = rules::further_reading_at(&facts, &app.rules, now) {
            let because = "an event reports a revoked approval that GitLab still lists";
            return keep_pending(app, tx, context, &facts, state, because, attempts, Some(at));
        }
        return Ok(DeliveryOutcome::Recorded.into());
    };
    persist_review(app, tx, context, facts, verdict, review, state, began)
}

/// Appends the decision if it differs, and writes the row.
#[expect(clippy::too_many_arguments, reason = "one step of `review`, which holds all of it")]
fn persist_review(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    facts: Facts,
    verdict: Verdict,
    review: Review,
    state: &MergeRequestState,
    began: Timestamp,
) -> Result<PendingCommit, StoreError> {
    let key = facts.merge_request.clone();
    let stored = state.row.as_ref();
    let mut row = crate::ledger::row_of(&facts, review.clone(), false, stored, context, &app.rules);
    row.read_at = Some(began);
    row.decision_id = stored.and_then(|stored| stored.row.decision_id);
    row.evidence = stored.and_then(|stored| stored.row.evidence.clone());
    // 1. Unchanged: the row was confirmed now.
    if stored.is_some_and(|stored| stored.row.says_the_same(&row)) {
        tx.confirm_ledger_row(&key, began).later()?;
        return Ok(DeliveryOutcome::Recorded.into());
    }
    let mut pending = PendingCommit::from(DeliveryOutcome::Reviewed(review.decision));
    // 2. The decision.
    let decided = |review: &Review| (review.decision, review.decided_at, review.deciding_reviewer.clone());
    let before = stored.map(|stored| decided(&stored.row.review));
    if before.unwrap_or((None, None, None)) != decided(&review) {
        pending.keeps_rules = app.keep_rules(tx)?;
        let decision = NewReviewDecision {
            id: Uuid::now_v7(),
            facts,
            verdict,
            review,
            rules_hash: app.rules.hash.clone(),
            evaluator: rules::EVALUATOR,
            supersedes: state.head.map(|head| head.id),
            recorded_at: app.now(),
            correlation_id: context.correlation_id,
        };
        tx.append_review(&decision).later()?;
        row.decision_id = Some(decision.id);
    }
    // 3. The row.
    crate::ledger::write_row(app, tx, row, stored, context, &mut pending)?;
    Ok(pending)
}

/// GitLab is unreadable: the review is read again later, until it can be, or until its merge is decided.
#[expect(clippy::too_many_arguments, reason = "each is a column of the pending review")]
fn keep_pending(
    app: &App,
    tx: &mut Tx<'_>,
    context: &Context,
    facts: &Facts,
    state: &MergeRequestState,
    because: &str,
    attempts: i32,
    not_before: Option<Timestamp>,
) -> Result<PendingCommit, StoreError> {
    let now = app.now();
    // What a partial answer showed is kept.
    let mut earlier = earlier(&app.rules, state);
    earlier.merge(&rules::earlier_facts(facts, &app.rules));
    let pending = PendingReview {
        merge_request: facts.merge_request.clone(),
        trigger: facts.trigger.clone(),
        reason: because.to_owned(),
        attempts,
        next_attempt_at: not_before.unwrap_or_else(|| later(now, WAITS.delay(attempts))),
        correlation_id: context.correlation_id,
        traceparent: context.traceparent.clone(),
        earlier,
    };
    tx.upsert_pending_review(&pending, now).later()?;
    let because = because.to_owned();
    Ok(DeliveryOutcome::Pending { because }.into())
}
