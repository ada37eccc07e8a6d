//! One message of the effects queue.

use audit::{ActorType, Context};
use jiff::SignedDuration;
use model::EffectMessage;
use runtime::batch::{BatchError, Message};
use store::{AttemptOutcome, AttemptResult, Lease, StoreError};
use trace::SpanKind;
use tracing::Instrument as _;

use crate::Notifier;
use crate::worker::Worker;

/// How long a worker holds an effect: longer than its calls can take, so that two never apply the same one.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

impl Notifier {
    pub(crate) async fn record(&self, record: Message) -> Result<(), BatchError> {
        // Only our functions write to this queue; an unreadable message ends in the dead-letter queue, which has an alarm. The
        // effect itself is a row, and the relay enqueues it again even if the message is lost.
        let message: EffectMessage = serde_json::from_str(&record.body)
            .map_err(|error| BatchError::new(format!("the message is no effect: {:?}", error.classify())))?;
        let received =
            Context::new(ActorType::WebhookEvent, message.correlation_id).with_traceparent(message.traceparent.clone());
        let mut span = self.tracer.begin(SpanKind::Consumer, "effect", &received);
        span.attribute("messaging.system", "aws_sqs");
        span.attribute("messaging.message.id", record.message_id.as_str());
        span.attribute("destination", message.destination.as_str());
        let context = span.context(&received);
        let log = tracing::info_span!(
            "effect",
            correlation_id = %message.correlation_id,
            trace_id = context.trace_id(),
            effect.id = %message.effect_id,
        );
        let done = self.carry_out(context, &message).instrument(log).await;
        span.end(done.as_ref().err().map(|_| "retry"));
        done
    }

    async fn carry_out(&self, context: &Context, message: &EffectMessage) -> Result<(), BatchError> {
        let worker = self.worker.get(context).await?;
        let done = self.with_lease(&worker, context, message).await;
        if let Err(StoreError::LoginRefused(_)) = done {
            self.worker.refused(context).await;
        }
        Ok(done?)
    }

    async fn with_lease(&self, worker: &Worker, context: &Context, message: &EffectMessage) -> Result<(), StoreError> {
        let lease = worker
            .store
            .lease_effect(message.effect_id, message.attempts, self.clock.now(), LEASE)
            .await?;
        let (effect, look_first) = match lease {
            Lease::Granted(effect) => (effect, false),
            Lease::Resolve(effect) => (effect, true),
            // During a deployment two versions run: the row is due until a worker that knows the kind takes it.
            Lease::UnknownKind(kind) => {
                tracing::warn!(
                    kind,
                    "the effect's kind is unknown to this version and left for a newer one"
                );
                return Ok(());
            }
            Lease::NotDue | Lease::Finished(_) | Lease::Lagging | Lease::Unknown => {
                tracing::info!(lease = ?lease, "nothing to do for this message");
                return Ok(());
            }
        };
        let outcome = self.attempt(worker, context, &effect, look_first).await?;
        let finish = worker
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
            self.told(&effect, &outcome);
        }
        tracing::info!(
            effect.key = effect.key,
            attempt = effect.attempts,
            outcome = ?outcome,
            finish = ?finish,
            "attempt {} at {} ended", effect.attempts, effect.key
        );
        Ok(())
    }

    fn told(&self, effect: &model::Effect, outcome: &AttemptOutcome) {
        let kind = effect.kind.as_str();
        match outcome {
            AttemptOutcome::Done { .. } => self.metrics.count_by("effects_done", "kind", kind, 1),
            AttemptOutcome::Dead { error_class, error } => {
                tracing::error!(
                    effect.key = effect.key,
                    error_class,
                    error,
                    "the target refuses the effect for good; somebody must act"
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
