//! Handles one streamed request: its wanted events go to the deliveries queue.

use audit::Context;
use futures::{StreamExt as _, TryStreamExt as _};
use inbound::gitlab::StreamTypes;
use lambda_http::Request;
use model::sha256_hex;
use runtime::aws::{FifoMessage, FifoQueue};

use super::assessment::{IncomingEvents, ProvenStream, assess};
use super::audit_entry::stream_entry;
use super::messages::{StreamDelivery, stream_messages};
use crate::gitlab_webhook::envelope::{DeliveryMessage, fifo_message};
use crate::http::context::RequestContext;
use crate::http::intake::Intake;
use crate::http::refusal::Refusal;
use crate::http::response::Answer;
use crate::http::route::Route;
use crate::http::traceparent::continued_trace;

/// Most messages and bytes of one call of the queue.
const CALL_MESSAGES: usize = 10;
const CALL_BYTES: usize = 240 * 1024;
/// A batch of GitLab can concern thousands of projects, each with its own message.
const CALLS_AT_A_TIME: usize = 8;

/// The handler, with everything a request needs.
#[derive(Debug)]
pub struct GitlabStream {
    intake: Intake,
    types: StreamTypes,
    queue: FifoQueue,
}

impl GitlabStream {
    #[must_use]
    pub fn new(intake: Intake, types: StreamTypes, queue: FifoQueue) -> Self {
        Self { intake, types, queue }
    }

    pub async fn receive(&self, request_context: &RequestContext, request: &Request) -> Answer {
        let received = IncomingEvents::new(request.headers(), request.body());
        let outer = request_context.audit_context(received.traceparent);
        let span = self.intake.begin_span(Route::AuditGitlab, &outer, received.traceparent);
        let context = span.context(&outer);
        // 1. Assess it. A newer secret can change a rejection.
        let may_change =
            |assessed: &Result<ProvenStream, Refusal>| matches!(assessed, Err(why) if why.retry_with_fresh_secret());
        let senders = &self.intake.senders;
        let assessed = senders
            .assess_by(
                context,
                |senders| assess(&received, &senders.streams, &self.types),
                may_change,
            )
            .await;
        // 2. Audit the result before anything else can fail.
        let payload_sha256 = sha256_hex(received.body);
        request_context.begin_audit();
        let entry = stream_entry(
            context,
            request_context,
            (received.body.len(), &payload_sha256),
            &assessed,
        );
        let audit_line = self.intake.audit.write(&entry);
        // 3. Queue the wanted events. If a message is not accepted, GitLab or its administrator may send all of them again: known
        //    events are stored once.
        let answer = match assessed {
            Err(why) => Answer::Refused(why),
            Ok(ProvenStream { events: Err(why), .. }) => Answer::Ignored(why),
            Ok(ProvenStream {
                source,
                events: Ok(wanted),
            }) => {
                self.intake
                    .metrics
                    .count("gitlab_audit_events_ignored", wanted.unwanted as u64);
                self.intake
                    .metrics
                    .count("gitlab_audit_events_broken", wanted.body.broken as u64);
                let delivery = StreamDelivery {
                    request_context,
                    traceparent: continued_trace(context.traceparent.as_deref(), None),
                    payload_sha256,
                    audit_line,
                };
                let messages = stream_messages(&delivery, &source, wanted.body.events);
                match self.send_all(context, messages).await {
                    Ok(()) => Answer::Accepted { stale: false },
                    Err(why) => Answer::Refused(why),
                }
            }
        };
        self.intake.finish(Route::AuditGitlab, span, answer)
    }
    /// Sends the messages, several in one call and several calls at a time.
    async fn send_all(&self, context: &Context, messages: Vec<DeliveryMessage>) -> Result<(), Refusal> {
        let calls = calls_of(messages)?;
        let sends = calls.into_iter().map(async |messages| {
            let sent = self.queue.send_batch(context, messages).await;
            // The call has already written an audit entry with the details.
            if sent.iter().all(Result::is_ok) {
                Ok(())
            } else {
                Err(Refusal::QueueUnavailable)
            }
        });
        futures::stream::iter(sends)
            .buffer_unordered(CALLS_AT_A_TIME)
            .try_collect()
            .await
    }
}

/// Divides the messages into calls of at most [`CALL_BYTES`].
fn calls_of(messages: Vec<DeliveryMessage>) -> Result<Vec<Vec<FifoMessage>>, Refusal> {
    let mut calls: Vec<Vec<FifoMessage>> = Vec::new();
    let mut bytes = usize::MAX;
    for message in messages {
        let message = fifo_message(message)?;
        bytes = bytes.saturating_add(message.body.len());
        match calls.last_mut() {
            Some(call) if bytes <= CALL_BYTES && call.len() < CALL_MESSAGES => call.push(message),
            _ => {
                bytes = message.body.len();
                calls.push(vec![message]);
            }
        }
    }
    Ok(calls)
}
