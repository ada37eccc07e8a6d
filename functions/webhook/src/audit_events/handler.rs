//! Handles one request of a producer: each entry is validated, and the accepted ones go to the inlet of the recorder.

use audit::Context;
use futures::future::try_join_all;
use inbound::producer::{InletMessage, ProducerBatch};
use lambda_http::Request;
use runtime::aws::StandardQueue;

use super::assessment::{IncomingEntries, ProvenEntries, assess};
use super::audit_entry::producer_entry;
use crate::http::context::RequestContext;
use crate::http::intake::Intake;
use crate::http::refusal::Refusal;
use crate::http::response::Answer;
use crate::http::route::Route;

/// The handler, with everything a request needs.
#[derive(Debug)]
pub struct AuditEvents {
    intake: Intake,
    inlet: StandardQueue,
}

impl AuditEvents {
    #[must_use]
    pub fn new(intake: Intake, inlet: StandardQueue) -> Self {
        Self { intake, inlet }
    }

    pub async fn receive(&self, request_context: &RequestContext, request: &Request) -> Answer {
        let received = IncomingEntries::new(request.headers(), request.body());
        let outer = request_context.audit_context(received.traceparent);
        let span = self.intake.begin_span(Route::AuditEvents, &outer, received.traceparent);
        let context = span.context(&outer);
        // 1. Assess it. A newer secret can change a rejection.
        let may_change =
            |assessed: &Result<ProvenEntries, Refusal>| matches!(assessed, Err(why) if why.retry_with_fresh_secret());
        let now = request_context.received_at;
        let senders = &self.intake.senders;
        let assessed = senders
            .assess_by(
                context,
                |senders| assess(&received, &senders.producers, now),
                may_change,
            )
            .await;
        // 2. Audit the result before anything else can fail.
        request_context.begin_audit();
        let entry = producer_entry(context, request_context, received.body.len(), &assessed);
        self.intake.audit.write(&entry);
        // 3. Queue what is to be stored.
        let answer = match assessed {
            Err(why) | Ok(ProvenEntries { batch: Err(why), .. }) => Answer::Refused(why),
            Ok(ProvenEntries {
                producer,
                batch: Ok(batch),
            }) => {
                self.count_rejected(&batch);
                self.send(context, request_context, &producer.name, batch).await
            }
        };
        self.intake.finish(Route::AuditEvents, span, answer)
    }

    /// All messages or none: the producer sends everything again, and known entries are stored once.
    async fn send(
        &self,
        context: &Context,
        request_context: &RequestContext,
        producer: &str,
        batch: ProducerBatch,
    ) -> Answer {
        let ProducerBatch { accepted, rejected } = batch;
        let lines: Vec<&str> = accepted.iter().map(|entry| entry.line.as_str()).collect();
        let messages = if lines.is_empty() {
            Vec::new()
        } else {
            let RequestContext {
                correlation_id,
                received_at,
                ..
            } = request_context;
            InletMessage::messages(producer, *correlation_id, *received_at, &lines)
        };
        let sends = messages.iter().map(async |message| {
            let body = serde_json::to_string(message).map_err(|_| Refusal::Internal)?;
            let sent = self.inlet.send(context, body).await;
            // The call has already written an audit entry with the details.
            sent.map_err(|_| Refusal::QueueUnavailable)
        });
        match try_join_all(sends).await {
            Ok(_) => Answer::Entries {
                accepted: accepted.len(),
                rejected,
            },
            Err(why) => Answer::Refused(why),
        }
    }

    fn count_rejected(&self, batch: &ProducerBatch) {
        self.intake
            .metrics
            .count("producer_entries_accepted", batch.accepted.len() as u64);
        self.intake
            .metrics
            .count("producer_entries_rejected", batch.rejected.len() as u64);
    }
}
