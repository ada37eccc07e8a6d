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
mod tests {
    use super::*;

    const ID: &str = "018f0000-0000-7000-8000-000000000001";
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn inherited(correlation_id: Option<&str>, traceparent: Option<&str>) -> Context {
        Context::inherited(|name| {
            let value = match name {
                "CORRELATION_ID" => correlation_id,
                "TRACEPARENT" => traceparent,
                other => panic!("{other} is not inherited"),
            };
            value.map(str::to_owned)
        })
    }

    #[test]
    fn process_inherits_given_id_and_trace() {
        let expected =
            Context::new(ActorType::WebhookEvent, ID.parse().unwrap()).with_traceparent(Some(TRACE.to_owned()));
        assert_eq!(inherited(Some(ID), Some(TRACE)), expected);
        assert_eq!(
            inherited(Some(&format!(" {ID}\n")), Some(TRACE)),
            expected,
            "as a shell passes it"
        );
        assert_eq!(expected.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
    }

    #[test]
    fn malformed_or_missing_id_is_replaced_each_time() {
        for bad in [
            None,
            Some(""),
            Some("811"),
            Some("not-a-uuid"),
            Some("00000000-0000-0000-0000-000000000000"),
        ] {
            let (one, other) = (inherited(bad, Some(TRACE)), inherited(bad, Some(TRACE)));
            assert_eq!(one.actor, ActorType::AdminAction, "{bad:?}");
            assert_eq!(one.correlation_id.get_version_num(), 7, "{bad:?}");
            assert_ne!(one.correlation_id, other.correlation_id, "{bad:?}");
            assert_eq!(
                one.traceparent.as_deref(),
                Some(TRACE),
                "the trace does not depend on the id"
            );
        }
    }

    #[test]
    fn malformed_or_missing_trace_is_not_inherited() {
        for bad in [
            None,
            Some(""),
            Some("00-xyz-1-01"),
            Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
        ] {
            let context = inherited(Some(ID), bad);
            assert_eq!(context.traceparent, None, "{bad:?}");
            assert_eq!(context.correlation_id, ID.parse::<Uuid>().unwrap(), "{bad:?}");
        }
    }

    #[test]
    fn a_malformed_traceparent_gives_no_trace_id() {
        for bad in [
            "",
            "00",
            "00-xyz-1-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            assert_eq!(
                inherited(Some(ID), None)
                    .with_traceparent(Some(bad.to_owned()))
                    .trace_id(),
                None,
                "{bad:?}"
            );
        }
    }
}
