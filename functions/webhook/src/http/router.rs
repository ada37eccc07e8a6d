//! Passes a request to the handler of its route.

use lambda_http::Request;

use super::audit_entry::refusal_entry;
use super::context::RequestContext;
use super::intake::Intake;
use super::refusal::Refusal;
use super::response::Answer;
use super::route::Route;
use crate::audit_events::handler::AuditEvents;
use crate::gitlab_stream::handler::GitlabStream;
use crate::gitlab_webhook::handler::GitlabWebhook;

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
