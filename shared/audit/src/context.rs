//! On whose behalf something is done: the correlation id and the trace that every entry and every call carries.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::traceparent;

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

    /// What a process inherits from the one that started it: `CORRELATION_ID` (a UUID) and `TRACEPARENT`, by `lookup` from its
    /// environment. What is absent or malformed is not inherited: the process then has a correlation id of its own, or no trace.
    ///
    /// With an inherited id the work goes on that a delivery began; without one somebody started it ([`ActorType::AdminAction`]). Set
    /// `actor` where that is not so.
    #[must_use]
    pub fn inherited(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let id = lookup("CORRELATION_ID").and_then(|text| Uuid::try_parse(text.trim()).ok());
        let context = match id.filter(|id| !id.is_nil()) {
            Some(id) => Self::new(ActorType::WebhookEvent, id),
            None => Self::new(ActorType::AdminAction, Uuid::now_v7()),
        };
        context.with_traceparent(lookup("TRACEPARENT").as_deref().and_then(traceparent::read))
    }

    /// The same, with the trace that came along.
    #[must_use]
    pub fn with_traceparent(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }

    /// The trace id inside `traceparent`, if that is well formed: 32 hex digits in lower case, not all zero.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        let mut parts = self.traceparent.as_deref()?.split('-');
        let (_version, trace_id) = (parts.next()?, parts.next()?);
        traceparent::is_trace_id(trace_id).then_some(trace_id)
    }
}

#[cfg(test)]
mod tests;
