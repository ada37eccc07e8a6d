//! One SQS message as the handlers see it.

use aws_lambda_events::sqs::SqsMessage;
use jiff::Timestamp;

/// A message of a batch. Attributes:
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-fifo-queue-message-event>.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The id that SQS assigned; never empty.
    pub message_id: String,
    /// Its group (`MessageGroupId`), if the queue is FIFO.
    pub group_id: Option<String>,
    /// The ARN of its queue (`eventSourceARN`), if Lambda reported it.
    pub source_arn: Option<String>,
    /// Its text; empty if the message has none.
    pub body: String,
    /// How often it was received, including this time (`ApproximateReceiveCount`); at least 1.
    pub receive_count: u32,
    /// When it was sent (`SentTimestamp`), if SQS reported it.
    pub sent_at: Option<Timestamp>,
}

/// A message without an id, so the answer cannot name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message in the batch has no id; no message was processed, and SQS will redeliver the whole batch")]
pub struct MissingMessageId;

impl TryFrom<SqsMessage> for Message {
    type Error = MissingMessageId;

    fn try_from(message: SqsMessage) -> Result<Self, Self::Error> {
        let mut attributes = message.attributes;
        let sent_at = attributes.get("SentTimestamp").and_then(|millis| millis.parse().ok());
        Ok(Self {
            message_id: message.message_id.filter(|id| !id.is_empty()).ok_or(MissingMessageId)?,
            group_id: attributes.remove("MessageGroupId"),
            source_arn: message.event_source_arn,
            body: message.body.unwrap_or_default(),
            receive_count: attributes
                .get("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            sent_at: sent_at.and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        })
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the body: bodies must not be logged.
        f.debug_struct("Message")
            .field("message_id", &self.message_id)
            .field("group_id", &self.group_id)
            .field("source_arn", &self.source_arn)
            .field("receive_count", &self.receive_count)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}
