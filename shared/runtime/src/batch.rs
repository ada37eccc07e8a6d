//! SQS batches, message by message: a failed message fails only the rest of its group.
//!
//! How Lambda treats the answer:
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting>.
//! An empty identifier in it, or a panic, would return the whole batch to the queue; so the first is rejected and the second is
//! caught.

mod message;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::FutureExt as _;

use crate::Deadline;
use crate::causes::in_one_line;

pub use message::{Message, MissingMessageId};

/// A message not begun this long before the deadline is left for the next invocation.
const TIME_TO_BEGIN: Duration = Duration::from_secs(2);
/// A message still in progress this long before the deadline is cancelled: at the deadline Lambda kills the invocation, and SQS
/// would redeliver the finished messages too.
const TIME_TO_ANSWER: Duration = Duration::from_millis(250);

/// Why a message was not processed and must be redelivered. Any error converts into it by `?`.
#[derive(Debug)]
pub struct BatchError(String);

impl BatchError {
    /// For the log. It must not contain any part of a message's body.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl<E: std::error::Error> From<E> for BatchError {
    fn from(error: E) -> Self {
        Self(in_one_line(&error))
    }
}

/// Passes each message to `handler`, one after the other, and returns those to redeliver: those that failed, panicked, exceeded the
/// deadline or were not begun before it, and all later ones of the same group, so that order within a group is kept. Each message
/// without a group (standard queues) is independent.
///
/// # Errors
/// If a message has no id: then nothing is handled, and SQS redelivers the whole batch.
pub async fn process_fifo<H>(
    event: SqsEvent,
    deadline: &Deadline,
    handler: H,
) -> Result<SqsBatchResponse, MissingMessageId>
where
    H: AsyncFn(Message) -> Result<(), BatchError>,
{
    let messages = event
        .records
        .into_iter()
        .map(Message::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let mut response = SqsBatchResponse::default();
    let mut stopped = HashSet::new();
    for message in messages {
        let message_id = message.message_id.clone();
        let group = message.group_id.clone();
        if group.as_ref().is_some_and(|group| stopped.contains(group)) {
            tracing::warn!(
                message_id,
                group,
                "message skipped: an earlier message of its group failed; SQS will redeliver it"
            );
        } else if let Err(BatchError(error)) = handle(message, deadline, &handler).await {
            tracing::error!(message_id, group, error, "message failed; SQS will redeliver it");
        } else {
            continue;
        }
        response.add_failure(message_id);
        stopped.extend(group);
    }
    Ok(response)
}

/// The same with the groups in parallel: a slow group does not delay the others. Each group is processed in order.
///
/// # Errors
/// If a message has no id: then nothing is handled, and SQS redelivers the whole batch.
pub async fn process_fifo_groups<H>(
    event: SqsEvent,
    deadline: &Deadline,
    handler: H,
) -> Result<SqsBatchResponse, MissingMessageId>
where
    H: AsyncFn(Message) -> Result<(), BatchError>,
{
    let mut groups: Vec<(Option<String>, SqsEvent)> = Vec::new();
    for message in event.records {
        // Checked before anything is handled.
        let group = Message::try_from(message.clone())?.group_id;
        let known = groups.iter_mut().find(|(known, _)| group.is_some() && *known == group);
        if let Some((_, messages)) = known {
            messages.records.push(message);
        } else {
            let mut messages = SqsEvent::default();
            messages.records.push(message);
            groups.push((group, messages));
        }
    }
    let work = groups
        .into_iter()
        .map(|(_, messages)| process_fifo(messages, deadline, &handler));
    let mut response = SqsBatchResponse::default();
    for done in futures::future::join_all(work).await {
        response.batch_item_failures.extend(done?.batch_item_failures);
    }
    Ok(response)
}

async fn handle<H>(message: Message, deadline: &Deadline, handler: &H) -> Result<(), BatchError>
where
    H: AsyncFn(Message) -> Result<(), BatchError>,
{
    let remaining = deadline.remaining();
    if remaining < TIME_TO_BEGIN {
        return Err(BatchError::new("too little time left to process the message"));
    }
    // The handler is called inside, so that a panic before its first await is caught as well. Unwind safety: a handler's shared
    // state is clients and pools, which stay valid when a call is dropped at any await, and none of our locks is held across one.
    let work = AssertUnwindSafe(async { handler(message).await }).catch_unwind();
    match tokio::time::timeout(remaining.saturating_sub(TIME_TO_ANSWER), work).await {
        Ok(Ok(done)) => done,
        Ok(Err(_panic)) => Err(BatchError::new(
            "handler panicked (see the previous log line for the location)",
        )),
        Err(_elapsed) => Err(BatchError::new("the invocation deadline was reached")),
    }
}

#[cfg(test)]
mod tests;
