//! Corrections of our messages, and replies to them.

use audit::{Action, Context};
use serde_json::Value;

use super::{Posted, Slack, SlackMessage, answer, channel_target};
use crate::http::Call;
use crate::{CallError, address};

/// Codes of `chat.update` for a message that cannot be changed now or later: it was deleted, the workspace's edit window has
/// passed, or it belongs to another app (<https://docs.slack.dev/reference/methods/chat.update#errors>).
const UNCHANGEABLE: &[&str] = &["message_not_found", "edit_window_closed", "cant_update_message"];

/// Codes of `chat.postMessage` for a thread that accepts no reply, or none that the channel shows.
const NO_THREAD: &[&str] = &[
    "thread_not_found",
    "message_not_found",
    "cannot_reply_to_message",
    "cant_broadcast_message",
];

/// Result of correcting a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    /// The message has the new content.
    Done,
    /// It was deleted, or this app can no longer edit it.
    Unchangeable,
}

impl Slack {
    /// Replaces the content of the message `ts` (<https://docs.slack.dev/reference/methods/chat.update>). Repeating it changes
    /// nothing.
    pub async fn update_message(
        &self,
        context: &Context,
        ts: &str,
        message: &SlackMessage,
    ) -> Result<Corrected, CallError> {
        let target = channel_target(&message.channel);
        let url = address::join(&self.base, ["chat.update"]);
        let body = message.to_update_json(ts).to_string().into_bytes();
        let call = Call::post(Action::SlackUpdateMessage, context, &target, url, body);
        match self.call(call, answer::parse_answer::<Value>).await {
            Ok(_) => Ok(Corrected::Done),
            Err(error) if answer::is_one_of(&error, UNCHANGEABLE) => Ok(Corrected::Unchangeable),
            Err(error) => Err(error),
        }
    }

    /// Posts a message as a reply to the message `ts`, shown in the channel as well. `None`: that message accepts no reply, and
    /// nothing was posted.
    ///
    /// # Errors
    /// [`CallError`], as [`Slack::post_message`].
    pub async fn reply(&self, context: &Context, ts: &str, message: SlackMessage) -> Result<Option<Posted>, CallError> {
        match self.post_message(context, &message.in_thread(ts)).await {
            Ok(posted) => Ok(Some(posted)),
            Err(error) if answer::is_one_of(&error, NO_THREAD) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
