//! Sending to a queue: FIFO here, standard beside it.

mod standard;

use audit::{Action, Context, Target};
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use trace::Kind;
use url::Url;

use super::call::Call;
use super::{AwsError, Clients};
use crate::config::Environment;

pub use standard::{StandardQueue, StandardQueueUrl};

/// The address of a FIFO queue: `https://sqs.<region>.amazonaws.com/<account>/<name>.fifo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrl {
    url: String,
    name: String,
}

impl QueueUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const PROBLEM: &str =
            "is not the address of a FIFO queue (https://sqs.<region>.amazonaws.com/<account>/<name>.fifo)";
        let name = name_in(text).ok_or(PROBLEM)?;
        let stem = name.strip_suffix(".fifo").ok_or(PROBLEM)?;
        if !is_plain_name(stem) {
            return Err(PROBLEM);
        }
        Ok(Self {
            url: text.to_owned(),
            name,
        })
    }

    /// The address in the variable `name`, which must be set.
    #[must_use]
    pub fn from_environment(env: &mut Environment, name: &str) -> Self {
        let text = env.required(name);
        let parsed = if text.is_empty() {
            None
        } else {
            env.parsed(name, Self::parse)
        };
        // Never used: the environment has noted the problem, and its finish() fails.
        parsed.unwrap_or(Self {
            url: String::new(),
            name: String::new(),
        })
    }

    /// The queue's name, with `.fifo`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A FIFO queue to send to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    clients: Clients,
    url: QueueUrl,
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(clients: &Clients, url: QueueUrl) -> Self {
        Self {
            clients: clients.clone(),
            url,
        }
    }

    /// Sends one message: in order within `group`, and once for each `deduplication_id` within SQS's five minutes
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>: both at most
    /// 128 characters out of ASCII letters, digits and punctuation). Ends within the bound of its
    /// [`Clients`] (three seconds unless they were built with another), retries included, and leaves one audit entry.
    ///
    /// # Errors
    /// If the queue did not confirm. The message may be there all the same: send again with the same
    /// `deduplication_id`.
    pub async fn send(
        &self,
        context: &Context,
        group: &str,
        deduplication_id: &str,
        body: String,
    ) -> Result<(), AwsError> {
        let QueueUrl { url, name } = &self.url;
        let message = self.clients.sqs.send_message().queue_url(url).message_body(body);
        let message = message
            .message_group_id(group)
            .message_deduplication_id(deduplication_id);
        send(&self.clients, context, name, message).await
    }
}

/// One message, whatever its queue, and its audit entry.
async fn send(
    clients: &Clients,
    context: &Context,
    queue: &str,
    message: SendMessageFluentBuilder,
) -> Result<(), AwsError> {
    let target = Target::other("queue", queue);
    let mut call = Call::begin(clients, Kind::Producer, context, Action::SqsSendMessage, target);
    call.attribute("messaging.system", "aws_sqs");
    call.attribute("messaging.destination.name", queue);
    let sent = message.customize().interceptor(call.attempts()).send().await;
    // An answer without an id is no confirmation, whatever its status.
    let sent = match sent {
        Ok(answer) => answer
            .message_id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| AwsError::unreadable("SendMessage")),
        Err(error) => Err(AwsError::of("SendMessage", &error)),
    };
    if let Ok(message_id) = &sent {
        call.detail("message_id", message_id.as_str());
        call.attribute("messaging.message.id", message_id.as_str());
    }
    call.end(sent.as_ref().err());
    sent.map(drop)
}

/// The last segment of a queue's address.
fn name_in(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    url.path_segments().and_then(Iterator::last).map(ToOwned::to_owned)
}

/// Whether a name is one that SQS gives: letters, digits, hyphens and underscores.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_a_fifo_queue_is_accepted() {
        let good = [
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/deliveries.fifo",
                "deliveries.fifo",
            ),
            (
                "http://127.0.0.1:4566/000000000000/stack-Effects_1.fifo",
                "stack-Effects_1.fifo",
            ),
        ];
        for (text, name) in good {
            assert_eq!(QueueUrl::parse(text).unwrap().name(), name);
        }
        let bad = [
            "",
            "deliveries.fifo",
            "https://sqs/1/deliveries",
            "https://sqs/1/.fifo",
            "https://sqs/1/*.fifo",
            "ftp://sqs/1/a.fifo",
        ];
        for text in bad {
            assert!(QueueUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_address_is_one_problem_and_a_wrong_one_too() {
        let mut env = Environment::from_pairs([("B_QUEUE_URL", "https://sqs/1/plain")]);
        let _ = QueueUrl::from_environment(&mut env, "A_QUEUE_URL");
        let _ = QueueUrl::from_environment(&mut env, "B_QUEUE_URL");
        assert_eq!(env.finish().unwrap_err().problems().len(), 2);
    }
}
