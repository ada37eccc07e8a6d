//! The webhook function's binary between a Runtime API and the doubles of SQS and Secrets Manager.

mod deliveries;
mod headers;
mod outages;
mod refused;
mod settings;

use doubles::aws::{self, AwsDouble};
use inbound::gitlab::{SigningToken, sign};
use model::{Clock as _, Envelope, SystemClock};
use serde_json::{Value, json};

use crate::function::Function;

const SECRET: &str = "countersign/webhook";
const QUEUE: &str = "http://127.0.0.1:9/000000000000/deliveries.fifo";
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

struct Stand {
    aws: AwsDouble,
    function: Function,
}

impl Stand {
    async fn new() -> Self {
        let aws = aws::start().await;
        aws.put_secret(SECRET, "AWSCURRENT", secret(CURRENT));
        Self::beside(aws).await
    }

    async fn beside(aws: AwsDouble) -> Self {
        let endpoint = aws.url();
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("WEBHOOK_SECRET_ID", SECRET),
            ("DELIVERIES_QUEUE_URL", QUEUE),
        ];
        let function = Function::start("webhook", &variables).await;
        Self { aws, function }
    }

    /// Status and body of the answer.
    async fn send(&self, event: Value) -> (i64, Value) {
        let answer = self.function.invoke(event).await;
        (
            answer["statusCode"].as_i64().unwrap(),
            serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
        )
    }

    fn envelopes(&self) -> Vec<Envelope> {
        self.aws
            .messages()
            .iter()
            .map(|message| serde_json::from_str(&message.body).unwrap())
            .collect()
    }
}
