//! From the outbox to the effects queue: pointers to rows, in order within a destination.

use audit::{ActorType, Context};
use model::{Effect, EffectMessage};
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
            .send(&context, &group(&effect.destination), &deduplication_id(effect), body)
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

/// A destination as a message group: as it is where SQS takes it (at most 128 of ASCII letters, digits, punctuation), else hashed.
fn group(destination: &str) -> String {
    if !destination.is_empty() && destination.len() <= 128 && destination.bytes().all(|byte| byte.is_ascii_graphic()) {
        return destination.to_owned();
    }
    let digest = Sha256::digest(destination.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn a_destination_is_its_own_group_unless_sqs_would_refuse_it() {
        assert_eq!(group("slack:C0SECLEAD"), "slack:C0SECLEAD");
        for odd in ["", "page one", "größe", &"x".repeat(129)] {
            assert_eq!(group(odd).len(), 64, "{odd}");
        }
        assert_ne!(group("page one"), group("page two"));
    }
}
