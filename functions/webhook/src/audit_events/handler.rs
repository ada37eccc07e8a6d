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
            .assess_by(context, |senders| assess(&received, senders, now), may_change)
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

#[cfg(test)]
mod tests {
    use inbound::producer::RejectReason;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use crate::fixtures::{Bench, Headers, PRODUCER_KEY, at_path, event, now, secret_of_others};

    fn sample_entry() -> Value {
        json!({
            "timestamp": format!("{:.3}", now()), "event_type": "audit", "action": "copilot.task.started",
            "actor": {"type": "webhook_event", "id": Uuid::nil()}, "target": {"resource_type": "project", "project_id": 7},
            "outcome": "success", "correlation_id": Uuid::nil(), "service": "copilot-agent", "id": audit::entry_id(now(), "1"),
        })
    }

    fn request(authorization: &str, content_type: &str, body: &str) -> Value {
        let headers: Headers = vec![
            ("authorization", authorization.to_owned()),
            ("content-type", content_type.to_owned()),
        ];
        at_path(event(&headers, body), "/audit/events")
    }

    #[tokio::test]
    async fn the_answers_are_those_documented() {
        let bench = Bench::with_secret(secret_of_others());
        let (good, bearer) = (json!([sample_entry()]).to_string(), format!("Bearer {PRODUCER_KEY}"));
        let many = json!(vec![sample_entry(); 501]).to_string();
        let json_type = "application/json; charset=utf-8";
        let cases = [
            (request(&bearer, json_type, &good), 503, "queue_unavailable"),
            (
                request(&format!("bearer {PRODUCER_KEY}"), "application/x-ndjson", &good),
                422,
                "no_valid_entry",
            ),
            (
                request(&bearer, "application/x-ndjson", &sample_entry().to_string()),
                503,
                "queue_unavailable",
            ),
            (request(&bearer, json_type, "[]"), 422, "no_valid_entry"),
            (request(&bearer, json_type, &many), 413, "too_many_entries"),
            (request(&bearer, json_type, &"x".repeat(1_048_577)), 413, "too_large"),
            (request(&bearer, "text/plain", &good), 415, "unsupported_media_type"),
            (
                request("Bearer a-guessed-key-of-32-characters--", json_type, &good),
                401,
                "not_authentic",
            ),
            (
                request(&format!("Basic {PRODUCER_KEY}"), json_type, &good),
                401,
                "not_authentic",
            ),
            (request("", json_type, &good), 401, "not_authentic"),
        ];
        for (number, (request, status, reason)) in (1..).zip(cases) {
            let (given, answer) = bench.serve(&request).await;
            assert_eq!((given, &answer["reason"]), (status, &json!(reason)));
            let mut entries = bench.audit.entries();
            entries.retain(|entry| entry["action"] == "audit.producer.verify");
            assert_eq!(entries.len(), number, "one each");
            assert_eq!(
                entries[number - 1]["target"],
                json!({"resource_type": "endpoint", "id": "/audit/events"})
            );
            assert!(
                !bench
                    .audit
                    .entries()
                    .iter()
                    .any(|entry| entry.to_string().contains(PRODUCER_KEY))
            );
        }
    }

    /// The sender cannot see whether there are producers, and an unreadable secret is not its fault.
    #[tokio::test]
    async fn unknown_key_and_unreadable_secret_differ() {
        for (secret, status, reason) in [
            (r#"{"hooks": []}"#, 401, "not_authentic"),
            ("not JSON", 503, "secret_unavailable"),
        ] {
            let bench = Bench::with_secret(secret.to_owned());
            let request = request(&format!("Bearer {PRODUCER_KEY}"), "application/json", "[]");
            let (given, answer) = bench.serve(&request).await;
            assert_eq!((given, &answer["reason"]), (status, &json!(reason)));
        }
    }

    #[tokio::test]
    async fn wrong_method_is_audited_as_this_route() {
        let bench = Bench::with_secret(secret_of_others());
        let mut request = request(&format!("Bearer {PRODUCER_KEY}"), "application/json", "[]");
        request["requestContext"]["http"]["method"] = json!("GET");
        assert_eq!(bench.serve(&request).await.0, 405);
        let entry = bench.audit.entries().pop().unwrap();
        assert_eq!(
            (&entry["action"], &entry["details"]["reason"]),
            (&json!("audit.producer.verify"), &json!("malformed"))
        );
    }

    #[test]
    fn reasons_are_those_of_the_page() {
        let page = include_str!("../../../../docs/reference/producers.md");
        for reason in RejectReason::ALL {
            assert!(
                page.contains(&format!("| `{}` |", reason.as_str())),
                "{}",
                reason.as_str()
            );
        }
    }
}
