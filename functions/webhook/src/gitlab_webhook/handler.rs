//! Handles one request from assessment to response: the audit lines first, then the queue.

use std::time::Duration;

use audit::Context;
use inbound::gitlab::{HookSet, Rejection, delivery_ids};
use lambda_http::Request;
use model::{AuthMethod, sha256_hex};
use runtime::aws::FifoQueue;

use super::assessment::{Assessment, IncomingRequest, WebhookRules, assess};
use super::audit_entry;
use super::derived_entries::{CommandArguments, Reported, derived_entries};
use super::envelope::{self, DeliveryMessage};
use super::origin::Origins;
use crate::http::context::RequestContext;
use crate::http::intake::Intake;
use crate::http::refusal::Refusal;
use crate::http::response::Answer;
use crate::http::route::Route;

/// How long a queue may take, including retries. GitLab waits 10 seconds and never retries: this and the time for the secret fit
/// into the function's timeout of 8 seconds.
pub const SEND_WITHIN: Duration = Duration::from_secs(6);

/// The handler, with everything a request needs.
#[derive(Debug)]
pub struct GitlabWebhook {
    intake: Intake,
    rules: WebhookRules,
    arguments: CommandArguments,
    queue: FifoQueue,
    origins: Origins,
}

impl GitlabWebhook {
    #[must_use]
    pub fn new(intake: Intake, rules: WebhookRules, arguments: CommandArguments, queue: FifoQueue) -> Self {
        Self {
            intake,
            rules,
            arguments,
            queue,
            origins: Origins::default(),
        }
    }

    pub async fn receive(&self, request_context: &RequestContext, request: &Request) -> Answer {
        let received = IncomingRequest::new(request.headers(), request.body());
        let outer = request_context.audit_context(received.traceparent);
        let span = self.intake.begin_span(Route::Webhook, &outer, received.traceparent);
        let context = span.context(&outer);
        // 1. Assess it over its exact bytes.
        let assessment = self.assess_request(request_context, context, &received).await;
        let payload_sha256 = sha256_hex(received.body);
        let method = match &assessment {
            Assessment::Forward { authentication, .. }
            | Assessment::Record { authentication, .. }
            | Assessment::Ignore { authentication, .. } => authentication.method,
            Assessment::Refuse { .. } => received.offered().unwrap_or(AuthMethod::Token),
        };
        let ids = delivery_ids(&received.headers, method, &payload_sha256);
        // 2. Audit the result before anything else can fail.
        request_context.begin_audit();
        let entry =
            audit_entry::assessed_entry(context, request_context, &received, &ids, &payload_sha256, &assessment);
        let audit_line = self.intake.audit.write(&entry);
        // 3. Queue what needs processing.
        let answer = match assessment {
            Assessment::Refuse { why, .. } => Answer::Refused(why),
            Assessment::Ignore { why, .. } => Answer::Ignored(why),
            Assessment::Record { authentication, event } => {
                let reported = Reported {
                    authentication: &authentication,
                    delivery: &ids,
                    received_at: request_context.received_at,
                };
                for entry in derived_entries(context, reported, &event, self.arguments) {
                    self.intake.audit.write(&entry);
                }
                Answer::Accepted {
                    stale: authentication.stale,
                }
            }
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
        self.intake.finish(Route::Webhook, span, answer)
    }

    /// Assesses with the current hooks. If a newer secret could change a rejection, re-reads the secret once.
    async fn assess_request(
        &self,
        request_context: &RequestContext,
        context: &Context,
        received: &IncomingRequest<'_>,
    ) -> Assessment {
        let assess_by = |hooks: &HookSet| assess(received, hooks, request_context.received_at, &self.rules);
        let may_change = |assessment: &Assessment| matches!(assessment, Assessment::Refuse { why, .. } if why.retry_with_fresh_secret());
        // A request that no token could prove is rejected without a read of the secret.
        let unproven = assess_by(&HookSet::default());
        if !matches!(&unproven, Assessment::Refuse { why, .. } if *why == Refusal::Sender(Rejection::NoSecret)) {
            return unproven;
        }
        let senders = &self.intake.senders;
        senders
            .assess_by(context, |senders| assess_by(&senders.hooks), may_change)
            .await
    }

    async fn forward(&self, context: &Context, message: DeliveryMessage) -> Result<(), Refusal> {
        let sent = self.queue.send(context, envelope::fifo_message(message)?).await;
        // The call has already written an audit entry with the details.
        sent.map_err(|_| Refusal::QueueUnavailable)
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
            self.intake.metrics.count("instance_header_mismatches", 1);
        }
    }
}

#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;
