//! The cause of an action: the correlation id and the trace that every entry and every call carries.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::traceparent;

/// What started the work.
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
    /// What started the work.
    pub actor: ActorType,
    /// The id made at ingress; it is also `actor.id` of every entry.
    pub correlation_id: Uuid,
    /// W3C trace context (<https://www.w3.org/TR/trace-context/#traceparent-header>), if any.
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

    /// What a process inherits from its parent: `CORRELATION_ID` (a UUID) and `TRACEPARENT`, read from its environment by `lookup`.
    /// An absent or malformed value is not inherited: the process then has a new correlation id, or no trace.
    ///
    /// An inherited id continues the work of a delivery; without one an operator started it ([`ActorType::AdminAction`]). Set
    /// `actor` where that is wrong.
    #[must_use]
    pub fn inherited(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let id = lookup("CORRELATION_ID").and_then(|text| Uuid::try_parse(text.trim()).ok());
        let context = match id.filter(|id| !id.is_nil()) {
            Some(id) => Self::new(ActorType::WebhookEvent, id),
            None => Self::new(ActorType::AdminAction, Uuid::now_v7()),
        };
        context.with_traceparent(lookup("TRACEPARENT").as_deref().and_then(traceparent::parse_header))
    }

    /// The same context with the given trace.
    #[must_use]
    pub fn with_traceparent(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }

    /// The trace id in `traceparent`, if that is well formed: 32 hex digits in lower case, not all zero.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        let mut parts = self.traceparent.as_deref()?.split('-');
        let (_version, trace_id) = (parts.next()?, parts.next()?);
        traceparent::is_trace_id(trace_id).then_some(trace_id)
    }
}

#[cfg(test)]
mod tests;
