//! The lease on one effect: committed before the call, and ended with the outcome after it.

use audit::Context;
use jiff::SignedDuration;
use model::EffectMessage;
use store::{AttemptOutcome, AttemptResult, Lease, StoreError};

use crate::Notifier;
use crate::effects::{EffectContext, apply_effect};
use crate::targets::Targets;

/// How long a worker holds an effect: longer than its calls can take, so that two never apply the same one.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

impl Notifier {
    pub(crate) async fn apply_leased(
        &self,
        targets: &Targets,
        context: &Context,
        message: &EffectMessage,
    ) -> Result<(), StoreError> {
        let lease = targets
            .store
            .lease_effect(message.effect_id, message.attempts, self.clock.now(), LEASE)
            .await?;
        let (effect, check_first) = match lease {
            Lease::Granted(effect) => (effect, false),
            Lease::Resolve(effect) => (effect, true),
            // During a deployment two versions run: the row is due until a worker that knows the kind takes it.
            Lease::UnknownKind(kind) => {
                tracing::warn!(
                    kind,
                    "this version does not know the effect's kind; leaving it to a newer version"
                );
                return Ok(());
            }
            Lease::NotDue | Lease::Finished(_) | Lease::Lagging | Lease::Unknown => {
                tracing::info!(lease = ?lease, "nothing to do for this message");
                return Ok(());
            }
        };
        let attempt = EffectContext {
            context,
            effect: &effect,
            check_first,
            dry_run: self.dry_run,
        };
        let applied = apply_effect(targets, &attempt).await;
        let outcome = self.outcome_of(&attempt, applied).await?;
        let finish = targets
            .store
            .finish_attempt(
                effect.id,
                effect.attempts,
                &outcome,
                self.audit.position(),
                self.clock.now(),
            )
            .await?;
        // A late outcome changed nothing: the worker that took over the lease reports the effect.
        if finish == AttemptResult::Applied {
            self.count_outcome(&effect, &outcome);
        }
        tracing::info!(
            effect.key = effect.key,
            attempt = effect.attempts,
            outcome = ?outcome,
            finish = ?finish,
            "finished attempt {} at {}", effect.attempts, effect.key
        );
        Ok(())
    }

    fn count_outcome(&self, effect: &model::Effect, outcome: &AttemptOutcome) {
        let kind = effect.kind.as_str();
        match outcome {
            AttemptOutcome::Done { .. } => self.metrics.count_by("effects_done", "kind", kind, 1),
            AttemptOutcome::Dead { error_class, error } => {
                tracing::error!(
                    effect.key = effect.key,
                    error_class,
                    error,
                    "target permanently rejected the effect; needs manual intervention"
                );
                self.metrics.count("effects_dead", 1);
            }
            AttemptOutcome::Retry { .. } | AttemptOutcome::Ambiguous { .. } => {
                self.metrics.count_by("effects_retried", "kind", kind, 1);
            }
            AttemptOutcome::Suppressed | AttemptOutcome::Superseded { .. } | AttemptOutcome::NotSent => (),
        }
    }
}
