//! One message of the deliveries queue.

use app::{App, AppError, DeliveryOutcome, DeliveryReport};
use audit::{ActorType, Context};
use model::{Content, Envelope};
use runtime::batch::{BatchError, Message};
use trace::SpanKind;
use tracing::Instrument as _;

use crate::Processor;

impl Processor {
    pub(crate) async fn process(&self, message: Message) -> Result<(), BatchError> {
        // Our webhook function alone writes to the queue. An invalid envelope, or one of a later version during a deployment, is
        // left for a function that can read it; finally the dead-letter queue keeps it and raises its alarm.
        let mut envelope: Envelope = serde_json::from_str(&message.body)
            .map_err(|error| BatchError::new(format!("message is not a valid envelope: {:?}", error.classify())))?;
        if !(Envelope::VERSION..=Envelope::NEWEST).contains(&envelope.version) {
            return Err(BatchError::new(format!(
                "unsupported envelope version {}; this function supports up to {}",
                envelope.version,
                Envelope::NEWEST
            )));
        }
        let received = Context::new(ActorType::WebhookEvent, envelope.correlation_id)
            .with_traceparent(envelope.traceparent.take());
        let mut span = self.tracer.begin(SpanKind::Consumer, "delivery", &received);
        let context = span.context(&received).clone();
        // Rows, effects and calls continue this trace.
        envelope.traceparent.clone_from(&context.traceparent);
        let merge_request = envelope.merge_request().map(|key| key.to_string());
        span.attribute("messaging.system", "aws_sqs");
        span.attribute("messaging.message.id", message.message_id.as_str());
        span.attribute("merge_request", merge_request.as_deref().unwrap_or_default());
        let log = tracing::info_span!(
            "delivery",
            correlation_id = %envelope.correlation_id,
            trace_id = context.trace_id(),
            merge_request,
        );
        let result = self.deliver(&context, &envelope).instrument(log).await;
        span.end(result.as_ref().err().map(|_| "retry"));
        result
    }

    async fn deliver(&self, context: &Context, envelope: &Envelope) -> Result<(), BatchError> {
        let app = self.app.get(context).await?;
        let report = match app::process_delivery(&app, envelope).await {
            Ok(report) => report,
            Err(error) if error.is_retryable() => return Err(self.retryable(error, context).await),
            Err(error) => self.quarantine(&app, context, envelope, &error).await?,
        };
        self.outbox.enqueue_all(&report.effects).await;
        self.measure(envelope, &report);
        let action = match &envelope.content {
            Content::MergeRequest(event) => event.action.as_str(),
            Content::Unexpected { .. } => "unexpected",
            Content::GitlabAudit { .. } => "gitlab_audit",
        };
        let outcome = report.outcome.as_str();
        tracing::info!(
            action,
            outcome,
            effects = report.effects.len(),
            "processed {action} delivery: {outcome}"
        );
        Ok(())
    }

    async fn retryable(&self, error: AppError, context: &Context) -> BatchError {
        if matches!(error.0, store::StoreError::LoginRefused(_)) {
            self.app.refused(context).await;
        }
        error.into()
    }

    /// Quarantine: a retry would fail the same way forever and block its merge request. Kept whole, with an alarm.
    async fn quarantine(
        &self,
        app: &App,
        context: &Context,
        envelope: &Envelope,
        error: &AppError,
    ) -> Result<DeliveryReport, BatchError> {
        tracing::error!(error = %error, "delivery cannot be processed; moving it to quarantine");
        Ok(app::quarantine_delivery(app, context, envelope, &error.to_string()).await?)
    }

    fn measure(&self, envelope: &Envelope, report: &DeliveryReport) {
        self.metrics
            .count_by("deliveries", "outcome", report.outcome.as_str(), 1);
        if let DeliveryOutcome::Pending { because } = &report.outcome {
            tracing::warn!(because, "GitLab is unavailable; the verdict is pending");
        }
        if let DeliveryOutcome::Decided(_) = &report.outcome {
            self.metrics.count_by("verdicts", "outcome", report.outcome.as_str(), 1);
        }
        for metric in report.counted() {
            self.metrics.count(metric, 1);
        }
        if envelope.authentication.stale {
            self.metrics.count("deliveries_stale", 1);
        }
    }
}
