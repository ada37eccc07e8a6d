//! A FIFO queue: ordered in groups, deduplicated.

use audit::{Action, Context, FailureClass, Target};
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use model::sha256_hex;
use trace::{Attribute, SpanKind};

use super::call::AwsCall;
use super::queue_url::QueueUrl;
use super::{AwsError, Clients};

/// A message for a FIFO queue. Ids are at most 128 characters out of ASCII letters, digits and punctuation: [`sqs_id`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FifoMessage {
    /// Messages of one group arrive in order.
    pub group: String,
    /// SQS drops a second message with this id for five minutes.
    pub deduplication_id: String,
    pub body: String,
}

/// A FIFO queue to send to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FifoQueue {
    clients: Clients,
    url: QueueUrl,
}

impl FifoQueue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(clients: &Clients, url: QueueUrl) -> Self {
        Self {
            clients: clients.clone(),
            url,
        }
    }

    /// Sends one message: in order within its group, and once for each deduplication id within SQS's five minutes
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>). Ends within the bound of its
    /// [`Clients`] (three seconds unless they were built with another), retries included, and leaves one audit entry.
    ///
    /// # Errors
    /// If the queue did not confirm. The message may still be there: send again with the same `deduplication_id`.
    pub async fn send(&self, context: &Context, message: FifoMessage) -> Result<(), AwsError> {
        let QueueUrl { url, name, .. } = &self.url;
        let request = self.clients.sqs.send_message().queue_url(url);
        let request = request
            .message_body(message.body)
            .message_group_id(message.group)
            .message_deduplication_id(message.deduplication_id);
        send(&self.clients, context, name, request).await
    }

    /// Sends several messages as [`FifoQueue::send`] does, ten per call; returns their results in the same order. Each call leaves one
    /// audit entry.
    pub async fn send_batch(&self, context: &Context, messages: Vec<FifoMessage>) -> Vec<Result<(), AwsError>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter();
        loop {
            let part: Vec<_> = messages.by_ref().take(LARGEST_BATCH).collect();
            if part.is_empty() {
                return results;
            }
            results.extend(self.send_part(context, part).await);
        }
    }

    async fn send_part(&self, context: &Context, messages: Vec<FifoMessage>) -> Vec<Result<(), AwsError>> {
        const OPERATION: &str = "SendMessageBatch";
        let QueueUrl { url, name, .. } = &self.url;
        let count = messages.len();
        // 1. The entry id of each message is its index.
        let mut request = self.clients.sqs.send_message_batch().queue_url(url);
        for (place, message) in messages.into_iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(message.body)
                .message_group_id(message.group)
                .message_deduplication_id(message.deduplication_id);
            match entry.build() {
                Ok(entry) => request = request.entries(entry),
                // Only for an entry without an id or a body.
                Err(_) => return vec![Err(AwsError::new(OPERATION, FailureClass::InvalidResponse)); count],
            }
        }
        // 2. One call, one audit entry.
        let mut call = begin(&self.clients, context, name);
        call.attribute(
            "messaging.batch.message_count",
            Attribute::Number(i64::try_from(count).unwrap_or(i64::MAX)),
        );
        let answer = request.customize().interceptor(call.attempts()).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let error = AwsError::of(OPERATION, &error);
                call.end(Some(&error));
                return vec![Err(error); count];
            }
        };
        // 3. What the answer does not confirm was not sent.
        let mut results = vec![Err(AwsError::unreadable(OPERATION)); count];
        let mut ids = Vec::new();
        for sent in answer.successful() {
            if let Some(result) = place(sent.id()).and_then(|place| results.get_mut(place)) {
                *result = Ok(());
                ids.push(sent.message_id());
            }
        }
        for failed in answer.failed() {
            if let Some(result) = place(failed.id()).and_then(|place| results.get_mut(place)) {
                *result = Err(AwsError::refused(OPERATION, failed.code()));
            }
        }
        call.detail("messages", i64::try_from(count).unwrap_or(i64::MAX));
        call.detail("message_id", ids.join(" "));
        call.end(results.iter().find_map(|result| result.as_ref().err()));
        results
    }
}

/// Most messages that SQS accepts in one call.
const LARGEST_BATCH: usize = 10;

fn place(id: &str) -> Option<usize> {
    id.parse().ok()
}

/// The text if SQS accepts it as a group or deduplication id (at most 128 ASCII letters, digits and punctuation), else its hash.
#[must_use]
pub fn sqs_id(text: String) -> String {
    if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text;
    }
    sha256_hex(text.as_bytes())
}

fn begin<'a>(clients: &'a Clients, context: &'a Context, queue: &str) -> AwsCall<'a> {
    let target = Target::other("queue", queue);
    let mut call = AwsCall::begin(clients, SpanKind::Producer, context, Action::SqsSendMessage, target);
    call.attribute("messaging.system", "aws_sqs");
    call.attribute("messaging.destination.name", queue);
    call
}

/// Sends one message to a queue of either kind, with its audit entry.
pub(super) async fn send(
    clients: &Clients,
    context: &Context,
    queue: &str,
    message: SendMessageFluentBuilder,
) -> Result<(), AwsError> {
    let mut call = begin(clients, context, queue);
    let sent = message.customize().interceptor(call.attempts()).send().await;
    // An answer without an id is not a confirmation, regardless of its status.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_sqs_rejects_is_hashed() {
        assert_eq!(sqs_id("slack:C0SECLEAD".to_owned()), "slack:C0SECLEAD");
        for odd in ["", "page one", "größe", &"x".repeat(129)] {
            assert_eq!(sqs_id(odd.to_owned()).len(), 64, "{odd}");
        }
        assert_ne!(sqs_id("page one".to_owned()), sqs_id("page two".to_owned()));
    }
}
