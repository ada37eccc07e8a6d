//! Pending evaluations: GitLab was not readable at the merge; tried again until it is, or until the deadline.

use audit::{ActorType, Context};
use model::{Facts, WitnessA};
use store::{PendingEvaluation, Stage};

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
        if pending.stage == Stage::Review {
            return self.retry_review(&context, pending).await;
        }
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

    /// A review before the merge. Past the deadline it is given up: the next event, or the merge, looks again.
    async fn retry_review(&self, context: &Context, pending: &PendingEvaluation) -> Result<Report, EvaluationError> {
        let key = &pending.merge_request;
        let unread = Facts {
            merge_request: key.clone(),
            trigger: pending.trigger.clone(),
            api: WitnessA::Unreadable("not asked yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
        };
        let facts = self.read_review(context, unread).await;
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        let waits = tx
            .pending_evaluation(key)
            .await?
            .is_some_and(|waiting| waiting.stage == Stage::Review);
        if !waits || tx.latest_decision(key).await?.is_some() {
            tx.finish_evaluation(key, self.clock.now()).await?;
            tx.commit().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        let judgement = match &facts.api {
            WitnessA::Unreadable(_) if self.clock.now() >= pending.deadline_at => {
                tx.finish_evaluation(key, self.clock.now()).await?;
                Outcome::Unchanged.into()
            }
            WitnessA::Unreadable(unread) => {
                let (because, attempts) = (unread.because.clone(), pending.attempts.saturating_add(1));
                self.review_waits(&mut tx, context, &facts, &because, attempts).await?
            }
            _ => {
                let facts = Facts {
                    history: tx.history(key).await?,
                    ..facts
                };
                let standing = tx.ledger_row(key).await?;
                self.review(&mut tx, context, facts, standing).await?
            }
        };
        self.claim(&mut tx, None).await?;
        self.commit(tx, context, key, judgement).await
    }
}
