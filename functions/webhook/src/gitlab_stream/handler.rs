//! Handles one streamed request: its wanted events go to the deliveries queue.

use std::collections::HashMap;

use audit::Context;
use futures::{StreamExt as _, TryStreamExt as _};
use inbound::gitlab::StreamTypes;
use lambda_http::Request;
use model::sha256_hex;
use runtime::aws::FifoQueue;

use super::assessment::{IncomingEvents, ProvenStream, assess};
use super::audit_entry::stream_entry;
use super::messages::{StreamDelivery, stream_messages};
use crate::gitlab_webhook::envelope::{DeliveryMessage, fifo_message};
use crate::gitlab_webhook::handler::SEND_WITHIN;
use crate::http::context::RequestContext;
use crate::http::intake::Intake;
use crate::http::refusal::Refusal;
use crate::http::response::Answer;
use crate::http::route::Route;
use crate::http::traceparent::continued_trace;

/// A batch of GitLab can concern many projects, each with its own message.
const GROUPS_AT_A_TIME: usize = 32;

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
            .assess_by(context, |senders| assess(&received, senders, &self.types), may_change)
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
                    .count("gitlab_audit_events_broken", wanted.broken as u64);
                let delivery = StreamDelivery {
                    request_context,
                    traceparent: continued_trace(context.traceparent.as_deref(), None),
                    payload_sha256,
                    audit_line,
                };
                let messages = stream_messages(&delivery, &source, wanted.events);
                let sent = tokio::time::timeout(SEND_WITHIN, self.send_all(context, messages)).await;
                match sent.unwrap_or(Err(Refusal::QueueUnavailable)) {
                    Ok(()) => Answer::Accepted { stale: false },
                    Err(why) => Answer::Refused(why),
                }
            }
        };
        self.intake.finish(Route::AuditGitlab, span, answer)
    }
    /// Sends the messages of each group in order, and several groups at a time. One call for several messages would need more code,
    /// which every start of the function would load.
    async fn send_all(&self, context: &Context, messages: Vec<DeliveryMessage>) -> Result<(), Refusal> {
        let sends = by_group(messages).into_iter().map(async |messages| {
            for message in messages {
                let sent = self.queue.send(context, fifo_message(message)?).await;
                // The call has already written an audit entry with the details.
                sent.map_err(|_| Refusal::QueueUnavailable)?;
            }
            Ok(())
        });
        futures::stream::iter(sends)
            .buffer_unordered(GROUPS_AT_A_TIME)
            .try_collect()
            .await
    }
}

fn by_group(messages: Vec<DeliveryMessage>) -> Vec<Vec<DeliveryMessage>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<DeliveryMessage>> = Vec::new();
    for message in messages {
        let place = *places.entry(message.group.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(message);
    }
    groups
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fixtures::{Bench, Headers, STREAM_TOKEN, at_path, event, secret_of_others};

    fn request(token: Option<&str>, body: &str) -> Value {
        let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
        let token = token.map(|token| ("x-gitlab-event-streaming-token", token.to_owned()));
        let headers: Headers = [form].into_iter().chain(token).collect();
        at_path(event(&headers, body), "/audit/gitlab")
    }

    #[tokio::test]
    async fn the_answers_are_those_documented() {
        let bench = Bench::with_secret(secret_of_others());
        let token = Some(STREAM_TOKEN);
        let member = json!({"event_type": "member_created", "entity_type": "Group", "entity_id": 7}).to_string();
        let fetch = json!({"event_type": "repository_git_operation"}).to_string();
        let cases = [
            (request(token, &member), 503, json!("queue_unavailable")),
            (request(token, &fetch), 202, Value::Null),
            (request(token, "[]"), 200, json!("empty")),
            (request(token, "payload=%7B%7D"), 200, json!("unparseable")),
            (
                request(token, &" ".repeat(4 * 1024 * 1024 + 1)),
                413,
                json!("too_large"),
            ),
            (
                request(Some("a-guessed-token-of-24-si"), &member),
                401,
                json!("not_authentic"),
            ),
            (
                request(Some(&format!("{STREAM_TOKEN},{STREAM_TOKEN}")), &member),
                401,
                json!("not_authentic"),
            ),
            (request(Some(""), &member), 401, json!("not_authentic")),
            (request(None, &member), 401, json!("not_authentic")),
        ];
        for (number, (request, status, reason)) in (1..).zip(cases) {
            let (given, answer) = bench.serve(&request).await;
            assert_eq!((given, &answer["reason"]), (status, &reason));
            let entries = bench.verifications();
            assert_eq!(entries.len(), number, "one each");
            assert_eq!(entries[number - 1]["target"]["id"], "/audit/gitlab");
            assert!(!entries[number - 1].to_string().contains(STREAM_TOKEN));
        }
        let fetched = &bench.verifications()[1]["details"];
        assert_eq!(
            (&fetched["events"], &fetched["unwanted_events"]),
            (&json!(0), &json!(1))
        );
    }
}
