//! Tracing from the delivery to Slack: the functions' binaries, doubles of everything outside, and a collector.

mod collector;
mod delivery;
mod hostile;
mod maintenance;

use doubles::Recorded;
use doubles::aws::Message;
use doubles::otlp::{self, OtlpDouble, Span};
use doubles::payload::MergeRequest;
use serde_json::{Value, json};

use crate::env::{AUTHOR, TestEnv, WEBHOOK_SECRET, at};
use crate::function::Function;
use crate::outbox::{batch, unapproved};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const KEY: &str = "otlp-key-never-shown";

/// The `traceparent` of a sender that records its spans.
fn sampled() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// The environment with a collector, and a webhook that accepts deliveries by a plain token.
struct Traced {
    env: TestEnv,
    collector: OtlpDouble,
    more: Vec<(&'static str, String)>,
}

impl Traced {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these variables for every function.
    async fn with(more: &[(&'static str, &str)]) -> Self {
        let (env, collector) = (TestEnv::with_functions().await, otlp::start().await);
        let hook = json!({"hooks": [{"name": "main", "instance": "main", "secret_tokens": ["plain"]}]});
        env.aws().put_secret(WEBHOOK_SECRET, "AWSCURRENT", hook);
        let mut variables = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
            ("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={KEY}")),
            // Generous: the expected spans must also arrive on a busy machine.
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000".to_owned()),
        ];
        variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            env,
            collector,
            more: variables,
        }
    }

    async fn start(&self, name: &str) -> Function {
        let variables: Vec<_> = self.more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.env.function_with(name, &variables).await
    }

    /// An unapproved merge, as GitLab reports and shows it.
    fn merge(&self) -> MergeRequest {
        let mr = unapproved(1);
        self.env.merged(&mr, |_| ());
        mr
    }

    /// Sends the webhook a delivery of the merge, and takes the message that it queued.
    async fn receive(&self, webhook: &Function, mr: &MergeRequest, traceparent: Option<&str>) -> (Value, Message) {
        let answer = webhook.invoke(delivery_event(mr, traceparent)).await;
        assert_eq!(answer["statusCode"], 202, "{answer}");
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (body, self.env.aws().messages().pop().unwrap())
    }

    /// The complete flow: webhook, processor, notifier. Returns the functions and the correlation id.
    async fn deliver(&self, traceparent: &str) -> ([Function; 3], String) {
        let mr = self.merge();
        let webhook = self.start("webhook").await;
        let (answer, message) = self.receive(&webhook, &mr, Some(traceparent)).await;
        let processor = self.start("processor").await;
        processor.completes(batch(&message.body, "main/77!1", 1)).await;
        let effect = self.env.aws().messages().pop().unwrap();
        let notifier = self.start("notifier").await;
        notifier.completes(batch(&effect.body, "slack:C0SECLEAD", 1)).await;
        assert_eq!(self.env.slack().messages().len(), 1);
        let id = answer["correlation_id"].as_str().unwrap().to_owned();
        ([webhook, processor, notifier], id)
    }

    /// The requests to GitLab and Slack.
    fn outside(&self) -> Vec<Recorded> {
        let mut requests = self.env.gitlab().requests();
        requests.extend(self.env.slack().requests());
        requests
    }
}

/// API Gateway's event of a delivery.
fn delivery_event(mr: &MergeRequest, traceparent: Option<&str>) -> Value {
    let mut headers = json!({"content-type": "application/json", "x-gitlab-token": "plain"});
    if let Some(traceparent) = traceparent {
        headers["traceparent"] = json!(traceparent);
    }
    json!({
        "version": "2.0", "routeKey": "POST /webhook", "rawPath": "/webhook", "rawQueryString": "", "headers": headers,
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/webhook", "sourceIp": "203.0.113.7"}},
        "body": mr.event("merge", AUTHOR, at("12:00:00")).to_string(), "isBase64Encoded": false,
    })
}

/// The spans of one service by name.
fn named<'a>(spans: &'a [Span], service: &str, name: &str) -> Vec<&'a Span> {
    let service = format!("countersign-{service}");
    let found = spans.iter().filter(|span| span.service == service && span.name == name);
    found.collect()
}

/// The only span of one service with a name.
fn only<'a>(spans: &'a [Span], service: &str, name: &str) -> &'a Span {
    let found = named(spans, service, name);
    let [span] = found[..] else {
        panic!("one span {name} of {service} expected in {spans:#?}")
    };
    span
}
