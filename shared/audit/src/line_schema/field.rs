//! Validation of single fields of a printed line.

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MalformedEntry, target_key};

/// Longest action and service, in bytes.
const LONGEST_NAME: usize = 128;

/// Longest key of a target, in bytes: an entry of a Postgres B-tree holds 2704 (a third of a page), which includes the id.
const LONGEST_KEY: usize = 2500;

/// A UUID as in RFC 9562, in lower case: ids are compared as text elsewhere.
pub(super) fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    let id = Uuid::try_parse(&text).map_err(|_| serde::de::Error::custom("not a UUID"))?;
    if id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text.as_ref() {
        Ok(id)
    } else {
        Err(serde::de::Error::custom("not a UUID in lower case with hyphens"))
    }
}

pub(super) fn timestamp(text: &str) -> Result<Timestamp, MalformedEntry> {
    let timestamp: Timestamp = text
        .parse()
        .map_err(|_| MalformedEntry::new("timestamp is not an ISO 8601 instant"))?;
    if format!("{timestamp:.3}") == text {
        Ok(timestamp)
    } else {
        Err(MalformedEntry::new("timestamp is not in UTC with three decimals"))
    }
}

pub(super) fn id_of(id: Uuid, timestamp: Timestamp) -> Result<(), MalformedEntry> {
    let in_id = id.get_timestamp().map(|at| {
        let (seconds, nanos) = at.to_unix();
        seconds.saturating_mul(1000) + u64::from(nanos / 1_000_000)
    });
    if id.get_version_num() == 7 && in_id == u64::try_from(timestamp.as_millisecond()).ok() {
        Ok(())
    } else {
        Err(MalformedEntry::new("id is not a UUIDv7 of its timestamp"))
    }
}

/// An action or a service: no spaces, so that users can type it into a search.
pub(super) fn name(field: &str, text: &str) -> Result<(), MalformedEntry> {
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        let why = format!("{field} must have 1 to {LONGEST_NAME} printable ASCII characters without spaces");
        Err(MalformedEntry::new(why))
    }
}

pub(super) fn trace_id(text: Option<&str>) -> Result<(), MalformedEntry> {
    if text.is_none_or(crate::traceparent::is_trace_id) {
        Ok(())
    } else {
        Err(MalformedEntry::new(
            "trace_id must be 32 hex digits in lower case, not all zero",
        ))
    }
}

/// A target, and its key.
pub(super) fn target(target: &Map<String, Value>) -> Result<String, MalformedEntry> {
    object("target", target)?;
    let wrong = |names: &[&str], is_valid: fn(&Value) -> bool| {
        names
            .iter()
            .any(|name| target.get(*name).is_some_and(|value| !is_valid(value)))
    };
    if wrong(&["instance", "id"], Value::is_string) || wrong(&["project_id", "mr_iid"], Value::is_i64) {
        return Err(MalformedEntry::new(
            "target: instance and id must be strings, project_id and mr_iid integers",
        ));
    }
    let key = target_key(target).ok_or_else(|| MalformedEntry::new("target has no resource_type"))?;
    if key.len() > LONGEST_KEY {
        return Err(MalformedEntry::new(format!(
            "target is longer than {LONGEST_KEY} bytes"
        )));
    }
    Ok(key)
}

/// No NUL anywhere: Postgres accepts none in text or jsonb.
pub(super) fn object(field: &str, object: &Map<String, Value>) -> Result<(), MalformedEntry> {
    fn clean(value: &Value) -> bool {
        match value {
            Value::String(text) => !text.contains('\0'),
            Value::Array(values) => values.iter().all(clean),
            Value::Object(members) => all_clean(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }
    fn all_clean(members: &Map<String, Value>) -> bool {
        members.iter().all(|(name, value)| !name.contains('\0') && clean(value))
    }
    if all_clean(object) {
        Ok(())
    } else {
        Err(MalformedEntry::new(format!("{field} contains the character U+0000")))
    }
}

/// Only the position: serde's message can repeat values of the line.
pub(super) fn shape(error: &serde_json::Error) -> MalformedEntry {
    let what = if error.is_data() {
        "it does not match the published fields"
    } else {
        "it is not complete JSON"
    };
    MalformedEntry::new(format!("{what} (column {})", error.column()))
}
