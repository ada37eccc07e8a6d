//! One message of the effects queue.

use audit::{ActorType, Context};
use model::EffectMessage;
use runtime::batch::{BatchError, Message};
use store::StoreError;
use trace::SpanKind;
use tracing::Instrument as _;

use crate::Notifier;

impl Notifier {
    pub(crate) async fn process_message(&self, queued: Message) -> Result<(), BatchError> {
        // Only our functions write to this queue; an unreadable message ends in the dead-letter queue, which has an alarm. The
        // effect itself is a row, and the relay enqueues it again even if the message is lost.
        let message: EffectMessage = serde_json::from_str(&queued.body)
            .map_err(|error| BatchError::new(format!("message is not a valid effect: {:?}", error.classify())))?;
        let received =
            Context::new(ActorType::WebhookEvent, message.correlation_id).with_traceparent(message.traceparent.clone());
        let mut span = self.tracer.begin(SpanKind::Consumer, "effect", &received);
        span.attribute("messaging.system", "aws_sqs");
        span.attribute("messaging.message.id", queued.message_id.as_str());
        span.attribute("destination", message.destination.as_str());
        let context = span.context(&received);
        let log = tracing::info_span!(
            "effect",
            correlation_id = %message.correlation_id,
            trace_id = context.trace_id(),
            effect.id = %message.effect_id,
        );
        let result = self.apply_message(context, &message).instrument(log).await;
        span.end(result.as_ref().err().map(|_| "retry"));
        result
    }

    async fn apply_message(&self, context: &Context, message: &EffectMessage) -> Result<(), BatchError> {
        let targets = self.targets.get(context).await?;
        let result = self.apply_leased(&targets, context, message).await;
        if let Err(StoreError::LoginRefused(_)) = result {
            self.targets.refused(context).await;
        }
        Ok(result?)
    }
}
