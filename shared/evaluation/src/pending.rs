//! What waits for GitLab: verdicts, tried again until it is readable, or until the deadline; and reviews, until it is.

use audit::{ActorType, Context};
use model::{Facts, WitnessA};
use store::{PendingEvaluation, PendingReview};

use crate::{EvaluationError, Evaluator, Outcome, Report};

impl Evaluator {
    /// Tries a pending evaluation again. Safe to run twice at once: the merge request's lock lets one after the other, and the
    /// second finds the decision of the first.
    ///
    /// # Errors
    /// [`EvaluationError`]: the evaluation stays pending and comes up again.
    pub async fn retry(&self, pending: &PendingEvaluation) -> Result<Report, EvaluationError> {
        let context =
            Context::new(ActorType::WebhookEvent, pending.correlation_id).with_traceparent(pending.traceparent.clone());
        let key = &pending.merge_request;
        let mut facts = Facts {
            merge_request: key.clone(),
            trigger: pending.trigger.clone(),
            api: model::WitnessA::Unreadable("not asked yet".to_owned().into()),
            deadline_passed: self.clock.now() >= pending.deadline_at,
            history: Vec::new(),
        };
        // The history as it is now tells whether a label has come into sight since.
        let mut tx = self.store.begin().await?;
        facts.history = tx.history(key).await?;
        tx.rollback().await?;
        facts.api = self.gather(&context, &facts).await;

        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        if tx.pending_evaluation(key).await?.is_none() {
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        facts.history = tx.history(key).await?;
        let judgement = self
            .judge(&mut tx, &context, facts, pending.attempts.saturating_add(1))
            .await?;
        self.claim(&mut tx, None).await?;
        self.commit(tx, &context, key, judgement).await
    }

    /// Looks at a review before the merge again.
    ///
    /// # Errors
    /// [`EvaluationError`]: the review stays pending and comes up again.
    pub async fn retry_review(&self, pending: &PendingReview) -> Result<Report, EvaluationError> {
        let context =
            Context::new(ActorType::WebhookEvent, pending.correlation_id).with_traceparent(pending.traceparent.clone());
        let key = &pending.merge_request;
        let unread = Facts {
            merge_request: key.clone(),
            trigger: pending.trigger.clone(),
            api: WitnessA::Unreadable("not asked yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
        };
        let reading = self.read_review(&context, unread).await;
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        let row = tx.ledger_row(key).await?;
        if tx.pending_review(key).await?.is_none() {
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        if tx.latest_decision(key).await?.is_some() {
            tx.finish_pending_review(key, None, self.clock.now()).await?;
            tx.commit().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        let Some(reading) = reading.unless_older(row.as_ref()) else {
            // Whoever read later has written the row; this one comes up again.
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        };
        let attempts = pending.attempts.saturating_add(1);
        let judgement = self.review(&mut tx, &context, reading, row, attempts).await?;
        self.claim(&mut tx, None).await?;
        self.commit(tx, &context, key, judgement).await
    }
}
