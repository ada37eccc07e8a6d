//! The events of a streamed body: an object, or an array of objects that are independent of each other.

use audit::Text;
use model::{GitLabAuditAuthor, GitLabAuditEvent, GitLabAuditObject};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event_key::event_key;
use super::types::StreamTypes;
use crate::gitlab::time::parse_timestamp;

/// Longest name of a type or class kept, in characters.
const NAME_CHARS: usize = 128;
/// Most members and elements kept of an object or array in `details`.
const MAX_MEMBERS: usize = 100;
/// How deep `details` is kept.
const MAX_DEPTH: usize = 6;

/// Most elements of a body: of 4 MiB, with events as short as GitLab's are.
const MAX_ELEMENTS: usize = 20_000;

/// A streamed body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamBody {
    /// Those of wanted types, in the order of the body.
    pub events: Vec<GitLabAuditEvent>,
    /// How many are of other types.
    pub unwanted: usize,
    /// Elements that are not JSON objects.
    pub broken: usize,
}

/// Why a body has no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamProblem {
    #[error("the body is neither a JSON object nor an array")]
    Unreadable,
    #[error("the body has more than {MAX_ELEMENTS} elements; send them in several requests")]
    TooMany,
}

/// Reads a body of any content type. `header_type` is `X-Gitlab-Audit-Event-Type`, for events that do not name their type.
///
/// Only the types of single fields vary, so nothing else is an error: a field of an unexpected type counts as absent.
///
/// # Errors
/// [`StreamProblem`].
pub fn stream_events(body: &[u8], header_type: Option<&str>, types: &StreamTypes) -> Result<StreamBody, StreamProblem> {
    let mut read = StreamBody::default();
    if let Ok(event) = serde_json::from_slice::<Map<String, Value>>(body) {
        add_event(&mut read, event, header_type, types);
        return Ok(read);
    }
    let elements: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| StreamProblem::Unreadable)?;
    if elements.len() > MAX_ELEMENTS {
        return Err(StreamProblem::TooMany);
    }
    for element in elements {
        match serde_json::from_str::<Map<String, Value>>(element.get()) {
            Ok(event) => add_event(&mut read, event, header_type, types),
            Err(_) => read.broken += 1,
        }
    }
    Ok(read)
}

fn add_event(read: &mut StreamBody, event: Map<String, Value>, header_type: Option<&str>, types: &StreamTypes) {
    let event_type = type_of(&event, header_type);
    if types.keeps(event_type.as_deref()) {
        read.events.push(read_event(event, event_type));
    } else {
        read.unwanted += 1;
    }
}

