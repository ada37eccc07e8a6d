//! What every route needs to answer a request and to audit it.

use std::sync::Arc;

use audit::{Context, Writer};
use runtime::metrics::Metrics;
use trace::{Span, SpanKind, Tracer};

use super::response::Answer;
use super::route::Route;
use super::traceparent;
use crate::sender_secret::SenderSecret;

/// The secret with the senders, and the outputs of this function.
#[derive(Debug, Clone)]
pub struct Intake {
    pub senders: Arc<SenderSecret>,
    pub audit: Writer,
    pub metrics: Metrics,
    pub tracer: Tracer,
}

impl Intake {
    /// The span of a request (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>).
    pub(crate) fn begin_span(&self, route: Route, context: &Context, traceparent: Option<&str>) -> Span {
        let name = route.span_name();
        match traceparent::sender_trace(traceparent) {
            Some(_) => self.tracer.begin(SpanKind::Server, name, context),
            None => self.tracer.begin_trace(SpanKind::Server, name, context),
        }
    }

    /// Ends the span of a request, and counts its answer.
    pub(crate) fn finish(&self, route: Route, mut span: Span, answer: Answer) -> Answer {
        let (received, rejected) = route.metrics();
        self.metrics.count_by(received, "status", answer.status_name(), 1);
        if let Answer::Refused(refusal) = answer
            && !refusal.is_ours()
        {
            self.metrics.count_by(rejected, "reason", refusal.audit_reason(), 1);
        }
        let status = answer.status();
        span.attribute("http.response.status_code", status.as_u16());
        // A sender's error is not a failure of this service.
        span.end(status.is_server_error().then_some(answer.status_name()));
        answer
    }
}
