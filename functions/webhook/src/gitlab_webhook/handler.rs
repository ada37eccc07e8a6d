//! Handles one request from assessment to response: the audit line first, then the queue.

use std::sync::Arc;
use std::time::Duration;

use audit::{Context, Writer};
use inbound::gitlab::{HookSet, Rejection, Tolerance, delivery_ids};
use jiff::SignedDuration;
use lambda_http::Request;
use model::AuthMethod;
use model::sha256_hex;
use runtime::aws::{FifoMessage, FifoQueue};
use runtime::metrics::Metrics;
use runtime::secrets::SecretCache;
use trace::{Span, SpanKind, Tracer};

use super::assessment::{Assessment, IncomingRequest, assess};
use super::audit_entry;
use super::envelope::{self, DeliveryMessage};
use super::origin::Origins;
use crate::http::context::RequestContext;
use crate::http::refusal::Refusal;
use crate::http::response::Answer;
use crate::http::traceparent;

/// How recent the last read of the secret must be for a failed verification to be final. Forged requests thus cause at most one read
/// in this time.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// How long the queue may take, including retries. GitLab waits 10 seconds and never retries: this and the time for the secret fit
/// into the function's timeout of 8 seconds.
pub const SEND_WITHIN: Duration = Duration::from_secs(6);

/// How long a request waits for a new read of the secret. There is at most one such read per request.
const SECRET_WITHIN: Duration = Duration::from_millis(1_500);

/// The handler, with everything a request needs.
#[derive(Debug)]
pub struct GitlabWebhook {
    tolerance: Tolerance,
    hooks: SecretCache<HookSet>,
    queue: FifoQueue,
    audit: Writer,
    metrics: Metrics,
    tracer: Tracer,
    origins: Origins,
}

impl GitlabWebhook {
    /// A handler with its clients.
    #[must_use]
    pub fn new(
        tolerance: Tolerance,
        hooks: SecretCache<HookSet>,
        queue: FifoQueue,
        audit: Writer,
        metrics: Metrics,
    ) -> Self {
        Self {
            tolerance,
            hooks,
            queue,
            audit,
            metrics,
            tracer: Tracer::off(),
            origins: Origins::default(),
        }
    }