/// The type of an event: its own, the name in its details, or that of the header.
fn type_of(event: &Map<String, Value>, header_type: Option<&str>) -> Option<String> {
    let named = |object: &Map<String, Value>, name: &str| {
        let text = object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let nested = |name: &str| named(event.get("details")?.as_object()?, name);
    let own = named(event, "event_type").or_else(|| nested("event_type"));
    let name = own
        .or_else(|| named(event, "event_name"))
        .or_else(|| nested("event_name"));
    let name = name.or_else(|| header_type.map(str::to_owned))?;
    Some(shown(&name).chars().take(NAME_CHARS).collect())
}

fn read_event(mut event: Map<String, Value>, event_type: Option<String>) -> GitLabAuditEvent {
    let details = match event.get("details") {
        Some(Value::Object(details)) => details.clone(),
        _ => Map::new(),
    };
    // A copy of a field is at the top, in the details, or at both.
    let field = |name: &str| {
        event
            .get(name)
            .filter(|value| !value.is_null())
            .or_else(|| details.get(name))
    };
    let text = |name: &str| {
        field(name)
            .and_then(Value::as_str)
            .map(shown)
            .filter(|text| !text.is_empty())
    };
    let created_at = event
        .get("created_at")
        .and_then(Value::as_str)
        .and_then(parse_timestamp);
    let mut read = GitLabAuditEvent {
        event_key: String::new(),
        event_id: event.get("id").and_then(identity),
        event_type,
        created_at,
        author: GitLabAuditAuthor {
            id: field("author_id").and_then(Value::as_i64),
            name: text("author_name"),
            class: text("author_class"),
        },
        entity: GitLabAuditObject {
            object_type: text("entity_type"),
            id: field("entity_id").and_then(identity),
            name: text("entity_path"),
        },
        target: GitLabAuditObject {
            object_type: text("target_type"),
            id: field("target_id").and_then(identity),
            name: text("target_details"),
        },
        details: bounded_members(&details, MAX_DEPTH),
    };
    read.event_key = event_key(&mut event, created_at);
    read
}

/// A number or a text.
fn identity(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(shown(text)),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    Text::new(text).to_string()
}

fn bounded_members(members: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    let kept = members.iter().take(MAX_MEMBERS);
    kept.map(|(name, value)| (shown(name), bounded_value(value, depth)))
        .collect()
}

fn bounded_value(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => shown(text).into(),
        Value::Array(_) | Value::Object(_) if depth == 0 => "…".into(),
        Value::Array(elements) => {
            let kept = elements.iter().take(MAX_MEMBERS);
            kept.map(|element| bounded_value(element, depth - 1)).collect()
        }
        Value::Object(members) => Value::Object(bounded_members(members, depth - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn every_type() -> StreamTypes {
        StreamTypes::parse("*").unwrap()
    }

    fn approval(id: impl Into<Value>, author: i64) -> Value {
        json!({
            "id": id.into(), "author_id": author, "author_name": "Ana Example", "entity_id": 7301, "entity_type": "Project",
            "entity_path": "acme/vault", "target_id": 990_811, "target_type": "MergeRequest", "target_details": "Move the keys",
            "created_at": "2026-11-20T09:00:00.000Z", "event_type": "merge_request_approval_operation",
            "details": {"custom_message": "Approved", "author_class": "User"},
        })
    }

    fn read_body(body: &Value) -> StreamBody {
        stream_events(body.to_string().as_bytes(), None, &every_type()).unwrap()
    }

    fn key(event: &Value) -> String {
        read_body(event).events[0].event_key.clone()
    }

    #[test]
    fn the_key_names_the_event_not_the_attempt() {
        let seconds = 1_795_165_200_i64;
        let first = uuid::Uuid::from_u128(1).to_string();
        let second = uuid::Uuid::from_u128(2).to_string();
        assert_eq!(key(&approval(first.as_str(), 41)), key(&approval(second.as_str(), 41)));
        assert_eq!(
            key(&approval(seconds, 41)),
            key(&approval(first.as_str(), 41)),
            "the id was a time"
        );
        assert_eq!(key(&approval(seconds.to_string(), 41)), key(&approval(seconds, 41)));
        assert_ne!(key(&approval(seconds, 41)), key(&approval(seconds, 42)));
        assert_ne!(
            key(&approval(7, 41)),
            key(&approval(8, 41)),
            "ids of GitLab's database differ"
        );
    }

    #[test]
    fn every_field_is_read_from_both_places() {
        let event = &read_body(&approval(7, -3)).events[0];
        assert_eq!(event.event_id.as_deref(), Some("7"));
        assert_eq!(event.event_type.as_deref(), Some("merge_request_approval_operation"));
        assert_eq!(event.author.id, Some(-3));
        assert_eq!(event.author.class.as_deref(), Some("User"));
        assert_eq!(event.entity.name.as_deref(), Some("acme/vault"));
        assert_eq!(
            (event.target.id.as_deref(), event.target.object_type.as_deref()),
            (Some("990811"), Some("MergeRequest"))
        );
        let nested =
            json!({"details": {"event_name": "member_created", "target_id": "acme/vault", "entity_path": "acme"}});
        let event = &read_body(&nested).events[0];
        assert_eq!(event.event_type.as_deref(), Some("member_created"));
        assert_eq!(
            (event.target.id.as_deref(), event.entity.name.as_deref()),
            (Some("acme/vault"), Some("acme"))
        );
        let header = stream_events(b"{}", Some("audit_operation"), &every_type()).unwrap();
        assert_eq!(header.events[0].event_type.as_deref(), Some("audit_operation"));
        assert_eq!(read_body(&json!({})).events[0].event_type, None);
    }

    #[test]
    fn a_broken_element_affects_no_other() {
        let deep = format!("[{}{}]", "[".repeat(500), "]".repeat(500));
        let body = format!("[{}, \"oops\", {deep}, 5, {}]", approval(7, 41), approval(8, 41));
        let read = stream_events(body.as_bytes(), None, &every_type()).unwrap();
        assert_eq!((read.events.len(), read.broken), (2, 3));
        assert_eq!(stream_events(b"[]", None, &every_type()), Ok(StreamBody::default()));
        for body in ["", "payload=%7B%7D", "5", "null", "{"] {
            assert_eq!(
                stream_events(body.as_bytes(), None, &every_type()),
                Err(StreamProblem::Unreadable),
                "{body}"
            );
        }
    }

    #[test]
    fn unwanted_types_are_counted_and_elements_limited() {
        let body = format!(
            r#"[{}, {{"event_type": "repository_git_operation"}}, {{"details": {{"event_name": "x"}}}}, {{}}]"#,
            approval(7, 41)
        );
        let types = StreamTypes::parse("merge_request_*").unwrap();
        let read = stream_events(body.as_bytes(), None, &types).unwrap();
        assert_eq!((read.events.len(), read.unwanted), (2, 2), "one without a type is kept");
        let many = format!("[{}{{}}]", "{},".repeat(MAX_ELEMENTS));
        assert_eq!(
            stream_events(many.as_bytes(), None, &types),
            Err(StreamProblem::TooMany)
        );
    }

    #[test]
    fn details_are_redacted_and_bounded() {
        let mut event = approval(7, 41);
        event["details"] = json!({
            "custom_message": {"protocol": "ssh", "token": "glpat-abcdefghij1234567890"}, "long": "x".repeat(10_240),
            "list": vec![1; 500], "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}},
        });
        let details = &read_body(&event).events[0].details;
        let text = serde_json::to_string(details).unwrap();
        assert!(!text.contains("glpat-abcdefghij1234567890"), "{text}");
        assert!(text.len() < 3_000, "{}", text.len());
        assert_eq!(details["custom_message"]["protocol"], "ssh");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = stream_events(&body, None, &every_type());
        }

        #[test]
        fn order_of_members_does_not_change_the_key(a in ".{0,8}", b in ".{0,8}") {
            let one = format!(r#"{{"details": {{"a": {0}, "b": {1}}}, "x": 1}}"#, json!(a), json!(b));
            let other = format!(r#"{{"x": 1, "details": {{"b": {1}, "a": {0}}}}}"#, json!(a), json!(b));
            let key = |body: &str| stream_events(body.as_bytes(), None, &every_type()).unwrap().events[0].event_key.clone();
            prop_assert_eq!(key(&one), key(&other));
        }
    }
}
