//! Messages in Block Kit (<https://docs.slack.dev/reference/block-kit/blocks>).

mod change;
mod confirmation;
mod exception;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use change::{ReplyLocation, ReportedChange, ReportedDecision, exception_reply};
pub use confirmation::pod_confirmation;
pub use exception::{AlertMark, corrected_alert, exception_alert};

/// The metadata's event type of every message of an effect.
pub const METADATA_EVENT_TYPE: &str = "countersign_effect";

/// Slack's limits in characters.
mod limit {
    pub(super) const HEADER: usize = 150;
    pub(super) const SECTION: usize = 3000;
    pub(super) const FIELD: usize = 2000;
    pub(super) const CONTEXT: usize = 2000;
    /// For the fallback text; Slack recommends 4,000 and cuts at 40,000.
    pub(super) const TEXT: usize = 1500;
}

/// A message for `chat.postMessage`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    pub channel: String,
    /// What notifications and screen readers show.
    pub text: String,
    pub blocks: Vec<Value>,
    /// Identifies the message in a search: `event_type` and `event_payload`.
    pub metadata: Value,
    /// The timestamp of the message that it replies to.
    pub thread: Option<String>,
}

impl SlackMessage {
    fn new(channel: &str, text: String, blocks: Vec<Value>, payload: &Value) -> Self {
        let metadata = json!({"event_type": METADATA_EVENT_TYPE, "event_payload": payload});
        Self {
            channel: channel.to_owned(),
            text,
            blocks,
            metadata,
            thread: None,
        }
    }

    /// The same as a reply. It is shown in the channel as well: a thread alone notifies only its followers, and a search of the
    /// channel's history finds only messages shown in the channel.
    #[must_use]
    pub fn in_thread(self, ts: &str) -> Self {
        let thread = Some(ts.to_owned());
        Self { thread, ..self }
    }

    /// The body of the call. Slack is instructed not to unfurl links or media.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "channel": self.channel,
            "text": self.text,
            "blocks": self.blocks,
            "metadata": self.metadata,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(thread) = &self.thread {
            body["thread_ts"] = json!(thread);
            body["reply_broadcast"] = json!(true);
        }
        body
    }

    /// The body of the call that replaces the message `ts` with this one.
    #[must_use]
    pub fn to_update_json(&self, ts: &str) -> Value {
        json!({
            "channel": self.channel,
            "ts": ts,
            "text": self.text,
            "blocks": self.blocks,
            "metadata": self.metadata,
        })
    }
}

/// A `mrkdwn` object. `verbatim`: Slack does not turn text into links or mentions.
fn markdown(text: impl Into<String>) -> Value {
    json!({"type": "mrkdwn", "text": text.into(), "verbatim": true})
}

fn section(text: impl Into<String>) -> Value {
    json!({"type": "section", "text": markdown(text)})
}

/// An instant, which Slack shows in the reader's time zone, in whole seconds.
fn date(at: Timestamp) -> String {
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{at:.0}>", at.as_second())
}
