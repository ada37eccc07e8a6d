//! Requests, secrets and a test environment for the tests of this crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use inbound::gitlab::{Grammar, HookSet, SigningToken, StreamTypes, Tolerance, WebhookSecret, sign};
use jiff::Timestamp;
use model::Clock;
use runtime::aws::{AwsSettings, Clients, FifoQueue, QueueUrl, Standard, StandardQueue};
use runtime::config::Environment;
use runtime::metrics::Metrics;
use runtime::secrets::{SecretSource, Stage};
use secrecy::SecretString;
use serde_json::{Value, json};
use trace::Tracer;
use uuid::Uuid;

use crate::audit_events::handler::AuditEvents;
use crate::gitlab_stream::handler::GitlabStream;
use crate::gitlab_webhook::assessment::WebhookRules;
use crate::gitlab_webhook::derived_entries::CommandArguments;
use crate::gitlab_webhook::handler::GitlabWebhook;
use crate::http::context::RequestContext;
use crate::http::intake::Intake;
use crate::http::panic_guard::PanicGuard;
use crate::http::router::Router;
use crate::sender_secret::SenderSecret;
use crate::senders;

pub(crate) const KEY: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";
pub(crate) const NEXT_KEY: &str = "whsec_bmV4dC1zaWduaW5nLWtleS1vZi10aGUtMzItYnl0ZXM=";
pub(crate) const PLAIN: &str = "plain-secret-token";
pub(crate) const ID: &str = "0198c1de-7a54-7cc1-9f0a-3f1d5a6b7c8d";
pub(crate) const NOW: i64 = 1_772_366_400;
pub(crate) const TOLERANCE: Tolerance = Tolerance {
    seconds: 300,
    max_body_bytes: 100_000,
};

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(crate) fn request_context() -> RequestContext {
    RequestContext {
        correlation_id: Uuid::from_u128(7),
        received_at: now(),
        source_ip: None,
        xray_trace_id: None,
        audited: AtomicBool::new(false),
    }
}

pub(crate) fn rules() -> WebhookRules {
    WebhookRules {
        tolerance: TOLERANCE,
        grammar: Grammar::default(),
    }
}

/// One hook bound to the namespace `platform/`, with these signing tokens.
pub(crate) fn secret(keys: &[&str]) -> String {
    json!({"hooks": [{
        "name": "main", "instance": "gitlab", "signing_tokens": keys, "secret_tokens": [PLAIN], "namespaces": ["platform/"],
    }]})
    .to_string()
}

pub(crate) const PRODUCER_KEY: &str = "a-producer-key-of-32-characters-";
pub(crate) const STREAM_TOKEN: &str = "a-stream-token-of-24-sig";

/// A secret with one producer and one stream.
pub(crate) fn secret_of_others() -> String {
    json!({
        "audit_producers": [{"name": "agent", "key": PRODUCER_KEY, "services": ["copilot-agent"]}],
        "gitlab_streams": [{"name": "main-group", "token": STREAM_TOKEN, "instance": "gitlab"}],
    })
    .to_string()
}

/// The same event at another path.
pub(crate) fn at_path(mut event: Value, path: &str) -> Value {
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event
}

pub(crate) fn hook_set() -> HookSet {
    HookSet::merge([WebhookSecret::parse(&secret(&[KEY]).into()).unwrap()]).0
}

/// A merge of a labelled merge request.
pub(crate) fn merged() -> Value {
    json!({
        "object_kind": "merge_request",
        "user": {"id": 41, "username": "mira"},
        "project": {"id": 1201, "path_with_namespace": "platform/vault"},
        "object_attributes": {
            "id": 90017, "iid": 12, "title": "Rotate the signing key", "action": "merge", "state": "merged",
            "updated_at": "2026-03-01 12:59:58 +0100", "last_commit": {"id": "9d3c1e77"},
        },
        "labels": [{"id": 5, "title": "security::high"}],
    })
}

pub(crate) type Headers = Vec<(&'static str, String)>;

/// Headers as GitLab 19 sends them, signed at `seconds`.
pub(crate) fn signed_at(seconds: i64, key: &str, body: &[u8]) -> Headers {
    let timestamp = seconds.to_string();
    let signature = sign(&SigningToken::parse(key).unwrap(), ID, &timestamp, body);
    vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", "GitLab/19.1.0".to_owned()),
        ("webhook-id", ID.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
        ("x-gitlab-event-uuid", "3f0a".to_owned()),
    ]
}

pub(crate) fn signed(body: &[u8]) -> Headers {
    signed_at(NOW, KEY, body)
}

pub(crate) fn with_token(token: &str) -> Headers {
    vec![
        ("content-type", "application/json".to_owned()),
        ("x-gitlab-token", token.to_owned()),
    ]
}

pub(crate) fn header_map(headers: &Headers) -> HeaderMap {
    let pair = |(name, value): &(&'static str, String)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )
    };
    headers.iter().map(pair).collect()
}

/// API Gateway's event of a POST.
pub(crate) fn event(headers: &Headers, body: &str) -> Value {
    let headers: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "version": "2.0", "routeKey": "POST /webhook", "rawPath": "/webhook", "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "stage": "$default", "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": "POST", "path": "/webhook", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"},
        },
        "body": body, "isBase64Encoded": false,
    })
}

