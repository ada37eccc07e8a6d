//! The webhook function's binary between a Runtime API and the doubles of SQS and Secrets Manager.

mod deliveries;
mod headers;
mod outages;
mod refused;
mod settings;
mod streams;

use inbound::gitlab::{SigningToken, sign};
use model::{Clock as _, Envelope, SystemClock};
use serde_json::{Value, json};

use crate::env::{TestEnv, WEBHOOK_SECRET};
use crate::function::Function;

const CURRENT: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";

fn secret(key: &str) -> Value {
    json!({"hooks": [
        {"name": "main", "instance": "gitlab", "signing_tokens": [key], "secret_tokens": ["plain"], "namespaces": ["platform/"]},
    ]})
}

fn merged() -> Value {
    json!({
        "object_kind": "merge_request",
        "user": {"id": 41, "username": "mira"},
        "project": {"id": 1201, "path_with_namespace": "platform/vault"},
        "object_attributes": {
            "id": 90017, "iid": 12, "title": "Rotate the signing key", "action": "merge", "state": "merged",
            "description": "not for the queue", "updated_at": "2026-03-01 12:59:58 +0100",
        },
        "labels": [{"id": 5, "title": "security::high"}],
    })
}

/// API Gateway's event of a delivery signed now.
fn delivery(key: &str, id: &str, body: &str) -> Value {
    delivery_at(SystemClock.now().as_second(), key, id, body)
}

fn delivery_at(seconds: i64, key: &str, id: &str, body: &str) -> Value {
    let timestamp = seconds.to_string();
    let signature = sign(&SigningToken::parse(key).unwrap(), id, &timestamp, body.as_bytes());
    let headers = json!({
        "host": "abc.execute-api.eu-west-1.amazonaws.com", "content-type": "application/json", "user-agent": "GitLab/19.1.0",
        "x-forwarded-proto": "https", "x-gitlab-event": "Merge Request Hook", "idempotency-key": id,
        "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature,
    });
    event(&headers, body)
}

fn event(headers: &Value, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "POST /webhook", "rawPath": "/webhook", "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "abc", "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": "POST", "path": "/webhook", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"},
            "requestId": "r", "routeKey": "POST /webhook", "stage": "$default", "timeEpoch": 1,
        },
        "body": body, "isBase64Encoded": false,
    })
}

/// The function, with its secret.
async fn started() -> (TestEnv, Function) {
    started_with(&[("AWSCURRENT", secret(CURRENT))]).await
}

/// The function, with these stages of its secret.
async fn started_with(stages: &[(&str, Value)]) -> (TestEnv, Function) {
    let env = TestEnv::builder().aws().build().await;
    for (stage, secret) in stages {
        env.aws().put_secret(WEBHOOK_SECRET, stage, secret.clone());
    }
    let webhook = env.function("webhook").await;
    (env, webhook)
}

impl Function {
    /// Status and body of the answer.
    async fn send(&self, event: Value) -> (i64, Value) {
        let answer = self.invoke(event).await;
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].as_i64().unwrap(), body)
    }
}

fn envelopes(env: &TestEnv) -> Vec<Envelope> {
    let messages = env.aws().messages().into_iter();
    messages
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect()
}
