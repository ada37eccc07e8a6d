//! An entry as printed.

use jiff::Timestamp;
use model::AuditLine;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MalformedEntry, ParsedActor, field};
use crate::{ActorType, FailureClass};

/// The largest number that every reader of JSON holds exactly (RFC 8259, section 6).
const LARGEST_SEQ: u64 = (1 << 53) - 1;

/// A printed entry, ours or another producer's: any action, any service, but exactly the published fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedEntry {
    /// Idempotency key; a `UUIDv7` of `timestamp`.
    pub id: Uuid,
    /// When it was done, or the call began.
    pub timestamp: Timestamp,
    /// What was done.
    pub action: String,
    /// What started the work.
    pub actor_type: ActorType,
    /// The correlation id of what started the work.
    pub actor_id: Uuid,
    /// What was acted on, as printed.
    pub target: Map<String, Value>,
    /// The target as one text, for prefix search: see [`target_key`](super::target_key()).
    pub target_key: String,
    /// `None`: success.
    pub error: Option<FailureClass>,
    /// Whether it succeeded.
    pub success: bool,
    /// The same from intake to the last call.
    pub correlation_id: Uuid,
    /// The service that printed it.
    pub service: String,
    /// Its number in its stream; absent for some producers.
    pub stream: Option<AuditLine>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Details.
    pub details: Map<String, Value>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The line exactly as printed, without its line break.
    pub line: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    timestamp: String,
    #[serde(rename = "event_type")]
    _event_type: String,
    action: String,
    actor: ParsedActor,
    target: Map<String, Value>,
    outcome: String,
    error: Option<FailureClass>,
    #[serde(deserialize_with = "field::uuid")]
    correlation_id: Uuid,
    service: String,
    #[serde(deserialize_with = "field::uuid")]
    id: Uuid,
    #[serde(default)]
    stream: Option<RawStream>,
    #[serde(default)]
    duration_ms: Option<f64>,
    #[serde(default)]
    details: Map<String, Value>,
    #[serde(default)]
    trace_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStream {
    #[serde(deserialize_with = "field::uuid")]
    id: Uuid,
    seq: u64,
}

pub(super) fn parse_entry(line: &str) -> Result<ParsedEntry, MalformedEntry> {
    // 1. Fields that belong together.
    let raw: Raw = serde_json::from_str(line).map_err(|error| field::shape(&error))?;
    let timestamp = field::timestamp(&raw.timestamp)?;
    field::id_of(raw.id, timestamp)?;
    let success = match (raw.outcome.as_str(), raw.error) {
        ("success", None) => true,
        ("failure", Some(_)) => false,
        _ => {
            let why = "outcome must be success without an error, or failure with one";
            return Err(MalformedEntry::new(why));
        }
    };
    // 2. Single fields.
    field::name("action", &raw.action)?;
    field::name("service", &raw.service)?;
    field::trace_id(raw.trace_id.as_deref())?;
    field::object("details", &raw.details)?;
    if raw.duration_ms.is_some_and(|duration| duration < 0.0) {
        return Err(MalformedEntry::new("duration_ms must not be negative"));
    }
    let stream = raw.stream.map(|stream| AuditLine {
        stream_id: stream.id,
        seq: stream.seq,
    });
    if stream.is_some_and(|line| !(1..=LARGEST_SEQ).contains(&line.seq)) {
        return Err(MalformedEntry::new("stream.seq must be from 1 to 2^53 - 1"));
    }
    let target_key = field::target(&raw.target)?;
    Ok(ParsedEntry {
        id: raw.id,
        timestamp,
        action: raw.action,
        actor_type: raw.actor.actor_type,
        actor_id: raw.actor.id,
        target: raw.target,
        target_key,
        error: raw.error,
        success,
        correlation_id: raw.correlation_id,
        service: raw.service,
        stream,
        duration_ms: raw.duration_ms,
        details: raw.details,
        trace_id: raw.trace_id,
        line: line.to_owned(),
    })
}
