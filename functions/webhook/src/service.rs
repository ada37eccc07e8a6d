//! One request from assessment to answer: the audit line first, then the queue.

use std::sync::Arc;
use std::time::Duration;

use audit::{ActorType, Context, Writer};
use gitlab::{HookSet, Rejection, Tolerance, delivery_ids};
use jiff::SignedDuration;
use lambda_http::Request;
use model::AuthMethod;
use model::sha256_hex;
use runtime::aws::{FifoMessage, FifoQueue};
use runtime::metrics::Metrics;
use runtime::secrets::SecretCache;
use trace::{Span, SpanKind, Tracer};

use crate::answer::Answer;
use crate::envelope::{self, Message};
use crate::gateway::Ingress;
use crate::judge::{Judgement, Received, judge};
use crate::origin::Origins;
use crate::refusal::Refusal;
use crate::{traceparent, verification};

/// How recent the last read of the secret must be for a failed verification to be final. A sender of forged requests thus causes at
/// most one read in this time.
const LOOK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// How long the queue may take, including retries. GitLab waits 10 seconds and never repeats: this and the time for the secret fit
/// into the function's timeout of 8 seconds.
pub const SEND_WITHIN: Duration = Duration::from_secs(6);

/// How long a request waits for a new read of the secret. There is at most one such read per request.
const SECRET_WITHIN: Duration = Duration::from_millis(1_500);

/// Everything a request needs.
#[derive(Debug)]
pub struct Service {
    tolerance: Tolerance,
    hooks: SecretCache<HookSet>,
    queue: FifoQueue,
    audit: Writer,
    metrics: Metrics,
    tracer: Tracer,
    origins: Origins,
}

impl Service {
    /// A service with its clients.
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

    /// The same service, with a span for each request.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    pub async fn receive(&self, ingress: &Ingress, request: &Request) -> Answer {
        let received = Received::new(request.headers(), request.body());
        let outer = context(ingress, received.traceparent);
        let span = self.begin(&outer, received.traceparent);
        let context = span.context(&outer);
        let judgement = self.judged(ingress, context, &received).await;
        let payload_sha256 = sha256_hex(received.body);
        let method = match &judgement {
            Judgement::Forward { authentication, .. } | Judgement::Ignore { authentication, .. } => {
                authentication.method
            }
            Judgement::Refuse { .. } => received.offered().unwrap_or(AuthMethod::Token),
        };
        let ids = delivery_ids(&received.headers, method, &payload_sha256);
        ingress.begin_audit();
        let entry = verification::entry(context, ingress, &received, &ids, &payload_sha256, &judgement);
        let audit_line = self.audit.write(&entry);
        let answer = match judgement {
            Judgement::Refuse { why, .. } => Answer::Refused(why),
            Judgement::Ignore { why, .. } => Answer::Ignored(why),
            Judgement::Forward {
                authentication,
                content,
            } => {
                let stale = authentication.stale;
                self.compare_origin(&authentication.instance, received.gitlab_instance);
                let traceparent = context.traceparent.as_deref();
                let message = envelope::seal(
                    ingress,
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
        self.answered(span, answer)
    }

    /// Rejects a request that cannot be assessed.
    pub fn refuse(&self, ingress: &Ingress, why: Refusal) -> Answer {
        let outer = context(ingress, None);
        let span = self.begin(&outer, None);
        if ingress.begin_audit() {
            let context = span.context(&outer);
            self.audit.write(&verification::entry_of_refusal(context, ingress, why));
        }
        self.answered(span, Answer::Refused(why))
    }

    /// The span of a request (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>).
    fn begin(&self, context: &Context, traceparent: Option<&str>) -> Span {
        const NAME: &str = "POST /webhook";
        match traceparent::senders(traceparent) {
            Some(_) => self.tracer.begin(SpanKind::Server, NAME, context),
            None => self.tracer.begin_trace(SpanKind::Server, NAME, context),
        }
    }

    /// Assesses with the current hooks; if a newer secret could change a rejection, reads the secret once more.
    async fn judged(&self, ingress: &Ingress, context: &Context, received: &Received<'_>) -> Judgement {
        let by = |hooks: &HookSet| judge(received, hooks, ingress.received_at, self.tolerance);
        let curable = |judgement: &Judgement| matches!(judgement, Judgement::Refuse { why, .. } if why.may_be_cured_by_a_newer_secret());
        // What no token could prove is rejected without a read of the secret.
        let unproven = by(&HookSet::default());
        if !matches!(&unproven, Judgement::Refuse { why, .. } if *why == Refusal::Gitlab(Rejection::NoSecret)) {
            return unproven;
        }
        let hooks = self.known_hooks(context).await;
        let judgement = by(&hooks);
        if !curable(&judgement) {
            return judgement;
        }
        let again = self.hooks.refresh_if_older_than(LOOK_AGAIN_AFTER, context);
        match tokio::time::timeout(SECRET_WITHIN, again).await {
            Ok(Ok(Some(hooks))) => by(&hooks),
            Ok(Ok(None)) => judgement,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the webhook secret could not be looked at again");
                judgement
            }
            Err(_) => {
                tracing::warn!("the webhook secret was not looked at again: Secrets Manager took too long");
                judgement
            }
        }
    }

    /// The hooks of the secret; empty if it cannot be read in time.
    async fn known_hooks(&self, context: &Context) -> Arc<HookSet> {
        let read = tokio::time::timeout(SECRET_WITHIN, self.hooks.get(context)).await;
        let hooks = match read {
            Ok(Ok(hooks)) => Some(hooks),
            Ok(Err(error)) => {
                tracing::error!(%error, "no webhook secret: nothing can be authenticated");
                None
            }
            Err(_) => {
                tracing::error!(
                    "Secrets Manager took too long: the webhook secret read before is used, if there is one"
                );
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
                "an authentic delivery names another GitLab than usual in X-Gitlab-Instance: is the token used by two?"
            );
            self.metrics.count("instance_header_mismatches", 1);
        }
    }

    async fn forward(&self, context: &Context, message: Message) -> Result<(), Refusal> {
        let body = serde_json::to_string(&message.envelope).map_err(|_| Refusal::Internal)?;
        let message = FifoMessage {
            group: message.group,
            deduplication_id: message.deduplication_id,
            body,
        };
        let sent = self.queue.send(context, message).await;
        // The call has written its own audit entry with the details.
        sent.map_err(|_| Refusal::QueueUnavailable)
    }

    fn answered(&self, mut span: Span, answer: Answer) -> Answer {
        self.metrics.count_by("deliveries_received", "status", answer.word(), 1);
        if let Answer::Refused(refusal) = answer
            && !refusal.is_ours()
        {
            self.metrics
                .count_by("deliveries_rejected", "reason", refusal.recorded(), 1);
        }
        let status = answer.status();
        span.attribute("http.response.status_code", status.as_u16());
        // A sender's error is not our failure.
        span.end(status.is_server_error().then_some(answer.word()));
        answer
    }
}

fn context(ingress: &Ingress, traceparent: Option<&str>) -> Context {
    let trace = traceparent::of(traceparent, ingress.xray_trace_id.as_deref());
    Context::new(ActorType::WebhookEvent, ingress.correlation_id).with_traceparent(trace)
}

#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;
