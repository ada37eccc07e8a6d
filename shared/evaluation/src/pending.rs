//! Pending evaluations: GitLab was not readable at the merge; tried again until it is, or until the deadline.

use audit::{ActorType, Context};
use model::Facts;
use store::PendingEvaluation;

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
        let standing = tx.latest_decision(key).await?;
        if tx.pending_evaluation(key).await?.is_none() {
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        facts.history = tx.history(key).await?;
        let judgement = self
            .judge(
                &mut tx,
                &context,
                facts,
                pending.attempts.saturating_add(1),
                standing.as_ref(),
            )
            .await?;
        self.claim(&mut tx, None).await?;
        self.commit(tx, &context, key, judgement).await
    }
}
