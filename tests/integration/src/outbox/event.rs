//! The events that functions are invoked with.

use doubles::payload::MergeRequest;
use model::{Effect, EffectMessage};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::env::{AUTHOR, HIGH, PROJECT, at, envelope};

/// An unapproved merge request with a security label.
pub(crate) fn unapproved(iid: u64) -> MergeRequest {
    MergeRequest::new(PROJECT, iid, HIGH)
}

/// The batch with the delivery of a merge from the deliveries queue.
pub(crate) fn delivery(mr: &MergeRequest) -> Value {
    let envelope = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), &Uuid::now_v7().to_string());
    batch(&json!(envelope).to_string(), "main/77!1", 1)
}

/// The batch with an effect from its queue, enqueued after `attempts` attempts.
pub(crate) fn message(effect: &Effect, attempts: i32) -> Value {
    let message = EffectMessage {
        effect_id: effect.id,
        attempts,
        destination: effect.destination.clone(),
        correlation_id: effect.correlation_id,
        traceparent: effect.traceparent.clone(),
    };
    batch(&json!(message).to_string(), &effect.destination, 1)
}

/// A batch of one message, as Lambda sends it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-fifo-queue-message-event>).
pub(crate) fn batch(body: &str, group: &str, receive_count: u32) -> Value {
    json!({"Records": [{
        "messageId": Uuid::now_v7(), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", "body": body,
        "attributes": {
            "ApproximateReceiveCount": receive_count.to_string(), "SentTimestamp": "1772452801000",
            "ApproximateFirstReceiveTimestamp": "1772452801100", "SequenceNumber": "18849496460467696128",
            "MessageGroupId": group, "SenderId": "AIDAIO23YVJENQZJOL4VO", "MessageDeduplicationId": "1",
        },
        "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:effects.fifo", "awsRegion": "eu-west-1",
    }]})
}

/// The relay's event.
pub(crate) fn relay() -> Value {
    json!({"jobs": ["relay_effects"]})
}
