//! The layer before `lambda_http`: removes what makes it panic, and turns a panic into an answer.
//!
//! `lambda_http` 1.3 builds an address from the `Host` and `X-Forwarded-Proto` headers, the path and the raw query with `unwrap`
//! and `expect`, and decodes base64 the same way. No address is needed here: this function serves one path.

mod clean;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use futures::FutureExt as _;
use jiff::Timestamp;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Request};
use lambda_runtime::{Context, LambdaEvent, Service as _, service_fn};
use model::Clock;
use serde::Serialize;
use uuid::Uuid;

use crate::event::GatewayEvent;
use crate::refusal::Refusal;
use crate::service::Service;

/// What is known of a request in addition to the sender's data.
#[derive(Debug)]
pub struct Ingress {
    /// Made here, for everything that results from the request.
    pub correlation_id: Uuid,
    pub received_at: Timestamp,
    /// The TCP peer's address as API Gateway saw it.
    pub source_ip: Option<String>,
    /// Lambda's own trace header.
    pub xray_trace_id: Option<String>,
    /// The audit line of this request is written; there is exactly one.
    pub audited: AtomicBool,
}

/// Serves API Gateway's events.
#[derive(Debug)]
pub struct Gateway {
    service: Service,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// A gateway before `service`.
    #[must_use]
    pub fn new(service: Service, clock: Arc<dyn Clock>) -> Self {
        Self { service, clock }
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
        let ingress = Ingress {
            correlation_id: Uuid::now_v7(),
            received_at: self.clock.now(),
            source_ip,
            xray_trace_id: context.xray_trace_id.clone(),
            audited: AtomicBool::new(false),
        };
        let (request, refusal) = match clean::request(payload) {
            Ok(request) => (request, None),
            Err(refusal) => (ApiGatewayV2httpRequest::default(), Some(refusal)),
        };
        let answering = self.answer(&ingress, request, refusal, context.clone());
        if let Ok(response) = AssertUnwindSafe(answering).catch_unwind().await {
            return Ok(response);
        }
        let internal = Some(Refusal::Internal);
        Ok(self
            .answer(&ingress, ApiGatewayV2httpRequest::default(), internal, context)
            .await)
    }

    /// Through `lambda_http`, whose response type has no public name.
    async fn answer(
        &self,
        ingress: &Ingress,
        request: ApiGatewayV2httpRequest,
        refusal: Option<Refusal>,
        context: Context,
    ) -> impl Serialize + use<> {
        let handler = service_fn(|request: Request| async move {
            let answer = match refusal {
                None => self.service.receive(ingress, &request).await,
                Some(refusal) => self.service.refuse(ingress, refusal),
            };
            Ok::<_, Infallible>(answer.into_response(ingress.correlation_id))
        });
        let event = LambdaEvent::new(LambdaRequest::ApiGatewayV2(request), context);
        match Adapter::from(handler).call(event).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl Ingress {
    /// Marks the audit line as about to be written; `false` if it already was.
    pub fn begin_audit(&self) -> bool {
        !self.audited.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
