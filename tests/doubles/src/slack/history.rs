//! `conversations.history`: newest first, paged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::messages::{Message, Messages, Ts};
use super::{Refusal, channel};

const DEFAULT_LIMIT: usize = 100;
const HIGHEST_LIMIT: usize = 999;

/// One page of a channel's messages. As at Slack, it contains thread replies only if the channel also shows them.
pub(super) fn history(messages: &Messages, arguments: &Arguments) -> Result<Map<String, Value>, Refusal> {
    let channel = channel(arguments)?;
    let oldest = bound(arguments, "oldest", "invalid_ts_oldest")?.unwrap_or(Ts(i64::MIN));
    let latest = bound(arguments, "latest", "invalid_ts_latest")?.unwrap_or(Ts(i64::MAX));
    let before = cursor(arguments)?;
    let limit = match arguments.text("limit").map(|limit| limit.parse::<usize>()) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if (1..=HIGHEST_LIMIT).contains(&limit) => limit,
        Some(_) => return Err(Refusal::from("invalid_limit")),
    };
    let inclusive = arguments.flag("inclusive");
    let within = |message: &&Message| {
        let ts = message.ts;
        let between = if inclusive {
            oldest <= ts && ts <= latest
        } else {
            oldest < ts && ts < latest
        };
        let shown = message.broadcast || message.thread.is_none_or(|thread| thread == ts);
        message.channel == channel && between && shown
    };
    let rest = |message: &&Message| before.is_none_or(|before| message.ts < before);
    let mut found = messages.all().iter().rev().filter(within).filter(rest).peekable();
    let page: Vec<&Message> = found.by_ref().take(limit).collect();
    let has_more = found.peek().is_some();
    let with_metadata = arguments.flag("include_all_metadata");
    let mut answer = Map::from_iter([
        (
            "messages".to_owned(),
            page.iter().map(|message| message.json(with_metadata)).collect(),
        ),
        ("has_more".to_owned(), json!(has_more)),
        ("pin_count".to_owned(), json!(0)),
    ]);
    if let Some(last) = page.last().filter(|_| has_more) {
        let cursor = STANDARD.encode(format!("next_ts:{}", last.ts.0));
        answer.insert("response_metadata".to_owned(), json!({"next_cursor": cursor}));
    }
    Ok(answer)
}

fn bound(arguments: &Arguments, name: &str, error: &'static str) -> Result<Option<Ts>, Refusal> {
    match arguments.text(name) {
        None => Ok(None),
        // Slack's documented default for `latest`.
        Some(now) if now == "now" => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|()| Refusal::from(error)),
    }
}

/// The message before which the page begins.
fn cursor(arguments: &Arguments) -> Result<Option<Ts>, Refusal> {
    let Some(cursor) = arguments.text("cursor") else {
        return Ok(None);
    };
    let decoded = STANDARD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let micros = decoded.and_then(|text| text.strip_prefix("next_ts:")?.parse().ok());
    micros
        .map(|micros| Some(Ts(micros)))
        .ok_or(Refusal::from("invalid_cursor"))
}
