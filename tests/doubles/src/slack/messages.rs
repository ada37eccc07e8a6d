//! The stored messages of the Slack double.

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
/// The app's id.
pub(super) const APP: &str = "A0COUNTERS";
/// Updates per minute that the rate limit allows: at least 50 (<https://docs.slack.dev/apis/web-api/rate-limits/>, tier 3).
const UPDATES_A_MINUTE: usize = 50;

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
    /// Its time and identity.
    pub ts: Ts,
    /// The text, or the fallback for blocks.
    pub text: String,
    /// The blocks; empty if there were none.
    pub blocks: Vec<Value>,
    /// `{"event_type", "event_payload"}`, if given.
    pub metadata: Option<Value>,
    /// The message it replies to.
    pub thread: Option<Ts>,
    /// A reply that the channel also shows.
    pub broadcast: bool,
    /// The app that posted it.
    pub app: String,
    /// When its content was last replaced.
    pub edited: Option<Timestamp>,
}

impl Message {
    fn is(&self, channel: &str, ts: Ts) -> bool {
        self.channel == channel && self.ts == ts
    }

    /// The message as Slack sends it; `metadata` only if requested.
    pub(super) fn json(&self, with_metadata: bool) -> Value {
        let mut fields = Map::from_iter([
            ("type".to_owned(), json!("message")),
            ("user".to_owned(), json!(USER)),
            ("bot_id".to_owned(), json!(BOT)),
            ("app_id".to_owned(), json!(self.app)),
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
        if self.broadcast {
            fields.insert("subtype".to_owned(), json!("thread_broadcast"));
        }
        if let Some(edited) = self.edited {
            let ts = Ts(edited.as_microsecond()).to_string();
            fields.insert("edited".to_owned(), json!({"user": BOT, "ts": ts}));
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
    all: Vec<Message>,
    last_post: BTreeMap<String, Timestamp>,
    /// Times of the updates of the last minute.
    updates: Vec<Timestamp>,
}

impl Messages {
    /// All messages, oldest first.
    pub(super) fn all(&self) -> &[Message] {
        &self.all
    }

    /// The next identity: the current time, increased if already used.
    pub(super) fn next_ts(&self, now: Timestamp) -> Ts {
        let last = self.all.last().map_or(i64::MIN, |message| message.ts.0);
        Ts(now.as_microsecond().max(last.saturating_add(100)))
    }

    /// Stores a message.
    pub(super) fn keep(&mut self, message: Message, now: Timestamp) {
        self.last_post.insert(message.channel.clone(), now);
        self.all.push(message);
    }

    /// Whether the last message in this channel is less than a second old.
    pub(super) fn too_soon(&self, channel: &str, now: Timestamp) -> bool {
        self.last_post
            .get(channel)
            .is_some_and(|last| now.duration_since(*last).as_millis() < 1000)
    }

    /// A message by its identity.
    pub(super) fn find(&self, channel: &str, ts: Ts) -> Option<&Message> {
        self.all.iter().find(|message| message.is(channel, ts))
    }

    /// Changes a message.
    pub(super) fn update(
        &mut self,
        channel: &str,
        ts: Ts,
        now: Timestamp,
        with: impl FnOnce(&mut Message),
    ) -> Option<&Message> {
        let message = self.all.iter_mut().find(|message| message.is(channel, ts))?;
        with(message);
        message.edited = Some(now);
        self.updates.push(now);
        Some(message)
    }

    /// Seconds until a further update is allowed, if too many were made in the last minute.
    pub(super) fn updates_exhausted(&mut self, now: Timestamp) -> Option<i64> {
        self.updates.retain(|at| now.duration_since(*at).as_secs() < 60);
        let first = self.updates.len().checked_sub(UPDATES_A_MINUTE)?;
        Some(60 - now.duration_since(self.updates[first]).as_secs())
    }

    /// Deletes a message, as a workspace administrator may.
    pub(super) fn delete(&mut self, channel: &str, ts: Ts) {
        self.all.retain(|message| !message.is(channel, ts));
    }

    /// Assigns a message to another app.
    pub(super) fn give_away(&mut self, channel: &str, ts: Ts) {
        let mut messages = self.all.iter_mut();
        if let Some(message) = messages.find(|message| message.is(channel, ts)) {
            "A0ANOTHER".clone_into(&mut message.app);
        }
    }
}
