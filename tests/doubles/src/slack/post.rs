//! `chat.postMessage`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::messages::{APP, Message, Messages, Ts};
use super::{Refusal, blocks, channel};

/// The longest text, in characters; Slack truncates there and rejects far longer ones.
const LONGEST_TEXT: usize = 40_000;
/// The largest metadata payload, in bytes of JSON.
const LARGEST_METADATA: usize = 16 * 1024;

/// Checks a message, stores it and describes it.
pub(super) fn post(
    messages: &mut Messages,
    rate_limit: bool,
    arguments: &Arguments,
    now: Timestamp,
) -> Result<Map<String, Value>, Refusal> {
    let channel = channel(arguments)?;
    if channel == "C0ARCHIVED" {
        return Err(Refusal::from("is_archived"));
    }
    let Content { text, blocks } = content(arguments)?;
    let metadata = metadata(arguments)?;
    let thread = match arguments.text("thread_ts").map(|ts| ts.parse::<Ts>()) {
        None => None,
        Some(Ok(ts)) => Some(ts),
        Some(Err(())) => return Err(Refusal::from("invalid_thread_ts")),
    };
    // Slack does not document replies to deleted messages.
    if thread.is_some_and(|thread| messages.find(&channel, thread).is_none()) {
        return Err(Refusal::from("thread_not_found"));
    }
    if rate_limit && messages.too_soon(&channel, now) {
        return Err(Refusal::RateLimited { wait: 1 });
    }
    let message = Message {
        channel,
        ts: messages.next_ts(now),
        text,
        blocks,
        metadata,
        thread,
        broadcast: thread.is_some() && arguments.flag("reply_broadcast"),
        app: APP.to_owned(),
        edited: None,
    };
    let answer = Map::from_iter([
        ("channel".to_owned(), json!(message.channel)),
        ("ts".to_owned(), json!(message.ts.to_string())),
        ("message".to_owned(), message.json(true)),
    ]);
    messages.keep(message, now);
    Ok(answer)
}

/// The content of a message.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
}

/// Checks the content of a message.
pub(super) fn content(arguments: &Arguments) -> Result<Content, Refusal> {
    let blocks = match arguments.structure("blocks") {
        Ok(None) => Vec::new(),
        Ok(Some(Value::Array(blocks))) => blocks,
        Ok(Some(_)) | Err(_) => return Err(Refusal::from("invalid_blocks_format")),
    };
    let text = arguments.text("text").unwrap_or_default();
    if text.is_empty() && blocks.is_empty() {
        return Err(Refusal::from("no_text"));
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::from("msg_too_long"));
    }
    blocks::check(&blocks)?;
    Ok(Content { text, blocks })
}

pub(super) fn metadata(arguments: &Arguments) -> Result<Option<Value>, Refusal> {
    let metadata = arguments
        .structure("metadata")
        .map_err(|_| Refusal::from("invalid_metadata_format"))?;
    let Some(metadata) = metadata else { return Ok(None) };
    if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
        return Err(Refusal::from("invalid_metadata_format"));
    }
    if metadata["event_payload"].to_string().len() > LARGEST_METADATA {
        return Err(Refusal::from("metadata_too_large"));
    }
    Ok(Some(metadata))
}