/// A clock that tests move.
#[derive(Debug)]
pub(crate) struct TestClock(pub(crate) AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A clock that panics once on request. It dates metrics, which are written after the audit line.
#[derive(Debug, Default)]
pub(crate) struct FaultyClock(pub(crate) AtomicBool);

impl Clock for FaultyClock {
    fn now(&self) -> Timestamp {
        assert!(!self.0.swap(false, Ordering::Relaxed), "simulated panic");
        now()
    }
}

/// A guarded router with an unreachable queue, its inputs and its outputs.
pub(crate) struct Bench {
    pub(crate) gateway: PanicGuard,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) secret_reads: Arc<AtomicUsize>,
    pub(crate) audit: audit::Memory,
    pub(crate) metrics: runtime::metrics::MetricMemory,
    pub(crate) metrics_clock: Arc<FaultyClock>,
}

impl Bench {
    /// `current` supplies the current version of the secret at each read; the other stages are empty.
    pub(crate) fn new(current: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self::staged(move |stage| if stage == Stage::Current { current() } else { None })
    }

    /// `secret` supplies each stage at each read.
    pub(crate) fn staged(secret: impl Fn(Stage) -> Option<String> + Send + Sync + 'static) -> Self {
        let secret_reads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&secret_reads);
        let source = move |stage| {
            if stage == Stage::Current {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(secret(stage).map(SecretString::from))
        };
        let bench = Self::reading(Arc::new(source));
        Self { secret_reads, ..bench }
    }

    /// The secret is read from `source`.
    pub(crate) fn reading(source: Arc<dyn SecretSource>) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let (audit, lines) = audit::Writer::memory("webhook", clock.clone());
        let metrics_clock = Arc::new(FaultyClock::default());
        let (metrics, metric_lines) = Metrics::memory("webhook", metrics_clock.clone());
        let secret = senders::cache(source, "countersign/webhook", clock.clone(), secret_metrics());
        let (queue, inlet) = unreachable_queues(&audit);
        let intake = Intake {
            senders: Arc::new(SenderSecret::new(secret)),
            audit,
            metrics,
            tracer: Tracer::off(),
        };
        let router = Router {
            gitlab_webhook: GitlabWebhook::new(intake.clone(), rules(), CommandArguments::Digest, queue.clone()),
            audit_events: AuditEvents::new(intake.clone(), inlet),
            gitlab_stream: GitlabStream::new(intake.clone(), StreamTypes::default(), queue),
            intake,
        };
        let gateway = PanicGuard::new(router, clock.clone());
        Self {
            gateway,
            clock,
            secret_reads: Arc::default(),
            audit: lines,
            metrics: metric_lines,
            metrics_clock,
        }
    }

    pub(crate) fn with_secret(json: String) -> Self {
        Self::new(move || Some(json.clone()))
    }

    /// Serves one event; returns status and body of the response.
    pub(crate) async fn serve(&self, event: &Value) -> (i64, Value) {
        let event = serde_json::from_str(&event.to_string()).unwrap();
        let context = lambda_runtime::Context::default();
        let answer = self
            .gateway
            .serve(lambda_runtime::LambdaEvent::new(event, context))
            .await
            .unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(answer["headers"]["content-type"], "application/json");
        (
            answer["statusCode"].as_i64().unwrap(),
            serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
        )
    }

    /// The audit lines of authentications so far.
    pub(crate) fn verifications(&self) -> Vec<Value> {
        let mut entries = self.audit.entries();
        entries.retain(|entry| entry["action"] == "webhook.auth.verify");
        entries
    }
}

/// Metrics of the secret, which most tests ignore.
fn secret_metrics() -> Metrics {
    Metrics::memory("webhook", Arc::new(FaultyClock::default())).0
}

/// Queues at a local address without a listener.
fn unreachable_queues(audit: &audit::Writer) -> (FifoQueue, StandardQueue) {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let pairs = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    let settings = AwsSettings::from_environment(&mut Environment::from_pairs(pairs));
    let clients = Clients::new(&settings, audit.clone());
    let url = |name: &str| format!("{endpoint}/000000000000/{name}");
    let fifo = FifoQueue::new(&clients, QueueUrl::parse(&url("deliveries.fifo")).unwrap());
    let standard = QueueUrl::<Standard>::parse(&url("audit-inlet")).unwrap();
    (fifo, StandardQueue::new(&clients, standard))
}
