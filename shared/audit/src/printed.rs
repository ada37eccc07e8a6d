//! Printed lines read back: which of them are audit entries, and whether they keep the published schema.

use jiff::Timestamp;
use model::AuditLine;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{ActorType, ENTRY, FailureClass, INTENT};

/// Longest line that is an entry, in bytes: one event of `CloudWatch` Logs holds 1 MiB, and nothing we print comes near this.
pub const LONGEST: usize = 64 * 1024;

/// What a printed line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Printed {
    /// An audit entry.
    Entry(Box<PrintedEntry>),
    /// The announcement of a call.
    Intent(Box<PrintedIntent>),
    /// Anything else: the log, a metric, the platform's own lines.
    Other,
}

/// An entry as printed, ours or another producer's: any action, any service, but exactly the published fields.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintedEntry {
    /// Idempotency key; a `UUIDv7` of `timestamp`.
    pub id: Uuid,
    /// When it was done, or the call began.
    pub timestamp: Timestamp,
    /// What was done.
    pub action: String,
    /// What set the work off.
    pub actor_type: ActorType,
    /// The correlation id of what set the work off.
    pub actor_id: Uuid,
    /// What was acted on, as printed.
    pub target: Map<String, Value>,
    /// The target as one text, to search by prefix: see [`target_key`].
    pub target_key: String,
    /// `None`: success.
    pub error: Option<FailureClass>,
    /// Whether it went as asked.
    pub success: bool,
    /// From ingress to the last call.
    pub correlation_id: Uuid,
    /// Who printed it.
    pub service: String,
    /// Its number in its stream; other producers may have none.
    pub stream: Option<AuditLine>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Particulars.
    pub details: Map<String, Value>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The line exactly as printed, without its end.
    pub line: String,
}

/// The announcement of a call as printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrintedIntent {
    /// When the call began.
    pub timestamp: Timestamp,
    /// The action of the entry to come.
    pub call: String,
    /// What is acted on.
    pub target: Map<String, Value>,
    /// From ingress to the last call.
    pub correlation_id: Uuid,
    /// What set the work off.
    pub actor: PrintedActor,
    /// Who printed it.
    pub service: String,
    /// The id of the entry to come.
    pub id: Uuid,
    /// The execution environment that printed it.
    pub stream_id: Uuid,
    /// W3C trace id.
    pub trace_id: Option<String>,
}

/// `actor` as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedActor {
    /// What set the work off.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// Its correlation id.
    pub id: Uuid,
}

/// A line that says it is an audit line, and breaks the schema. Keep it for a person; reading it again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
struct Kind {
    event_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    timestamp: String,
    #[serde(rename = "event_type")]
    _event_type: String,
    action: String,
    actor: PrintedActor,
    target: Map<String, Value>,
    outcome: String,
    error: Option<FailureClass>,
    correlation_id: Uuid,
    service: String,
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
struct RawStream {
    id: Uuid,
    seq: u64,
}

/// Reads one printed line.
///
/// # Errors
/// [`Malformed`] if it says it is an audit line and is none.
pub fn read(line: &str) -> Result<Printed, Malformed> {
    let line = line.trim();
    // Most lines that are none are told apart without reading them as JSON.
    if !line.starts_with('{') || !line.contains("\"event_type\"") {
        return Ok(Printed::Other);
    }
    let Ok(Kind { event_type }) = serde_json::from_str(line) else {
        return Ok(Printed::Other);
    };
    match event_type.as_str() {
        ENTRY => entry(line).map(|entry| Printed::Entry(Box::new(entry))),
        INTENT => serde_json::from_str(line)
            .map(|intent| Printed::Intent(Box::new(intent)))
            .map_err(|error| shape(&error)),
        _ => Ok(Printed::Other),
    }
}

fn entry(line: &str) -> Result<PrintedEntry, Malformed> {
    if line.len() > LONGEST {
        return Err(Malformed(format!("it is longer than {LONGEST} bytes")));
    }
    let raw: Raw = serde_json::from_str(line).map_err(|error| shape(&error))?;
    let timestamp: Timestamp = raw
        .timestamp
        .parse()
        .map_err(|_| Malformed("timestamp is no ISO 8601 instant".to_owned()))?;
    if format!("{timestamp:.3}") != raw.timestamp {
        return Err(Malformed("timestamp is not in UTC with three decimals".to_owned()));
    }
    let carried = raw.id.get_timestamp().map(|at| {
        let (seconds, nanos) = at.to_unix();
        seconds.saturating_mul(1000) + u64::from(nanos / 1_000_000)
    });
    if raw.id.get_version_num() != 7 || carried != u64::try_from(timestamp.as_millisecond()).ok() {
        return Err(Malformed("id is no UUIDv7 of its timestamp".to_owned()));
    }
    let success = match (raw.outcome.as_str(), raw.error) {
        ("success", None) => true,
        ("failure", Some(_)) => false,
        _ => {
            return Err(Malformed(
                "outcome must be success without an error, or failure with one".to_owned(),
            ));
        }
    };
    if raw.action.is_empty() || raw.service.is_empty() {
        return Err(Malformed("action and service must not be empty".to_owned()));
    }
    let target_key = target_key(&raw.target).ok_or_else(|| Malformed("target has no resource_type".to_owned()))?;
    Ok(PrintedEntry {
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
        stream: raw.stream.map(|stream| AuditLine {
            stream_id: stream.id,
            seq: stream.seq,
        }),
        duration_ms: raw.duration_ms,
        details: raw.details,
        trace_id: raw.trace_id,
        line: line.to_owned(),
    })
}

/// A target as one text: `merge_request:main/7301!811`, `project:main/7301`, `slack_channel:C0SECLEAD`. `None`: it has no type.
#[must_use]
pub fn target_key(target: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    let number = |name: &str| target.get(name).and_then(Value::as_i64);
    let mut key = text("resource_type").filter(|kind| !kind.is_empty())?.to_owned();
    key.push(':');
    if let Some(instance) = text("instance") {
        key.push_str(instance);
        key.push('/');
    }
    if let Some(project) = number("project_id") {
        key.push_str(&project.to_string());
    }
    if let Some(iid) = number("mr_iid") {
        key.push('!');
        key.push_str(&iid.to_string());
    }
    if let Some(id) = text("id") {
        key.push_str(id);
    }
    Some(key)
}

/// Only the place: serde's own words can repeat values of the line.
fn shape(error: &serde_json::Error) -> Malformed {
    let what = if error.is_data() {
        "not the published fields"
    } else {
        "no complete JSON"
    };
    Malformed(format!("it has {what} (column {})", error.column()))
}
