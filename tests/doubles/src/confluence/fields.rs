//! The fields of a page write.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::storage;
use super::world::PageStatus;

const LONGEST_TITLE: usize = 255;

/// An id: a string of digits; a number is also accepted.
pub(super) fn id(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    let text = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if super::is_id(&text) {
        return Ok(Some(text));
    }
    Err(Refusal::wrong_type(&text, name, "Long"))
}

/// The status to write: published or draft.
pub(super) fn status(body: &Map<String, Value>) -> Result<PageStatus, Refusal> {
    match body.get("status").and_then(Value::as_str) {
        None | Some("current") => Ok(PageStatus::Current),
        Some("draft") => Ok(PageStatus::Draft),
        Some(other) => Err(Refusal::wrong_type(other, "status", "current, draft")),
    }
}

/// The trimmed title; a draft may have none.
pub(super) fn title(body: &Map<String, Value>, status: PageStatus) -> Result<String, Refusal> {
    let title = body.get("title").and_then(Value::as_str).unwrap_or_default().trim();
    if title.is_empty() && status == PageStatus::Current {
        return Err(Refusal::bad("Title is required"));
    }
    if title.chars().count() > LONGEST_TITLE {
        return Err(Refusal::bad("Title cannot be longer than 255 characters."));
    }
    Ok(title.to_owned())
}

/// The storage format in `body`, as `{"representation", "value"}` or `{"storage": {...}}`.
pub(super) fn body_text(body: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(body) = body.get("body").filter(|body| !body.is_null()) else {
        return Ok(None);
    };
    let body = body.get("storage").unwrap_or(body);
    match (body["representation"].as_str(), body["value"].as_str()) {
        (Some("storage"), Some(text)) => {
            storage::check(text).map_err(Refusal::bad)?;
            Ok(Some(text.to_owned()))
        }
        (representation, _) => {
            let given = representation.unwrap_or("null");
            Err(Refusal::wrong_type(given, "body.representation", "storage"))
        }
    }
}
