//! The messages that the Slack double keeps.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The workspace's id.
pub(super) const TEAM: &str = "T0COUNTERS";
/// The bot user's id.
pub(super) const USER: &str = "U0COUNTERS";
/// The bot's id.
pub(super) const BOT: &str = "B0COUNTERS";

/// A message's time and identity within its channel, such as `1712345678.000100`: microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ts(pub i64);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:06}",
            self.0.div_euclid(1_000_000),
            self.0.rem_euclid(1_000_000)
        )
    }
}

impl FromStr for Ts {
    type Err = ();

    /// Accepts whole seconds and up to six digits after the point.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 6 || !(fraction.is_empty() || fraction.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(());
        }
        let seconds: i64 = seconds.parse().map_err(|_| ())?;
        let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_| ())?;
        seconds
            .checked_mul(1_000_000)
            .and_then(|whole| whole.checked_add(micros))
            .map(Self)
            .ok_or(())
    }
}

/// A posted message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The channel's id.
    pub channel: String,
    /// When, and under which identity.
    pub ts: Ts,
    /// The text, or the fallback beside blocks.
    pub text: String,
    /// The blocks; empty if there were none.
    pub blocks: Vec<Value>,
    /// `{"event_type", "event_payload"}`, if given.
    pub metadata: Option<Value>,
    /// The message it replies to.
    pub thread: Option<Ts>,
}

impl Message {
    /// The message as Slack sends it; `metadata` only where it was asked for.
    pub(super) fn json(&self, with_metadata: bool) -> Value {
        let mut fields = Map::from_iter([
            ("type".to_owned(), json!("message")),
            ("user".to_owned(), json!(USER)),
            ("bot_id".to_owned(), json!(BOT)),
            ("app_id".to_owned(), json!("A0COUNTERS")),
            ("team".to_owned(), json!(TEAM)),
            ("ts".to_owned(), json!(self.ts.to_string())),
            ("text".to_owned(), json!(self.text)),
        ]);
        if !self.blocks.is_empty() {
            fields.insert("blocks".to_owned(), json!(self.blocks));
        }
        if let Some(thread) = self.thread {
            fields.insert("thread_ts".to_owned(), json!(thread.to_string()));
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|_| with_metadata) {
            fields.insert("metadata".to_owned(), metadata.clone());
        }
        Value::Object(fields)
    }
}

/// All messages of a workspace.
#[derive(Debug, Default)]
pub(super) struct Messages {
    messages: Vec<Message>,
    last_post: BTreeMap<String, Timestamp>,
}

impl Messages {
    /// All messages, oldest first.
    pub(super) fn all(&self) -> &[Message] {
        &self.messages
    }

    /// The next identity: the time, moved on where it has been given away.
    pub(super) fn next_ts(&self, now: Timestamp) -> Ts {
        let last = self.messages.last().map_or(i64::MIN, |message| message.ts.0);
        Ts(now.as_microsecond().max(last.saturating_add(100)))
    }

    /// Keeps a message.
    pub(super) fn keep(&mut self, message: Message, now: Timestamp) {
        self.last_post.insert(message.channel.clone(), now);
        self.messages.push(message);
    }

    /// Whether the last message in this channel is less than a second old.
    pub(super) fn too_soon(&self, channel: &str, now: Timestamp) -> bool {
        self.last_post
            .get(channel)
            .is_some_and(|last| now.duration_since(*last).as_millis() < 1000)
    }
}
