//! Deliveries that cannot be processed are kept whole, for a person.

use audit::Context;
use model::Envelope;

use crate::{EvaluationError, Evaluator, Outcome, Report};

impl Evaluator {
    /// Keeps a delivery that cannot be processed, whole, for a person.
    ///
    /// # Errors
    /// [`EvaluationError`].
    pub async fn quarantine(
        &self,
        context: &Context,
        envelope: &Envelope,
        reason: &str,
    ) -> Result<Report, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let new = tx.quarantine(envelope, reason, self.clock.now()).await?;
        self.claim(&mut tx, Some(envelope.audit_line)).await?;
        tx.commit().await?;
        if new {
            self.audit_quarantine(context, envelope, reason);
        }
        Ok(Report::of(if new { Outcome::Quarantined } else { Outcome::Duplicate }))
    }
}
