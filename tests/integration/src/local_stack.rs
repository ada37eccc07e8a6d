//! The deployed local stack, seen from outside: deliveries in; rows, Slack messages and log lines out.

mod athena;
mod aws;
mod outside;
mod raw_http;

use std::path::{Path, PathBuf};
use std::time::Duration;

use inbound::gitlab::{SigningToken, sign};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

pub(crate) use athena::Row;
pub(crate) use aws::asked_for;
pub(crate) use raw_http::{Reply, request};

/// Longest wait for something that the stack does by itself, including the minute of its schedule.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// The parts of `.local/stack.json` that tests use.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Stack {
    /// URL for deliveries.
    pub(crate) webhook_url: String,
    /// URL for entries of other services.
    pub(crate) audit_events_url: String,
    /// URL for GitLab's audit event streams.
    pub(crate) audit_gitlab_url: String,
    /// The key of the producer `agent`, which may write as `gitlab-copilot-agent`.
    pub(crate) producer_key: String,
    /// The token of the stream `local`.
    pub(crate) gitlab_stream_token: String,
    /// The API's Host header.
    pub(crate) host_header: String,
    /// A hook's signing token.
    pub(crate) signing_token: String,
    /// The same hook's plain token.
    pub(crate) secret_token: String,
    /// Signing token of a hook that is limited to one project.
    pub(crate) scoped_signing_token: String,
    /// That project.
    pub(crate) scoped_project: u64,
    /// The auditor's login.
    pub(crate) database_url: String,
    /// The owner's login.
    pub(crate) database_owner_url: String,
    /// The emulator.
    pub(crate) aws_endpoint: String,
    /// The double of GitLab.
    pub(crate) gitlab_url: String,
    /// The double of Slack.
    pub(crate) slack_url: String,
    /// The double of Linear.
    pub(crate) linear_url: String,
    /// The double of Jira.
    pub(crate) jira_url: String,
    /// The double of Confluence.
    pub(crate) confluence_url: String,
    /// The double of a SIEM, the audit destination `http`.
    pub(crate) siem_url: String,
    /// The audit destination `file`.
    pub(crate) audit_file: PathBuf,
    /// Queue addresses.
    pub(crate) queues: Queues,
    /// Function names.
    pub(crate) functions: Names,
    pub(crate) log_groups: Names,
}

/// The queues that tests read.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Queues {
    /// Audit lines that could not be stored yet.
    pub(crate) audit_retry: String,
}

/// One name for each function.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Names {
    /// Of the webhook function.
    pub(crate) webhook: String,
    /// Of the processor function.
    pub(crate) processor: String,
    /// Of the notifier function.
    pub(crate) notifier: String,
    /// Of the recorder function.
    pub(crate) recorder: String,
    /// Of the maintenance function.
    pub(crate) maintenance: String,
}

