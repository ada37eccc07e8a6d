//! The emulator: function output, log lines, invocations, and queue contents.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Stack, now, request};

/// How often the tests of this process invoked a function or printed lines, both of which may cause a further function run.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// How often the tests of this process caused a function run.
#[must_use]
pub(crate) fn asked_for() -> u64 {
    ASKED.load(Ordering::Relaxed)
}

impl Stack {
    /// JSON lines that a function printed since `since` and that contain `text`.
    pub(crate) async fn log_lines(&self, group: &str, since: Timestamp, text: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut ask = json!({"logGroupName": group, "startTime": since.as_millisecond()});
            if !token.is_null() {
                ask["nextToken"] = token;
            }
            let answer = self.aws("Logs_20140328.FilterLogEvents", "logs", &ask).await;
            let messages = answer["events"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|event| event["message"].as_str());
            lines.extend(
                messages
                    .filter(|line| line.contains(text))
                    .filter_map(|line| serde_json::from_str(line.trim()).ok()),
            );
            token = answer["nextToken"].clone();
            if token.is_null() {
                return lines;
            }
        }
    }

    /// Invokes a function and returns its answer.
    ///
    /// # Panics
    /// If the function fails.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Value {
        ASKED.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.aws_endpoint);
        let reply = request("POST", &url, &headers("lambda"), event.to_string().as_bytes()).await;
        assert!(
            reply.status == 200 && reply.header("x-amz-function-error").is_none(),
            "{reply:?}"
        );
        reply.json()
    }

    /// Prints lines into a function's log as if from one of its execution environments.
    pub(crate) async fn print(&self, group: &str, lines: &[String]) {
        ASKED.fetch_add(1, Ordering::Relaxed);
        let stream = format!("a-test-{}", Uuid::now_v7());
        let at = now().as_millisecond();
        let events: Vec<_> = lines
            .iter()
            .map(|line| json!({"timestamp": at, "message": line}))
            .collect();
        let mut ask = json!({"logGroupName": group, "logStreamName": stream});
        self.aws("Logs_20140328.CreateLogStream", "logs", &ask).await;
        ask["logEvents"] = json!(events);
        self.aws("Logs_20140328.PutLogEvents", "logs", &ask).await;
    }

    /// How often a function was invoked since then.
    pub(crate) async fn invocations(&self, group: &str, since: Timestamp) -> usize {
        let ask =
            json!({"logGroupName": group, "startTime": since.as_millisecond(), "filterPattern": "\"START RequestId\""});
        let answer = self.aws("Logs_20140328.FilterLogEvents", "logs", &ask).await;
        answer["events"].as_array().map_or(0, Vec::len)
    }

    /// How many messages a queue holds, including those in flight.
    ///
    /// # Panics
    /// If the emulator does not answer.
    pub(crate) async fn queued(&self, queue: &str) -> u64 {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let ask = json!({"QueueUrl": queue, "AttributeNames": names});
        let answer = self.aws("AmazonSQS.GetQueueAttributes", "sqs", &ask).await;
        let count = |name: &str| {
            answer["Attributes"][name]
                .as_str()
                .and_then(|count| count.parse::<u64>().ok())
        };
        names.iter().map(|name| count(name).expect("a count")).sum()
    }

    pub(super) async fn aws(&self, target: &str, service: &str, body: &Value) -> Value {
        let mut headers = headers(service);
        headers.push(("X-Amz-Target".to_owned(), target.to_owned()));
        let reply = request("POST", &self.aws_endpoint, &headers, body.to_string().as_bytes()).await;
        assert_eq!(reply.status, 200, "{target}: {reply:?}");
        reply.json()
    }
}

fn headers(service: &str) -> Vec<(String, String)> {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    [
        ("Host", "127.0.0.1"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Authorization", &scope),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