    /// The same handler, with a span for each request.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    pub async fn receive(&self, request_context: &RequestContext, request: &Request) -> Answer {
        let received = IncomingRequest::new(request.headers(), request.body());
        let outer = request_context.audit_context(received.traceparent);
        let span = self.begin_span(&outer, received.traceparent);
        let context = span.context(&outer);
        // 1. Assess it over its exact bytes.
        let assessment = self.assess_request(request_context, context, &received).await;
        let payload_sha256 = sha256_hex(received.body);
        let method = match &assessment {
            Assessment::Forward { authentication, .. } | Assessment::Ignore { authentication, .. } => {
                authentication.method
            }
            Assessment::Refuse { .. } => received.offered().unwrap_or(AuthMethod::Token),
        };
        let ids = delivery_ids(&received.headers, method, &payload_sha256);
        // 2. Audit the result before anything else can fail.
        request_context.begin_audit();
        let entry =
            audit_entry::assessed_entry(context, request_context, &received, &ids, &payload_sha256, &assessment);
        let audit_line = self.audit.write(&entry);
        // 3. Queue what needs processing.
        let answer = match assessment {
            Assessment::Refuse { why, .. } => Answer::Refused(why),
            Assessment::Ignore { why, .. } => Answer::Ignored(why),
            Assessment::Forward {
                authentication,
                content,
            } => {
                let stale = authentication.stale;
                self.compare_origin(&authentication.instance, received.gitlab_instance);
                let traceparent = context.traceparent.as_deref();
                let message = envelope::build_message(
                    request_context,
                    traceparent,
                    authentication,
                    ids,
                    payload_sha256,
                    audit_line,
                    content,
                );
                self.forward(context, message)
                    .await
                    .map_or_else(Answer::Refused, |()| Answer::Accepted { stale })
            }
        };
        self.finish(span, answer)
    }

    /// Rejects a request that cannot be assessed.
    pub fn refuse(&self, request_context: &RequestContext, why: Refusal) -> Answer {
        let outer = request_context.audit_context(None);
        let span = self.begin_span(&outer, None);
        if request_context.begin_audit() {
            let context = span.context(&outer);
            self.audit
                .write(&audit_entry::refusal_entry(context, request_context, why));
        }
        self.finish(span, Answer::Refused(why))
    }

    /// The span of a request (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>).
    fn begin_span(&self, context: &Context, traceparent: Option<&str>) -> Span {
        const NAME: &str = "POST /webhook";
        match traceparent::sender_trace(traceparent) {
            Some(_) => self.tracer.begin(SpanKind::Server, NAME, context),
            None => self.tracer.begin_trace(SpanKind::Server, NAME, context),
        }
    }

    /// Assesses with the current hooks. If a newer secret could change a rejection, re-reads the secret once.
    async fn assess_request(
        &self,
        request_context: &RequestContext,
        context: &Context,
        received: &IncomingRequest<'_>,
    ) -> Assessment {
        let assess_by = |hooks: &HookSet| assess(received, hooks, request_context.received_at, self.tolerance);
        let may_change = |assessment: &Assessment| matches!(assessment, Assessment::Refuse { why, .. } if why.retry_with_fresh_secret());
        // A request that no token could prove is rejected without a read of the secret.
        let unproven = assess_by(&HookSet::default());
        if !matches!(&unproven, Assessment::Refuse { why, .. } if *why == Refusal::Gitlab(Rejection::NoSecret)) {
            return unproven;
        }
        let hooks = self.known_hooks(context).await;
        let assessment = assess_by(&hooks);
        if !may_change(&assessment) {
            return assessment;
        }
        let again = self.hooks.refresh_if_older_than(REFRESH_AFTER, context);
        match tokio::time::timeout(SECRET_WITHIN, again).await {
            Ok(Ok(Some(hooks))) => assess_by(&hooks),
            Ok(Ok(None)) => assessment,
            Ok(Err(error)) => {
                tracing::warn!(%error, "failed to re-read the webhook secret");
                assessment
            }
            Err(_) => {
                tracing::warn!("timed out re-reading the webhook secret");
                assessment
            }
        }
    }

    /// The hooks of the secret; empty if it cannot be read in time.
    async fn known_hooks(&self, context: &Context) -> Arc<HookSet> {
        let read = tokio::time::timeout(SECRET_WITHIN, self.hooks.get(context)).await;
        let hooks = match read {
            Ok(Ok(hooks)) => Some(hooks),
            Ok(Err(error)) => {
                tracing::error!(%error, "webhook secret unavailable; answering deliveries with 503");
                None
            }
            Err(_) => {
                tracing::error!("timed out reading the webhook secret; using the cached one, if any");
                self.hooks.kept().await
            }
        };
        hooks.unwrap_or_default()
    }

    fn compare_origin(&self, instance: &str, named: Option<&str>) {
        if let Some(unusual) = self.origins.unusual(instance, named) {
            let (named, before) = (unusual.named.as_str(), unusual.before.as_deref());
            tracing::warn!(
                instance,
                named,
                before,
                "X-Gitlab-Instance differs from earlier deliveries; check whether two instances use the same token"
            );
            self.metrics.count("instance_header_mismatches", 1);
        }
    }

    async fn forward(&self, context: &Context, message: DeliveryMessage) -> Result<(), Refusal> {
        let body = serde_json::to_string(&message.envelope).map_err(|_| Refusal::Internal)?;
        let message = FifoMessage {
            group: message.group,
            deduplication_id: message.deduplication_id,
            body,
        };
        let sent = self.queue.send(context, message).await;
        // The call has already written an audit entry with the details.
        sent.map_err(|_| Refusal::QueueUnavailable)
    }

    fn finish(&self, mut span: Span, answer: Answer) -> Answer {
        self.metrics
            .count_by("deliveries_received", "status", answer.status_name(), 1);
        if let Answer::Refused(refusal) = answer
            && !refusal.is_ours()
        {
            self.metrics
                .count_by("deliveries_rejected", "reason", refusal.audit_reason(), 1);
        }
        let status = answer.status();
        span.attribute("http.response.status_code", status.as_u16());
        // A sender's error is not a failure of this service.
        span.end(status.is_server_error().then_some(answer.status_name()));
        answer
    }
}

#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;
