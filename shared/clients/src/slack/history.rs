//! Finds a message by its metadata, to check if it was posted (<https://docs.slack.dev/reference/methods/conversations.history>).

use audit::{Action, Context, FailureClass};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::message::METADATA_EVENT_TYPE;
use super::{Posted, Slack, answer, channel_target};
use crate::http::Call;
use crate::{Advice, CallError, address};

/// Messages per page; Slack may return fewer.
const LIMIT: &str = "200";

/// Most pages that are read; there are few messages since an attempt to post.
const MOST_PAGES: usize = 50;

#[derive(Debug, Deserialize)]
struct HistoryJson {
    messages: Vec<MessageJson>,
    response_metadata: Option<CursorJson>,
}

#[derive(Debug, Deserialize)]
struct CursorJson {
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct MessageJson {
    ts: Option<String>,
    metadata: Option<MetadataJson>,
}

#[derive(Debug, Deserialize)]
struct MetadataJson {
    event_type: Option<String>,
    #[serde(default)]
    event_payload: Value,
}

impl MessageJson {
    fn carries(&self, key: &str) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| {
            metadata.event_type.as_deref() == Some(METADATA_EVENT_TYPE)
                && metadata.event_payload.get("key").and_then(Value::as_str) == Some(key)
        })
    }
}

impl Slack {
    /// The message with the effect's `key` in its metadata, in `channel` since `oldest`; `None` if missing.
    ///
    /// `channel` must be a channel id. Use as `oldest` the start of the first attempt, minus a minute for clock differences.
    ///
    /// # Errors
    /// [`CallError`] if the history cannot be read to its end: then it is *unknown* whether the message was posted.
    pub async fn find_message(
        &self,
        context: &Context,
        channel: &str,
        key: &str,
        oldest: Timestamp,
    ) -> Result<Option<Posted>, CallError> {
        let target = channel_target(channel);
        // Message timestamps are Unix seconds with six decimals.
        let oldest = format!("{}.000000", oldest.as_second().max(0));
        let mut cursor = String::new();
        // 1. Read page after page.
        for _ in 0..MOST_PAGES {
            let mut url = address::join(&self.base, ["conversations.history"]);
            url.query_pairs_mut()
                .append_pair("channel", channel)
                .append_pair("oldest", &oldest)
                .append_pair("inclusive", "true")
                .append_pair("include_all_metadata", "true")
                .append_pair("limit", LIMIT);
            if !cursor.is_empty() {
                url.query_pairs_mut().append_pair("cursor", &cursor);
            }
            let call = Call::get(Action::SlackGetHistory, context, &target, url);
            let page: HistoryJson = self.call(call, answer::parse_answer).await?;
            // 2. Stop at the message, or at the end of the history.
            let found = page
                .messages
                .into_iter()
                .find(|message| message.carries(key))
                .and_then(|message| message.ts);
            if let Some(ts) = found {
                return Ok(Some(Posted {
                    channel: channel.to_owned(),
                    ts,
                }));
            }
            cursor = page
                .response_metadata
                .and_then(|metadata| metadata.next_cursor)
                .unwrap_or_default();
            if cursor.is_empty() {
                return Ok(None);
            }
        }
        Err(CallError {
            action: Action::SlackGetHistory,
            class: FailureClass::InvalidResponse,
            advice: Advice::Permanent,
            sent: true,
            http_status: None,
            message: format!("channel history since the first attempt has more than {MOST_PAGES} pages"),
        })
    }
}
