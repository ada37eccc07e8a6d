//! Selects the handler of a request, by path and method.

use lambda_http::Request;

use super::context::RequestContext;
use super::refusal::Refusal;
use super::response::Answer;
use crate::gitlab_webhook::handler::GitlabWebhook;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    GitlabWebhook,
}

impl Route {
    /// The route of a request.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::MethodNotAllowed`].
    pub fn find(path: &str, method: &str) -> Result<Self, Refusal> {
        let route = match path {
            "/webhook" => Self::GitlabWebhook,
            _ => return Err(Refusal::NotFound),
        };
        if method == "POST" {
            Ok(route)
        } else {
            Err(Refusal::MethodNotAllowed)
        }
    }
}

/// The handler of each route.
#[derive(Debug)]
pub struct Router {
    pub gitlab_webhook: GitlabWebhook,
}

impl Router {
    /// Passes a request to the handler of its route.
    pub async fn handle(&self, route: Route, context: &RequestContext, request: &Request) -> Answer {
        match route {
            Route::GitlabWebhook => self.gitlab_webhook.receive(context, request).await,
        }
    }

    /// Rejects a request that reaches no handler.
    pub fn refuse(&self, context: &RequestContext, why: Refusal) -> Answer {
        self.gitlab_webhook.refuse(context, why)
    }
}
