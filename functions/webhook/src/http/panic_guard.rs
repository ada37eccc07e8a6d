//! The layer before `lambda_http`: removes what makes it panic, and turns a panic into a response.
//!
//! `lambda_http` 1.3 builds an address from the `Host` and `X-Forwarded-Proto` headers, the path and the raw query with `unwrap`
//! and `expect`, and decodes base64 the same way. No address is needed here: the path is one of a closed list.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use futures::FutureExt as _;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Request};
use lambda_runtime::{Context, LambdaEvent, Service as _, service_fn};
use model::Clock;
use serde::Serialize;
use uuid::Uuid;

use super::context::RequestContext;
use super::event::GatewayEvent;
use super::refusal::Refusal;
use super::request::sanitize_event;
use super::route::Route;
use super::router::Router;

/// Serves API Gateway's events.
#[derive(Debug)]
pub struct PanicGuard {
    router: Router,
    clock: Arc<dyn Clock>,
}

impl PanicGuard {
    /// A guard before the handlers.
    #[must_use]
    pub fn new(router: Router, clock: Arc<dyn Clock>) -> Self {
        Self { router, clock }
    }

    /// Answers any event.
    ///
    /// # Errors
    /// None: an error would be reported to Lambda instead of answered.
    pub async fn serve(&self, event: LambdaEvent<GatewayEvent>) -> Result<impl Serialize + use<>, Infallible> {
        let LambdaEvent { payload, context } = event;
        let source_ip = match &payload {
            GatewayEvent::Http(event) => event.source_ip.clone(),
            GatewayEvent::Unreadable => None,
        };
        let request_context = RequestContext {
            correlation_id: Uuid::now_v7(),
            received_at: self.clock.now(),
            source_ip,
            xray_trace_id: context.xray_trace_id.clone(),
            audited: AtomicBool::new(false),
        };
        let (route, request) = match sanitize_event(payload) {
            Ok((route, request)) => (Ok(route), request),
            Err(refused) => (Err(refused), ApiGatewayV2httpRequest::default()),
        };
        let known_route = route.unwrap_or_else(|(route, _)| route);
        let answering = self.answer(&request_context, request, route, context.clone());
        if let Ok(response) = AssertUnwindSafe(answering).catch_unwind().await {
            return Ok(response);
        }
        let internal = Err((known_route, Refusal::Internal));
        Ok(self
            .answer(&request_context, ApiGatewayV2httpRequest::default(), internal, context)
            .await)
    }

    /// Through `lambda_http`, whose response type has no public name.
    async fn answer(
        &self,
        request_context: &RequestContext,
        request: ApiGatewayV2httpRequest,
        route: Result<Route, (Route, Refusal)>,
        context: Context,
    ) -> impl Serialize + use<> {
        let handler = service_fn(|request: Request| async move {
            let answer = match route {
                Ok(route) => self.router.handle(route, request_context, &request).await,
                Err((route, refusal)) => self.router.refuse(route, request_context, refusal),
            };
            Ok::<_, Infallible>(answer.into_response(request_context.correlation_id))
        });
        let event = LambdaEvent::new(LambdaRequest::ApiGatewayV2(request), context);
        match Adapter::from(handler).call(event).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests;
