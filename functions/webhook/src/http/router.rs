//! Selects the handler of a request, by path and method.

use audit::{Action, Target};
use lambda_http::Request;

use super::context::RequestContext;
use super::intake::Intake;
use super::refusal::Refusal;
use super::response::Answer;
use crate::audit_events::handler::AuditEvents;
use crate::gitlab_stream::handler::GitlabStream;
use crate::gitlab_webhook::audit_entry::refusal_entry;
use crate::gitlab_webhook::handler::GitlabWebhook;

/// Every path that is served; each has its own throttling in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// GitLab's webhooks.
    Webhook,
    /// Entries of other services.
    AuditEvents,
    /// GitLab's audit event streams.
    AuditGitlab,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::AuditEvents, Self::AuditGitlab];

    /// The route of a request.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::MethodNotAllowed`], with the route as far as it is known.
    pub fn find(path: &str, method: &str) -> Result<Self, (Self, Refusal)> {
        match Self::ALL.into_iter().find(|route| route.path() == path) {
            None => Err((Self::Webhook, Refusal::NotFound)),
            Some(route) if method == "POST" => Ok(route),
            Some(route) => Err((route, Refusal::MethodNotAllowed)),
        }
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/webhook",
            Self::AuditEvents => "/audit/events",
            Self::AuditGitlab => "/audit/gitlab",
        }
    }

    pub(super) const fn span_name(self) -> &'static str {
        match self {
            Self::Webhook => "POST /webhook",
            Self::AuditEvents => "POST /audit/events",
            Self::AuditGitlab => "POST /audit/gitlab",
        }
    }

    /// The metrics of requests by status, and of rejected ones by reason.
    pub(super) const fn metrics(self) -> (&'static str, &'static str) {
        match self {
            Self::Webhook => ("deliveries_received", "deliveries_rejected"),
            Self::AuditEvents => ("producer_requests", "producer_requests_rejected"),
            Self::AuditGitlab => ("gitlab_audit_requests", "gitlab_audit_requests_rejected"),
        }
    }

    /// The action that audits each request of the route.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Webhook | Self::AuditGitlab => Action::WebhookAuthVerify,
            Self::AuditEvents => Action::AuditProducerVerify,
        }
    }

    /// The route itself as a target, if nothing better is known.
    pub(crate) fn endpoint(self) -> Target {
        Target::other("endpoint", self.path())
    }
}

/// The handler of each route.
#[derive(Debug)]
pub struct Router {
    pub intake: Intake,
    pub gitlab_webhook: GitlabWebhook,
    pub audit_events: AuditEvents,
    pub gitlab_stream: GitlabStream,
}

impl Router {
    /// Passes a request to the handler of its route.
    pub async fn handle(&self, route: Route, context: &RequestContext, request: &Request) -> Answer {
        match route {
            Route::Webhook => self.gitlab_webhook.receive(context, request).await,
            Route::AuditEvents => self.audit_events.receive(context, request).await,
            Route::AuditGitlab => self.gitlab_stream.receive(context, request).await,
        }
    }

    /// Rejects a request that reaches no handler.
    pub fn refuse(&self, route: Route, request_context: &RequestContext, why: Refusal) -> Answer {
        let outer = request_context.audit_context(None);
        let span = self.intake.begin_span(route, &outer, None);
        if request_context.begin_audit() {
            let context = span.context(&outer);
            self.intake
                .audit
                .write(&refusal_entry(context, request_context, route, why));
        }
        self.intake.finish(route, span, Answer::Refused(why))
    }
}
