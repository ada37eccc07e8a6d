//! One entry of a producer, turned into a line of the audit log.

use audit::line_schema::{LONGEST, ParsedEntry, ParsedLine, parse_line};
use jiff::{SignedDuration, Timestamp};
use model::codes;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Producer, authorize};

/// Oldest accepted entry: a service may have been without a connection for a while.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far the clock of a producer may be ahead.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);

codes! {
    /// Why an entry is rejected. Sending it again unchanged cannot succeed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RejectReason {
        /// Not a JSON object with the published fields and values.
        NotAnEntry = "not_an_entry",
        /// A field that no entry has.
        UnknownField = "unknown_field",
        /// Not ISO 8601 in UTC with milliseconds, more than 30 days old, or more than 5 minutes ahead.
        BadTimestamp = "bad_timestamp",
        /// The id is not a `UUIDv7` of the timestamp.
        IdNotOfTimestamp = "id_not_of_timestamp",
        /// The producer's key is not bound to this service.
        ServiceNotYours = "service_not_yours",
        /// Only this system, or only a registering producer, may write this action.
        ActionReserved = "action_reserved",
        /// The line would be longer than 65,535 bytes.
        TooLong = "too_long",
    }
}

/// The line, with fields in reading order.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a Value,
    event_type: &'a Value,
    action: &'a Value,
    actor: &'a Value,
    target: &'a Value,
    outcome: &'a Value,
    error: &'a Value,
    correlation_id: &'a Value,
    service: &'a Value,
    id: Uuid,
    #[serde(skip_serializing_if = "Value::is_null")]
    stream: &'a Value,
    duration_ms: &'a Value,
    details: &'a Map<String, Value>,
    trace_id: &'a Value,
}

const FIELDS: [&str; 14] = [
    "timestamp",
    "event_type",
    "action",
    "actor",
    "target",
    "outcome",
    "error",
    "correlation_id",
    "service",
    "id",
    "stream",
    "duration_ms",
    "details",
    "trace_id",
];

/// The id under which a producer's entry is stored: no producer can name an entry of this system or of another producer.
pub(super) fn stored_id(timestamp: Timestamp, producer: &Producer, sent: Uuid) -> Uuid {
    audit::entry_id(timestamp, &format!("producer/{}{sent}", producer.name))
}

/// Checks one entry and gives it the id under which it is stored; the sent id becomes `details.producer_entry_id`.
pub(super) fn accept_entry(
    mut sent: Map<String, Value>,
    producer: &Producer,
    now: Timestamp,
) -> Result<ParsedEntry, RejectReason> {
    // 1. Only published fields.
    let unknown = |object: Option<&Value>, fields: &[&str]| {
        let members = object.and_then(Value::as_object);
        members.is_some_and(|members| members.keys().any(|name| !fields.contains(&name.as_str())))
    };
    if sent.keys().any(|name| !FIELDS.contains(&name.as_str()))
        || unknown(sent.get("actor"), &["type", "id"])
        || unknown(sent.get("stream"), &["id", "seq"])
    {
        return Err(RejectReason::UnknownField);
    }
    // 2. Its time, and its id of that time.
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    let timestamp = text("timestamp").ok_or(RejectReason::NotAnEntry)?;
    let timestamp = timestamp_within(timestamp, now).ok_or(RejectReason::BadTimestamp)?;
    let sent_id = text("id").ok_or(RejectReason::NotAnEntry)?.to_owned();
    let id = id_at(&sent_id, timestamp).ok_or(RejectReason::IdNotOfTimestamp)?;
    // 3. The line, by the schema of the audit log.
    let mut details = match sent.remove("details") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(details)) => details,
        Some(_) => return Err(RejectReason::NotAnEntry),
    };
    details.insert("producer_entry_id".to_owned(), sent_id.into());
    let line = line_text(&sent, stored_id(timestamp, producer, id), &details)?;
    if line.len() > LONGEST {
        return Err(RejectReason::TooLong);
    }
    let Ok(ParsedLine::Entry(entry)) = parse_line(&line) else {
        return Err(RejectReason::NotAnEntry);
    };
    // 4. What this producer may write.
    authorize(producer, &entry)?;
    Ok(*entry)
}

fn line_text(sent: &Map<String, Value>, id: Uuid, details: &Map<String, Value>) -> Result<String, RejectReason> {
    let field = |name: &str| sent.get(name).unwrap_or(&Value::Null);
    let line = Line {
        timestamp: field("timestamp"),
        event_type: field("event_type"),
        action: field("action"),
        actor: field("actor"),
        target: field("target"),
        outcome: field("outcome"),
        error: field("error"),
        correlation_id: field("correlation_id"),
        service: field("service"),
        id,
        stream: field("stream"),
        duration_ms: field("duration_ms"),
        details,
        trace_id: field("trace_id"),
    };
    serde_json::to_string(&line).map_err(|_| RejectReason::NotAnEntry)
}

fn timestamp_within(text: &str, now: Timestamp) -> Option<Timestamp> {
    let timestamp: Timestamp = text.parse().ok()?;
    let age = now.duration_since(timestamp);
    (format!("{timestamp:.3}") == text && (-MAX_AHEAD..=MAX_AGE).contains(&age)).then_some(timestamp)
}

fn id_at(text: &str, timestamp: Timestamp) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok().filter(|id| id.get_version_num() == 7)?;
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let millis = seconds.checked_mul(1000)?.checked_add(u64::from(nanos / 1_000_000))?;
    let is_lower = id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
    (is_lower && Some(millis) == u64::try_from(timestamp.as_millisecond()).ok()).then_some(id)
}
