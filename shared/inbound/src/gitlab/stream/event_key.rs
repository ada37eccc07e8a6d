//! The key of a streamed event, which names the event and not the attempt to send it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::sha256_hex;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

/// SHA-256 of the event with sorted names, without an `id` that names the attempt and not the event.
pub(super) fn event_key(event: &mut Map<String, Value>, created_at: Option<Timestamp>) -> String {
    let is_of_attempt = match event.get("id") {
        Some(Value::String(id)) => Uuid::try_parse(id).is_ok() || is_time(id, created_at),
        Some(Value::Number(id)) => is_time(&id.to_string(), created_at),
        _ => true,
    };
    if is_of_attempt {
        event.remove("id");
    }
    let canonical = serde_json::to_vec(&Sorted(&Value::Object(std::mem::take(event))));
    sha256_hex(&canonical.unwrap_or_default())
}

/// A value whose members are in the order of their names: whether a map keeps its order depends on the features of the build.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let sorted: BTreeMap<&String, Sorted<'_>> =
                    members.iter().map(|(name, value)| (name, Sorted(value))).collect();
                sorted.serialize(serializer)
            }
            Value::Array(elements) => serializer.collect_seq(elements.iter().map(Sorted)),
            value => value.serialize(serializer),
        }
    }
}

/// Until 2022, events that GitLab did not store had the Unix seconds of their creation as id.
fn is_time(id: &str, created_at: Option<Timestamp>) -> bool {
    created_at.is_some_and(|at| at.as_second().to_string() == id)
}
