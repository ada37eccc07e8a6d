//! `chat.update`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::messages::{APP, Messages, Ts};
use super::post::{self, Content};
use super::{Behaviour, Refusal, channel};

/// Replaces the content of a message of the app, and describes the message.
///
/// Omitted blocks stay unless there is a text; omitted metadata stays.
pub(super) fn update(
    messages: &mut Messages,
    behaviour: &Behaviour,
    arguments: &Arguments,
    now: Timestamp,
) -> Result<Map<String, Value>, Refusal> {
    // 1. The message must exist and be editable by this app.
    let channel = channel(arguments)?;
    if channel == "C0ARCHIVED" {
        return Err(Refusal::from("is_inactive"));
    }
    let Some(ts) = arguments.text("ts") else {
        let missing = "[ERROR] missing required field: ts".to_owned();
        return Err(Refusal::Error("invalid_arguments", vec![missing]));
    };
    let ts = ts.parse::<Ts>().map_err(|()| Refusal::from("message_not_found"))?;
    let app = messages.find(&channel, ts).map(|message| message.app.as_str());
    match app {
        None => return Err(Refusal::from("message_not_found")),
        Some(APP) if behaviour.edit_window_closed => return Err(Refusal::from("edit_window_closed")),
        Some(APP) => (),
        Some(_) => return Err(Refusal::from("cant_update_message")),
    }
    // 2. The new content must be valid and within the rate limit.
    let Content { text, blocks } = post::content(arguments)?;
    let metadata = match arguments.structure("metadata") {
        Ok(Some(Value::Object(none))) if none.is_empty() => Some(None),
        _ => post::metadata(arguments)?.map(Some),
    };
    if let Some(wait) = messages.updates_exhausted(now).filter(|_| behaviour.rate_limit) {
        return Err(Refusal::RateLimited { wait });
    }
    // 3. Replace only what the arguments contain.
    let message = messages.update(&channel, ts, now, |message| {
        if !text.is_empty() || !blocks.is_empty() {
            message.blocks = blocks;
        }
        if !text.is_empty() {
            message.text = text;
        }
        if let Some(metadata) = metadata {
            message.metadata = metadata;
        }
    });
    let message = message.ok_or(Refusal::from("message_not_found"))?;
    Ok(Map::from_iter([
        ("channel".to_owned(), json!(message.channel)),
        ("ts".to_owned(), json!(message.ts.to_string())),
        ("text".to_owned(), json!(message.text)),
        ("message".to_owned(), message.json(true)),
    ]))
}
