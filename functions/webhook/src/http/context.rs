//! The context of a request: what this service knows in addition to the sender's data.

use std::sync::atomic::{AtomicBool, Ordering};

use audit::{ActorType, Context};
use jiff::Timestamp;
use uuid::Uuid;

use super::traceparent;

/// Created for each request before anything reads it.
#[derive(Debug)]
pub struct RequestContext {
    /// Created here, and passed on to everything that results from the request.
    pub correlation_id: Uuid,
    pub received_at: Timestamp,
    /// The TCP peer's address as API Gateway saw it.
    pub source_ip: Option<String>,
    pub xray_trace_id: Option<String>,
    /// The audit line of this request is written; there is exactly one.
    pub audited: AtomicBool,
}

impl RequestContext {
    /// Marks the audit line as about to be written; `false` if it already was.
    pub fn begin_audit(&self) -> bool {
        !self.audited.swap(true, Ordering::Relaxed)
    }

    /// The context of everything done for this request.
    #[must_use]
    pub fn audit_context(&self, traceparent: Option<&str>) -> Context {
        let trace = traceparent::continued_trace(traceparent, self.xray_trace_id.as_deref());
        Context::new(ActorType::WebhookEvent, self.correlation_id).with_traceparent(trace)
    }
}
