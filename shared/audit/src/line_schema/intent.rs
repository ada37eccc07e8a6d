//! The announcement of a call, or of a record, as printed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MalformedEntry, field};
use crate::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target};

/// The announcement of a call, or of a record that is about to be committed, as printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParsedIntent {
    /// When the call began.
    pub timestamp: Timestamp,
    /// The action of the entry to come.
    pub call: String,
    /// What is acted on.
    pub target: Map<String, Value>,
    /// The same from intake to the last call.
    pub correlation_id: Uuid,
    /// What started the work.
    pub actor: ParsedActor,
    /// The service that printed it.
    pub service: String,
    /// The id of the entry to come.
    pub id: Uuid,
    /// The execution environment that printed it.
    pub stream_id: Uuid,
    /// W3C trace id.
    pub trace_id: Option<String>,
}

impl ParsedIntent {
    /// The entry that reports this call as open, under the correlation id of its caller.
    #[must_use]
    pub fn open_call_entry(&self) -> Entry {
        let context = Context::new(self.actor.actor_type, self.correlation_id);
        let outcome = Outcome::Failure(FailureClass::Timeout);
        Entry::new(
            Action::AuditIntentOpen,
            &context,
            Target::from_parsed(&self.target),
            outcome,
        )
        .detail("intent_id", self.id)
        .detail("call", self.call.as_str())
        .detail("began", format!("{:.3}", self.timestamp))
        .detail("service", self.service.as_str())
    }
}

/// `actor` as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParsedActor {
    /// What started the work.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// Its correlation id.
    #[serde(deserialize_with = "field::uuid")]
    pub id: Uuid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    timestamp: String,
    #[serde(rename = "event_type")]
    _event_type: String,
    call: String,
    actor: ParsedActor,
    target: Map<String, Value>,
    #[serde(deserialize_with = "field::uuid")]
    correlation_id: Uuid,
    service: String,
    #[serde(deserialize_with = "field::uuid")]
    id: Uuid,
    #[serde(deserialize_with = "field::uuid")]
    stream_id: Uuid,
    #[serde(default)]
    trace_id: Option<String>,
}

pub(super) fn parse_intent(line: &str) -> Result<ParsedIntent, MalformedEntry> {
    let raw: Raw = serde_json::from_str(line).map_err(|error| field::shape(&error))?;
    let timestamp = field::timestamp(&raw.timestamp)?;
    field::id_of(raw.id, timestamp)?;
    field::name("call", &raw.call)?;
    field::name("service", &raw.service)?;
    field::trace_id(raw.trace_id.as_deref())?;
    field::target(&raw.target)?;
    Ok(ParsedIntent {
        timestamp,
        call: raw.call,
        target: raw.target,
        correlation_id: raw.correlation_id,
        actor: raw.actor,
        service: raw.service,
        id: raw.id,
        stream_id: raw.stream_id,
        trace_id: raw.trace_id,
    })
}
