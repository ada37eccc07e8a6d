//! The review of a merge request before its merge: read at GitLab, judged as if it had been merged now, and kept in the ledger.

use audit::Context;
use jiff::SignedDuration;
use model::{Envelope, Facts, MergeRequestEvent, MergeRequestKey, MergeTrigger, WitnessA};
use rules::review_before_merge;
use store::{NewReview, PendingEvaluation, Stage, StoreError, StoredLedgerRow, Tx};

use crate::judgement::{Judgement, later, wait};
use crate::{Evaluator, Outcome};

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
    pub(crate) async fn read_review(&self, context: &Context, facts: Facts) -> Facts {
        let api = self.gather_review(context, &facts).await;
        Facts { api, ..facts }
    }

    /// The facts of a review as a delivery tells them, before GitLab and the history are asked.
    pub(crate) fn review_facts(envelope: &Envelope, event: &MergeRequestEvent, key: &MergeRequestKey) -> Facts {
        Facts {
            merge_request: key.clone(),
            trigger: MergeTrigger {
                // Whoever acted merged nothing.
                merger: None,
                merged_at: envelope.received_at,
                merge_commit_sha: None,
                // Labels of an event are those of its time; what stands now, GitLab says.
                labels: Vec::new(),
                ..MergeTrigger::of(event)
            },
            api: WitnessA::Unreadable("not asked yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
        }
    }

    /// Judges the review, and writes decision and row if they are other than those that stand.
    pub(crate) async fn review(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: Facts,
        standing: Option<StoredLedgerRow>,
    ) -> Result<Judgement, StoreError> {
        let key = facts.merge_request.clone();
        if let WitnessA::Unreadable(unread) = &facts.api {
            let because = unread.because.clone();
            return self.review_waits(tx, context, &facts, &because, 0).await;
        }
        let now = self.clock.now();
        tx.finish_evaluation(&key, now).await?;
        let Some((verdict, review)) = review_before_merge(&facts, &self.rules) else {
            return Ok(Outcome::Recorded.into());
        };
        // Its merge's own delivery has not come yet; the verdict on it is still to be made.
        let is_merged = matches!(&facts.api, WitnessA::Answer(api) if api.state.as_deref() == Some("merged"));
        let mut row = self.ledger_row(&facts, review.clone(), is_merged, context);
        row.decision_id = standing.as_ref().and_then(|standing| standing.row.decision_id);
        if standing
            .as_ref()
            .is_some_and(|standing| standing.row.says_the_same(&row))
        {
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

    /// GitLab cannot be read: the review is looked at again later. A merge that waits already says more, and stays.
    pub(crate) async fn review_waits(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: &Facts,
        because: &str,
        attempts: i32,
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        let deadline = SignedDuration::from_mins(i64::from(self.rules.verify_deadline_minutes));
        let pending = PendingEvaluation {
            merge_request: facts.merge_request.clone(),
            stage: Stage::Review,
            trigger: facts.trigger.clone(),
            reason: because.to_owned(),
            attempts,
            next_attempt_at: later(now, wait(attempts).min(deadline)),
            deadline_at: later(now, deadline),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent.clone(),
        };
        tx.upsert_evaluation(&pending, now).await?;
        Ok(Outcome::Pending {
            because: because.to_owned(),
        }
        .into())
    }
}
