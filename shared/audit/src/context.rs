//! On whose behalf something is done: the correlation id and the trace that every entry and every call carries.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What set the work off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A webhook delivery.
    WebhookEvent,
    /// A scheduled run.
    PollCycle,
    /// A person, or a deployment.
    AdminAction,
}

/// Carried from ingress to the last call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// What set the work off.
    pub actor: ActorType,
    /// The id made there; it is also `actor.id` of every entry.
    pub correlation_id: Uuid,
    /// W3C trace context (<https://www.w3.org/TR/trace-context/#traceparent-header>), if there is one.
    pub traceparent: Option<String>,
}

impl Context {
    /// A context without a trace.
    #[must_use]
    pub fn new(actor: ActorType, correlation_id: Uuid) -> Self {
        Self {
            actor,
            correlation_id,
            traceparent: None,
        }
    }

    /// The same, with the trace that came along.
    #[must_use]
    pub fn with_traceparent(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }

    /// The trace id inside `traceparent`, if that is well formed: 32 hex digits, not all zero.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        let mut parts = self.traceparent.as_deref()?.split('-');
        let (_version, trace_id) = (parts.next()?, parts.next()?);
        let hex = trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hex && trace_id.bytes().any(|byte| byte != b'0')).then_some(trace_id)
    }
}
