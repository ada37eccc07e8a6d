//! Slack's Web API: posts a message once, finds it again, corrects it.

mod answer;
mod correction;
mod escape;
mod history;
pub mod message;

use audit::{Action, Context, Target};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::http::{Call, Http, HttpResponse};
use crate::{CallError, InvalidAddress, address};
pub use correction::Corrected;
pub use message::SlackMessage;

/// A Slack workspace, used as a bot. The token needs the scopes `chat:write` and `channels:history` (`groups:history` for private
/// channels).
#[derive(Debug, Clone)]
pub struct Slack {
    http: Http,
    base: Url,
    token: SecretString,
}

/// A message in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Channel id, as Slack names it.
    pub channel: String,
    /// The message's timestamp, its identity within the channel.
    pub ts: String,
}

#[derive(Debug, Deserialize)]
struct PostedJson {
    channel: String,
    ts: String,
}

impl Slack {
    /// A client of the API at `base_url` (`https://slack.com`, with or without `/api`), with a bot token.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the token cannot be used.
    pub fn new(http: Http, base_url: &str, token: SecretString) -> Result<Self, InvalidAddress> {
        let base = address::base(base_url, "/api")?;
        bearer(&token)?;
        Ok(Self { http, base, token })
    }

    /// Posts a message (<https://docs.slack.dev/reference/methods/chat.postMessage>).
    ///
    /// # Errors
    /// [`CallError`]. After [`crate::Advice::Ambiguous`] the message may be in the channel: call [`Slack::find_message`] before
    /// posting again.
    pub async fn post_message(&self, context: &Context, message: &SlackMessage) -> Result<Posted, CallError> {
        let target = channel_target(&message.channel);
        let url = address::join(&self.base, ["chat.postMessage"]);
        let body = message.to_json().to_string().into_bytes();
        let call = Call::post(Action::SlackPostMessage, context, &target, url, body);
        self.call(call, |answer| {
            let posted: PostedJson = answer::parse_answer(answer)?;
            Ok(Posted {
                channel: posted.channel,
                ts: posted.ts,
            })
        })
        .await
    }

    async fn call<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&HttpResponse) -> Result<T, crate::error::CallProblem>,
    ) -> Result<T, CallError> {
        self.http.send(&call.authorized(bearer(&self.token)), read).await
    }
}

fn channel_target(channel: &str) -> Target {
    Target::other("slack_channel", channel)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, InvalidAddress> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| InvalidAddress::Token)?;
    value.set_sensitive(true);
    Ok(value)
}
