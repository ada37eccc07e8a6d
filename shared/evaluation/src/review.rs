//! The review of a merge request before its merge: read at GitLab, judged as if it had been merged now, and kept in the ledger.

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{Envelope, Facts, MergeRequestEvent, MergeRequestKey, MergeTrigger, WitnessA};
use rules::review_before_merge;
use store::{EvaluationSource, NewReview, PendingReview, StoreError, StoredLedgerRow, Tx};

use crate::judgement::{Judgement, later, wait};
use crate::known::Known;
use crate::{Evaluator, Outcome};

/// Waits between attempts at an unreadable GitLab: half a minute at first, doubling, at most this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What GitLab said of a review.
#[derive(Debug, Clone)]
pub(crate) struct ReviewReading {
    pub(crate) facts: Facts,
    /// When the reading began: what happened until then is in it.
    pub(crate) began: Timestamp,
}

impl ReviewReading {
    /// Unless the row rests on a newer one.
    pub(crate) fn unless_older(self, row: Option<&StoredLedgerRow>) -> Option<Self> {
        let newest = row.and_then(|row| row.row.read_at);
        newest.is_none_or(|newest| self.began >= newest).then_some(self)
    }
}

impl Evaluator {
    /// Whether the event itself shows a security label, so that its merge request's review has to be looked at.
    pub(crate) fn shows_label(&self, event: &MergeRequestEvent) -> bool {
        let mut labels = event
            .labels
            .iter()
            .chain(&event.labels_added)
            .chain(&event.labels_removed);
        labels.any(|label| self.rules.is_security_label(label))
    }

    /// What GitLab says about the review now.
    pub(crate) async fn read_review(&self, context: &Context, facts: Facts) -> ReviewReading {
        let began = rules::stored_precision(self.clock.now());
        let api = self.gather_review(context, &facts, began).await;
        ReviewReading {
            facts: Facts { api, ..facts },
            began,
        }
    }

    /// The facts of a review as a delivery tells them, before GitLab and the history are asked.
    pub(crate) fn review_facts(envelope: &Envelope, event: &MergeRequestEvent, key: &MergeRequestKey) -> Facts {
        let told = if envelope.authentication.stale {
            MergeTrigger::untrusted(event, envelope.received_at)
        } else {
            MergeTrigger::of(event)
        };
        let trigger = MergeTrigger {
            // The actor merged nothing, and labels of an event are those of its time; what is on now, GitLab says.
            merger: None,
            merged_at: envelope.received_at,
            merge_commit_sha: None,
            labels: Vec::new(),
            labels_unknown: true,
            ..told
        };
        crate::delivery::unread(key.clone(), trigger)
    }

    /// Judges the review, and writes decision and row if they are other than those that stand.
    pub(crate) async fn review(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        reading: ReviewReading,
        known: Known,
        attempts: i32,
    ) -> Result<Judgement, StoreError> {
        let ReviewReading { mut facts, began } = reading;
        let standing = known.row.clone();
        let key = facts.merge_request.clone();
        let is_merged = match &facts.api {
            WitnessA::Answer(api) => api.state.as_deref() == Some("merged"),
            WitnessA::Unreadable(unread) | WitnessA::Refused(unread) => unread.merged,
            WitnessA::NotAsked(_) | WitnessA::NotMerged(_) => false,
        };
        if let (WitnessA::Unreadable(unread), false) = (&facts.api, is_merged) {
            let because = unread.because.clone();
            return self
                .review_waits(tx, context, &facts, &known, &because, (attempts, None))
                .await;
        }
        let now = self.clock.now();
        tx.finish_pending_review(&key, Some(began), now).await?;
        if !facts.trigger.trusted && !is_merged && !matches!(facts.api, WitnessA::Answer(_)) {
            // Nobody who is to be believed has told anything.
            return Ok(Outcome::Recorded.into());
        }
        self.keep_flags(tx, &facts).await?;
        if is_merged
            && known
                .evaluation
                .as_ref()
                .is_some_and(|evaluation| evaluation.before_watch)
        {
            return Ok(Outcome::Recorded.into());
        }
        if is_merged {
            // The merge is decided, not the review: its own delivery may be lost, and nothing else would ever decide it.
            let trigger = MergeTrigger {
                labels_unknown: true,
                ..facts.trigger.clone()
            };
            let because = "GitLab shows the merge request as merged";
            let shown = rules::earlier_facts(&facts, &self.rules);
            return self
                .merge_seen(
                    tx,
                    context,
                    &key,
                    trigger,
                    EvaluationSource::Review,
                    &known,
                    because,
                    (began, &shown),
                )
                .await;
        }
        let history = tx.history(&key).await?;
        (facts.history, facts.history_truncated) = (history.events, history.truncated);
        facts.earlier = self.earlier(tx, &key, &known).await?;
        let Some((verdict, review)) = review_before_merge(&facts, &self.rules) else {
            if let Some(at) = rules::further_reading_at(&facts, &self.rules, now) {
                let because = "an event reports that an approval was taken back, and GitLab still lists it";
                return self
                    .review_waits(tx, context, &facts, &known, because, (attempts, Some(at)))
                    .await;
            }
            return Ok(Outcome::Recorded.into());
        };
        let mut row = crate::ledger::ledger_row(&facts, review.clone(), false, standing.as_ref(), context, &self.rules);
        row.read_at = Some(began);
        row.decision_id = standing.as_ref().and_then(|standing| standing.row.decision_id);
        row.evidence = standing.as_ref().and_then(|standing| standing.row.evidence.clone());
        if standing
            .as_ref()
            .is_some_and(|standing| standing.row.says_the_same(&row))
        {
            tx.confirm_ledger_row(&key, began).await?;
            return Ok(Outcome::Recorded.into());
        }
        let decided = |review: &model::Review| (review.decision, review.decided_at, review.deciding_reviewer.clone());
        let before = standing.as_ref().map(|standing| decided(&standing.row.review));
        if before.unwrap_or((None, None, None)) != decided(&review) {
            self.keep_rules(tx).await?;
            let head = tx.decision_head(&key).await?;
            let decision = NewReview {
                facts,
                verdict,
                review,
                rules_hash: self.rules.hash.clone(),
                evaluator: rules::EVALUATOR,
                supersedes: head.map(|head| head.id),
                recorded_at: now,
                correlation_id: context.correlation_id,
            };
            row.decision_id = Some(tx.append_review(&decision).await?);
        }
        let written = self.write_ledger(tx, &row, standing.as_ref()).await?;
        let mut judgement = Judgement::from(Outcome::Reviewed(written.row.review.decision));
        self.keep_written(tx, context, &mut judgement, Some(written)).await?;
        Ok(judgement)
    }

    /// GitLab cannot be read: the review is looked at again later, until it can be, or until its merge is judged.
    async fn review_waits(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: &Facts,
        known: &Known,
        because: &str,
        (attempts, not_before): (i32, Option<Timestamp>),
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        // What a partial answer showed is kept.
        let mut earlier = self.earlier(tx, &facts.merge_request, known).await?;
        earlier.merge(&rules::earlier_facts(facts, &self.rules));
        let pending = PendingReview {
            merge_request: facts.merge_request.clone(),
            trigger: facts.trigger.clone(),
            reason: because.to_owned(),
            attempts,
            next_attempt_at: not_before.unwrap_or_else(|| later(now, wait(attempts, LONGEST_WAIT))),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent.clone(),
            earlier,
        };
        tx.upsert_pending_review(&pending, now).await?;
        Ok(Outcome::Pending {
            because: because.to_owned(),
        }
        .into())
    }
}