/// Headers of a signed delivery; tests may modify them.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// Replaces a header, or adds it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Stack {
    /// The running stack.
    ///
    /// # Panics
    /// If the stack is not running; the message says how to start it.
    pub(crate) fn running() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/stack.json");
        let text = std::fs::read_to_string(&path)
            .expect("the local stack is not running: start it with `make stack`, or run `make test`");
        serde_json::from_str(&text).expect("a readable .local/stack.json")
    }

    /// A delivery as GitLab 19 signs it now, with a unique id.
    ///
    /// # Panics
    /// Never, for a token made by the stack.
    pub(crate) fn signed(&self, payload: &Value) -> Delivery {
        self.signed_as(
            payload,
            &Uuid::now_v7().to_string(),
            now().as_second(),
            &self.signing_token,
        )
    }

    /// A delivery signed with this id, at this time (Unix seconds), by this token.
    ///
    /// # Panics
    /// If the token is invalid.
    pub(crate) fn signed_as(&self, payload: &Value, id: &str, at: i64, token: &str) -> Delivery {
        let body = payload.to_string().into_bytes();
        let token = SigningToken::parse(token).expect("a signing token");
        let signature = sign(&token, id, &at.to_string(), &body);
        let delivery = self.unsigned(body);
        delivery
            .with("Idempotency-Key", id)
            .with("webhook-id", id)
            .with("webhook-timestamp", &at.to_string())
            .with("webhook-signature", &signature)
    }

    /// A delivery with the common headers, without signature or token.
    pub(crate) fn unsigned(&self, body: Vec<u8>) -> Delivery {
        Delivery {
            headers: Vec::new(),
            body,
        }
        .with("Host", &self.host_header)
        .with("Content-Type", "application/json")
        .with("User-Agent", "GitLab/19.1.0-ee")
        .with("X-Gitlab-Event", "Merge Request Hook")
        .with("X-Gitlab-Instance", "https://gitlab.example.com")
        .with("X-Gitlab-Event-UUID", &Uuid::now_v7().to_string())
    }

    /// Sends a delivery.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Reply {
        request("POST", &self.webhook_url, &delivery.headers, &delivery.body).await
    }

    /// Sends entries with a key.
    pub(crate) async fn send_entries(&self, key: &str, body: &[u8]) -> Reply {
        let headers = [
            ("Host", self.host_header.as_str()),
            ("Content-Type", "application/json"),
            ("Authorization", &format!("Bearer {key}")),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        request("POST", &self.audit_events_url, &headers, body).await
    }

    /// Sends what GitLab streams, with the headers of GitLab.
    pub(crate) async fn send_stream(&self, token: &str, body: &[u8]) -> Reply {
        let headers = [
            ("Host", self.host_header.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Gitlab-Event-Streaming-Token", token),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        request("POST", &self.audit_gitlab_url, &headers, body).await
    }

    /// Sends a signed delivery, expects acceptance and returns its correlation id.
    ///
    /// # Panics
    /// If it is not accepted.
    pub(crate) async fn deliver(&self, payload: &Value) -> String {
        let reply = self.send(&self.signed(payload)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()["correlation_id"]
            .as_str()
            .expect("a correlation id")
            .to_owned()
    }

    /// A control request to a double.
    ///
    /// # Panics
    /// If the double rejects it.
    pub(crate) async fn control(&self, base: &str, method: &str, path: &str, body: &Value) -> Value {
        let headers = [
            ("Host".to_owned(), "double".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let reply = request(method, &format!("{base}{path}"), &headers, &bytes).await;
        assert!(reply.status < 300, "{method} {path}: {reply:?}");
        serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
    }

    /// Puts a merge request into GitLab's world.
    pub(crate) async fn gitlab_shows(&self, project: u64, path: &str, iid: u64, merge_request: Value) {
        let requests = json!({iid.to_string(): merge_request});
        let world =
            json!({"projects": {project.to_string(): {"path_with_namespace": path, "merge_requests": requests}}});
        self.control(&self.gitlab_url, "PUT", "/_double/world", &world).await;
    }

    /// Slack messages whose metadata names an effect of this merge request.
    pub(crate) async fn slack_messages(&self, project: u64, iid: u64) -> Vec<Value> {
        self.messages(project, iid, "exception_id").await
    }

    /// The confirmations to a pod about a merge request, oldest first.
    pub(crate) async fn pod_messages(&self, project: u64, iid: u64) -> Vec<Value> {
        self.messages(project, iid, "decision_id").await
    }

    /// The messages whose metadata has this field, without the replies that correct an alert.
    async fn messages(&self, project: u64, iid: u64, field: &str) -> Vec<Value> {
        let requests = self
            .control(&self.slack_url, "GET", "/_double/requests", &Value::Null)
            .await;
        let of = |request: &Value| {
            let payload = &request["body"]["metadata"]["event_payload"];
            request["path"] == "/api/chat.postMessage"
                && payload["project_id"] == project
                && payload["mr_iid"] == iid
                && payload[field].is_string()
                && request["body"]["thread_ts"].is_null()
        };
        requests
            .as_array()
            .into_iter()
            .flatten()
            .filter(|request| of(request))
            .map(|request| request["body"].clone())
            .collect()
    }

    /// The auditor's connection.
    pub(crate) async fn auditor(&self) -> Client {
        doubles::postgres::connect(&self.database_url).await
    }
}

/// The machine's time, which the stack uses.
#[must_use]
pub(crate) fn now() -> Timestamp {
    model::Clock::now(&model::SystemClock)
}

/// Asks until there is an answer.
///
/// # Panics
/// If there is no answer within `patience`.
pub(crate) async fn eventually<T>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            std::time::Instant::now() < end,
            "timed out after {patience:?} waiting for {what}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
