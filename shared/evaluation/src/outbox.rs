//! From the outbox to the effects queue: pointers to rows, in order within a destination.

use audit::{ActorType, Context};
use model::{Effect, EffectKind, EffectMessage};
use runtime::aws::{AwsError, Queue};
use sha2::{Digest, Sha256};

/// The effects queue. The rows are the truth; a message that is lost is sent again by the relay.
#[derive(Debug, Clone)]
pub struct Outbox {
    queue: Queue,
}

impl Outbox {
    /// Over the given queue.
    #[must_use]
    pub fn new(queue: Queue) -> Self {
        Self { queue }
    }

    /// Enqueues one effect. The group is its destination, which serialises our own writes there; the deduplication id names the
    /// attempt and the change of the row that calls for it, so that sending it twice is sending it once, while an effect that was
    /// superseded and is pending again is sent again.
    ///
    /// # Errors
    /// If the queue did not confirm. Nothing is lost: the relay finds the row when it is due.
    pub async fn enqueue(&self, effect: &Effect) -> Result<(), AwsError> {
        let message = EffectMessage {
            effect_id: effect.id,
            attempts: effect.attempts,
            destination: effect.destination.clone(),
            correlation_id: effect.correlation_id,
            traceparent: effect.traceparent.clone(),
        };
        let context =
            Context::new(ActorType::WebhookEvent, effect.correlation_id).with_traceparent(effect.traceparent.clone());
        let body = serde_json::json!(message).to_string();
        self.queue
            .send(&context, &group(effect), &deduplication_id(effect), body)
            .await
    }

    /// Enqueues several at once; one that fails is logged and left to the relay.
    pub async fn enqueue_all(&self, effects: &[Effect]) {
        let sent = effects.iter().map(async |effect| {
            if let Err(error) = self.enqueue(effect).await {
                tracing::warn!(effect.id = %effect.id, error = %error, "an effect could not be enqueued; the relay will");
            }
        });
        futures::future::join_all(sent).await;
    }
}

fn deduplication_id(effect: &Effect) -> String {
    format!(
        "{}-{}-{}",
        effect.id,
        effect.attempts,
        effect.updated_at.as_microsecond()
    )
}

/// The message group of an effect. A kind that the previous release does not know has a group to itself: after a rollback its messages
/// are retried, and must not hold up the alerts behind them.
fn group(effect: &Effect) -> String {
    match effect.kind {
        EffectKind::SlackExceptionUpdate => accepted(&format!("{}:{}", effect.destination, effect.kind.as_str())),
        _ => accepted(&effect.destination),
    }
}

/// A name of a group as SQS accepts it (at most 128 of ASCII letters, digits, punctuation), else hashed.
fn accepted(name: &str) -> String {
    if !name.is_empty() && name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn a_destination_is_its_own_group_unless_sqs_would_refuse_it() {
        assert_eq!(accepted("slack:C0SECLEAD"), "slack:C0SECLEAD");
        for odd in ["", "page one", "größe", &"x".repeat(129)] {
            assert_eq!(accepted(odd).len(), 64, "{odd}");
        }
        assert_ne!(accepted("page one"), accepted("page two"));
    }
}
