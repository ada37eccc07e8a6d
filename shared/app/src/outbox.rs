//! From the outbox to the effects queue: pointers to rows, in order per destination.

use audit::{ActorType, Context};
use model::{Effect, EffectKind, EffectMessage};
use runtime::aws::{AwsError, FifoMessage, FifoQueue, sqs_id};

/// The effects queue. The rows are authoritative; the relay sends a lost message again.
#[derive(Debug, Clone)]
pub struct Outbox {
    queue: FifoQueue,
}

impl Outbox {
    /// Uses the given queue.
    #[must_use]
    pub fn new(queue: FifoQueue) -> Self {
        Self { queue }
    }

    /// Enqueues one effect.
    ///
    /// # Errors
    /// If the queue did not confirm. Nothing is lost: the relay enqueues the row when it is due.
    pub async fn enqueue(&self, effect: &Effect) -> Result<(), AwsError> {
        self.queue.send(&context_of(effect), message_of(effect)).await
    }

    /// Enqueues the effects of one delivery together; a failed one is logged and left to the relay.
    pub async fn enqueue_all(&self, effects: &[Effect]) {
        let Some(first) = effects.first() else {
            return;
        };
        let messages = effects.iter().map(message_of).collect();
        let sent = self.queue.send_batch(&context_of(first), messages).await;
        for (effect, sent) in effects.iter().zip(sent) {
            if let Err(error) = sent {
                tracing::warn!(effect.id = %effect.id, error = %error, "could not enqueue an effect; the relay will retry");
            }
        }
    }
}

fn context_of(effect: &Effect) -> Context {
    Context::new(ActorType::WebhookEvent, effect.correlation_id).with_traceparent(effect.traceparent.clone())
}

/// The group is the destination, which serialises our writes there. The deduplication id contains the attempt and the row's last
/// change, so that duplicates are dropped, while an effect that was superseded and is pending again is sent again.
fn message_of(effect: &Effect) -> FifoMessage {
    let message = EffectMessage {
        effect_id: effect.id,
        attempts: effect.attempts,
        destination: effect.destination.clone(),
        correlation_id: effect.correlation_id,
        traceparent: effect.traceparent.clone(),
    };
    let changed_at = effect.updated_at.as_microsecond();
    FifoMessage {
        group: group(effect),
        deduplication_id: format!("{}-{}-{changed_at}", effect.id, effect.attempts),
        body: serde_json::json!(message).to_string(),
    }
}

/// The message group of an effect. A kind unknown to the previous release has a separate group: after a rollback its messages are
/// retried, and must not block the alerts behind them.
fn group(effect: &Effect) -> String {
    match effect.kind {
        EffectKind::SlackExceptionUpdate => sqs_id(format!("{}:{}", effect.destination, effect.kind.as_str())),
        _ => sqs_id(effect.destination.clone()),
    }
}
