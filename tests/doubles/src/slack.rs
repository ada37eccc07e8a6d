//! A double of Slack's Web API: `chat.postMessage`, `chat.update`, `conversations.history`, `auth.test`.
//!
//! Every channel id that begins with `C` is known, except `C0MISSING` (`channel_not_found`) and `C0ARCHIVED` (`is_archived`).
//! Messages are checked as Slack checks them, stored with their metadata, and can be read back. The limits of one message per
//! second and channel, and of 50 updates per minute, are off until `PUT /_double/behaviour {"rate_limit": true}`.
//!
//! Sources: <https://docs.slack.dev/reference/methods/chat.postMessage/>, <https://docs.slack.dev/reference/methods/chat.update/>,
//! <https://docs.slack.dev/reference/methods/conversations.history/>, <https://docs.slack.dev/apis/web-api/> (errors, posting
//! of arguments) and <https://docs.slack.dev/apis/web-api/rate-limits/>.

mod arguments;
mod blocks;
mod history;
mod messages;
mod post;
mod update;

pub use messages::{Message, Ts};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Answer, Double, Received, System};
use arguments::Arguments;

/// A running double of Slack.
pub type SlackDouble = Double<Slack>;

/// Starts a Slack on a free port of the loopback interface.
pub async fn start() -> SlackDouble {
    Double::start().await
}

impl SlackDouble {
    /// The messages posted since the last reset, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.system(|slack| slack.messages.all().to_vec())
    }

    /// Deletes a message, as a workspace administrator may.
    pub fn delete(&self, message: &Message) {
        self.system(|slack| slack.messages.delete(&message.channel, message.ts));
    }

    /// Assigns a message to another app, as after the app was replaced.
    pub fn give_away(&self, message: &Message) {
        self.system(|slack| slack.messages.give_away(&message.channel, message.ts));
    }
}

/// What a test may change about Slack.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// The only token accepted (else `invalid_auth`); any if absent.
    pub token: Option<String>,
    /// Enforces one message per second and channel (429, `Retry-After: 1`), and 50 updates per minute.
    pub rate_limit: bool,
    /// The workspace no longer allows edits (`edit_window_closed`).
    pub edit_window_closed: bool,
}

/// Slack's behaviour.
#[derive(Debug, Default)]
pub struct Slack {
    behaviour: Behaviour,
    messages: messages::Messages,
}

impl System for Slack {
    type World = Behaviour;
    const NAME: &'static str = "slack";
    const WORLD: &'static str = "behaviour";

    fn world(&mut self) -> &mut Behaviour {
        &mut self.behaviour
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let Some(method) = request.path().strip_prefix("/api/") else {
            return Answer::with_type(
                StatusCode::NOT_FOUND,
                "text/html; charset=utf-8",
                "<h1>404</h1>".to_owned(),
            );
        };
        match self.call(method, request) {
            Ok(fields) => reply(StatusCode::OK, true, fields),
            Err(Refusal::RateLimited { wait }) => {
                let fields = Map::from_iter([("error".to_owned(), json!("ratelimited"))]);
                reply(StatusCode::TOO_MANY_REQUESTS, false, fields).with_header("retry-after", &wait)
            }
            Err(Refusal::Error(error, messages)) => {
                let mut fields = Map::from_iter([("error".to_owned(), json!(error))]);
                if !messages.is_empty() {
                    fields.insert("response_metadata".to_owned(), json!({"messages": messages}));
                }
                reply(StatusCode::OK, false, fields)
            }
        }
    }
}

impl Slack {
    fn call(&mut self, method: &str, request: &Received) -> Result<Map<String, Value>, Refusal> {
        if !["auth.test", "chat.postMessage", "chat.update", "conversations.history"].contains(&method) {
            return Err(Refusal::from("unknown_method"));
        }
        let arguments = Arguments::read(request)?;
        let token = request
            .bearer_token()
            .map(str::to_owned)
            .or_else(|| arguments.form_token());
        match token {
            None => return Err(Refusal::from("not_authed")),
            Some(token) if self.behaviour.token.as_ref().is_some_and(|only| *only != token) => {
                return Err(Refusal::from("invalid_auth"));
            }
            Some(_) => {}
        }
        let mut fields = match method {
            "chat.postMessage" => post::post(&mut self.messages, self.behaviour.rate_limit, &arguments, request.time)?,
            "chat.update" => update::update(&mut self.messages, &self.behaviour, &arguments, request.time)?,
            "conversations.history" => history::history(&self.messages, &arguments)?,
            _ => identity(),
        };
        if arguments.charset_missing {
            fields.insert("warning".to_owned(), json!("missing_charset"));
            let metadata = fields.entry("response_metadata").or_insert_with(|| json!({}));
            if let Value::Object(metadata) = metadata {
                metadata.insert("warnings".to_owned(), json!(["missing_charset"]));
            }
        }
        Ok(fields)
    }
}

/// The workspace and the app of every token.
fn identity() -> Map<String, Value> {
    Map::from_iter([
        ("url".to_owned(), json!("https://countersign-test.slack.com/")),
        ("team".to_owned(), json!("Countersign Test")),
        ("user".to_owned(), json!("countersign")),
        ("team_id".to_owned(), json!(messages::TEAM)),
        ("user_id".to_owned(), json!(messages::USER)),
        ("bot_id".to_owned(), json!(messages::BOT)),
        ("is_enterprise_install".to_owned(), json!(false)),
    ])
}

fn reply(status: StatusCode, ok: bool, fields: Map<String, Value>) -> Answer {
    let mut body = Map::from_iter([("ok".to_owned(), json!(ok))]);
    body.extend(fields);
    Answer::with_type(
        status,
        "application/json; charset=utf-8",
        Value::Object(body).to_string(),
    )
}

/// Why Slack rejects a request: an answer with `ok: false`, mostly with status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    /// Too many messages in one channel, or too many updates.
    RateLimited {
        /// Seconds until the next one is accepted.
        wait: i64,
    },
    /// An error code, and its `response_metadata.messages`.
    Error(&'static str, Vec<String>),
}

impl From<&'static str> for Refusal {
    fn from(code: &'static str) -> Self {
        Self::Error(code, Vec::new())
    }
}

/// Whether the double knows a channel.
fn channel(arguments: &Arguments) -> Result<String, Refusal> {
    let missing = || {
        Refusal::Error(
            "invalid_arguments",
            vec!["[ERROR] missing required field: channel".to_owned()],
        )
    };
    let channel = arguments.text("channel").ok_or_else(missing)?;
    if !channel.starts_with('C') || channel == "C0MISSING" {
        return Err(Refusal::from("channel_not_found"));
    }
    Ok(channel)
}

#[cfg(test)]
mod tests;
