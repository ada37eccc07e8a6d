//! The webhook function's binary between a Runtime API and the doubles of SQS and Secrets Manager.

mod headers;

use std::time::Duration;

use crate::local_stack::eventually;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doubles::aws::{self, AwsDouble};
use doubles::{Fault, Stub};
use inbound::gitlab::{SigningToken, sign};
use model::sha256_hex;
use model::{AuthMethod, Clock as _, Content, Envelope, SystemClock};
use serde_json::{Value, json};

use crate::function::Function;

const SECRET: &str = "countersign/webhook";
const QUEUE: &str = "http://127.0.0.1:9/000000000000/deliveries.fifo";
const CURRENT: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";
const PENDING: &str = "whsec_bmV4dC1zaWduaW5nLWtleS1vZi10aGUtMzItYnl0ZXM=";
const PREVIOUS: &str = "whsec_cHJldmlvdXMta2V5LW9mLWV4YWN0bHktMzItYnl0ZXM=";
const STRANGER: &str = "whsec_c29tZWJvZHktZWxzZXMta2V5LW9mLTMyLWJ5dGVzISE=";

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

#[tokio::test]
async fn a_signed_delivery_is_audited_queued_and_accepted() {
    let stand = Stand::new().await;
    let body = merged().to_string();
    let mut event = delivery(CURRENT, "id-1", &body);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    event["headers"]["traceparent"] = json!(traceparent);
    let (status, answer) = stand.send(event).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (202, &json!("accepted"), &Value::Null)
    );

    // 1. The message on the queue.
    let messages = stand.aws.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].queue_url, QUEUE);
    assert_eq!(messages[0].group_id.as_deref(), Some("gitlab/1201!12"));
    assert_eq!(json!(messages[0].deduplication_id), answer["correlation_id"]);
    assert!(!messages[0].body.contains("not for the queue"));

    // 2. Its content.
    let envelope = &stand.envelopes()[0];
    assert_eq!(json!(envelope.correlation_id), answer["correlation_id"]);
    assert_eq!(envelope.payload_sha256, sha256_hex(body.as_bytes()));
    assert_eq!(envelope.traceparent.as_deref(), Some(traceparent));
    assert_eq!(
        (envelope.authentication.method, envelope.authentication.stale),
        (AuthMethod::HmacSha256, false)
    );
    assert_eq!(envelope.delivery.key.as_deref(), Some("id-1"));
    assert!(matches!(&envelope.content, Content::MergeRequest(event) if event.labels == ["security::high"]));

    // 3. The audit entries.
    let line = &stand.function.entries("webhook.auth.verify", 1)[0];
    assert_eq!(
        line["stream"],
        json!({"id": envelope.audit_line.stream_id, "seq": envelope.audit_line.seq})
    );
    assert_eq!(
        (&line["service"], &line["actor"]["type"]),
        (&json!("webhook"), &json!("webhook_event"))
    );
    assert_eq!(
        (&line["details"]["result"], &line["details"]["source_ip"]),
        (&json!("valid"), &json!("203.0.113.7"))
    );
    let sent = &stand.function.entries("sqs.api.send_message", 1)[0];
    assert_eq!(
        (&sent["correlation_id"], &sent["trace_id"]),
        (&line["correlation_id"], &line["trace_id"])
    );
}

#[tokio::test]
async fn a_redelivery_reaches_the_processor_under_its_key() {
    let stand = Stand::new().await;
    let body = merged().to_string();
    for _ in 0..3 {
        assert_eq!(stand.send(delivery(CURRENT, "id-1", &body)).await.0, 202);
    }
    let envelopes = stand.envelopes();
    assert_eq!(envelopes.len(), 3);
    assert!(envelopes.iter().all(|envelope| envelope.delivery_key() == "id-1"));
}

#[tokio::test]
async fn a_misspelt_binding_disables_its_hook() {
    let aws = aws::start().await;
    let mut misspelt = secret(CURRENT);
    let hook = misspelt["hooks"][0].as_object_mut().unwrap();
    let namespaces = hook.remove("namespaces").unwrap();
    hook.insert("namespace".to_owned(), namespaces);
    aws.put_secret(SECRET, "AWSCURRENT", misspelt);
    aws.put_secret(SECRET, "AWSPREVIOUS", secret(PREVIOUS));
    let stand = Stand::beside(aws).await;
    let body = merged().to_string();
    for key in [CURRENT, PREVIOUS] {
        let (status, answer) = stand.send(delivery(key, "id-1", &body)).await;
        assert_eq!((status, &answer["reason"]), (503, &json!("secret_unavailable")));
    }
    let line = &stand.function.lines(1, |line| line["level"] == "ERROR")[0];
    assert!(line.to_string().contains("`namespace` is unknown"), "{line}");
    let counted = stand
        .function
        .lines(1, |line| !line["webhook_secret_problems"].is_null());
    assert_eq!(counted[0]["webhook_secret_problems"], 1);
    assert_eq!(stand.aws.messages().len(), 0);
}

#[tokio::test]
async fn hanging_queue_is_answered_within_eight_seconds() {
    let stand = Stand::new().await;
    stand.function.started().await;
    stand.aws.stub(Stub::failing("POST", "/", Fault::Hang)).unwrap();
    let began = std::time::Instant::now();
    let (status, answer) = stand.send(delivery(CURRENT, "id-1", &merged().to_string())).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("queue_unavailable")));
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(5) && took < Duration::from_secs(7),
        "{took:?}"
    );
    let sent = &stand.function.entries("sqs.api.send_message", 1)[0];
    assert_eq!(sent["details"]["attempts"], 3);
    let printed = stand.function.lines(1, |_| true);
    let printed: String = printed.iter().map(ToString::to_string).collect();
    assert!(!printed.contains("not for the queue"), "no line contains the body");
}

#[tokio::test]
async fn what_is_not_accepted_reaches_no_queue() {
    let stand = Stand::new().await;
    let body = merged().to_string();
    let mut elsewhere = merged();
    elsewhere["project"]["path_with_namespace"] = json!("platform-evil/vault");
    let mut other_body = delivery(CURRENT, "id-1", &body);
    other_body["body"] = json!("{}");
    let cases = [
        (delivery(STRANGER, "id-1", &body), 401, "bad_signature"),
        (other_body, 401, "bad_signature"),
        (event(&json!({"x-gitlab-token": "guessed"}), &body), 401, "bad_token"),
        (event(&json!({}), &body), 401, "missing_credentials"),
        (event(&json!({"content-type": "text/plain"}), &body), 415, "malformed"),
        (delivery(CURRENT, "id-1", &elsewhere.to_string()), 403, "wrong_scope"),
        (
            event(&json!({"x-gitlab-token": "plain"}), &"x".repeat(5 * 1024 * 1024 + 1)),
            413,
            "too_large",
        ),
    ];
    for (number, (event, expected, reason)) in (1..).zip(cases) {
        let (status, answer) = stand.send(event).await;
        assert_eq!((status, &answer["status"]), (expected, &json!("rejected")), "{reason}");
        let line = stand.function.entries("webhook.auth.verify", number).pop().unwrap();
        assert_eq!(
            (&line["details"]["reason"], &line["outcome"]),
            (&json!(reason), &json!("failure"))
        );
        assert_eq!(line["correlation_id"], answer["correlation_id"]);
    }
    assert_eq!(stand.aws.messages().len(), 0);
}

#[tokio::test]
async fn every_stage_of_the_secret_proves_a_delivery() {
    let aws = aws::start().await;
    for (stage, key) in [
        ("AWSCURRENT", CURRENT),
        ("AWSPENDING", PENDING),
        ("AWSPREVIOUS", PREVIOUS),
    ] {
        aws.put_secret(SECRET, stage, secret(key));
    }
    let stand = Stand::beside(aws).await;
    let body = merged().to_string();
    for key in [CURRENT, PENDING, PREVIOUS] {
        assert_eq!(
            stand
                .send(delivery(key, key.trim_start_matches("whsec_"), &body))
                .await
                .0,
            202
        );
    }
    let reads = stand.function.entries("secretsmanager.api.get_secret_value", 3);
    assert_eq!(reads.len(), 3, "read once each, at the start");
}

#[tokio::test]
async fn a_secret_filled_in_later_needs_no_restart() {
    let stand = Stand::beside(aws::start().await).await;
    let body = merged().to_string();
    let (status, answer) = stand.send(delivery(CURRENT, "id-1", &body)).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("secret_unavailable")));
    stand.aws.put_secret(SECRET, "AWSCURRENT", secret(CURRENT));
    // A missing secret is requested at most every two seconds, for any number of requests.
    let asks = async || (stand.send(delivery(CURRENT, "id-1", &body)).await.0 == 202).then_some(());
    eventually(Duration::from_secs(10), "an accepted delivery", asks).await;
}

#[tokio::test]
async fn queue_outage_is_answered_503_and_recovers() {
    let stand = Stand::new().await;
    let body = merged().to_string();
    stand.function.started().await;
    stand.aws.stub(Stub::failing("POST", "/", Fault::Reset)).unwrap();
    let (status, answer) = stand.send(delivery(CURRENT, "id-1", &body)).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (503, &json!("unavailable"), &json!("queue_unavailable"))
    );
    let sent = stand.function.entries("sqs.api.send_message", 1);
    assert_eq!(
        (&sent[0]["outcome"], &sent[0]["error"]),
        (&json!("failure"), &json!("network_error"))
    );
    stand.aws.clear_stubs();
    assert_eq!(stand.send(delivery(CURRENT, "id-1", &body)).await.0, 202);
    assert_eq!(stand.aws.messages().len(), 1);
}

#[tokio::test]
async fn stale_and_token_deliveries_are_queued_as_such() {
    let stand = Stand::new().await;
    let body = merged().to_string();
    let (status, answer) = stand.send(delivery_at(1_700_000_000, CURRENT, "id-1", &body)).await;
    assert_eq!((status, &answer["reason"]), (202, &json!("stale_timestamp")));
    let plain = json!({"x-gitlab-token": "plain", "x-gitlab-event-uuid": "uuid-1"});
    assert_eq!(stand.send(event(&plain, &body)).await.0, 202);
    let envelopes = stand.envelopes();
    assert!(envelopes[0].authentication.stale);
    assert_eq!(envelopes[1].authentication.method, AuthMethod::Token);
    assert_eq!(
        envelopes[1].delivery.key,
        Some(format!("uuid-1:{}", sha256_hex(body.as_bytes())))
    );
}

#[tokio::test]
async fn authentic_bodies_are_ignored_or_queued_whole() {
    let stand = Stand::new().await;
    let deep = "[".repeat(1_000_000);
    for (body, reason) in [
        ("no JSON", "unparseable"),
        (&deep, "unparseable"),
        (r#"{"object_kind":"note"}"#, "unhandled_kind"),
    ] {
        let (status, answer) = stand.send(delivery(CURRENT, "id-1", body)).await;
        assert_eq!(
            (status, &answer["status"], &answer["reason"]),
            (200, &json!("ignored"), &json!(reason))
        );
    }
    let mut odd = merged();
    odd["object_attributes"]["iid"] = json!("twelve");
    assert_eq!(stand.send(delivery(CURRENT, "id-2", &odd.to_string())).await.0, 202);
    let Content::Unexpected { body_base64, .. } = &stand.envelopes()[0].content else {
        panic!("unexpected content")
    };
    assert_eq!(STANDARD.decode(body_base64).unwrap(), odd.to_string().into_bytes());
}

#[tokio::test]
async fn hostile_requests_do_not_stop_the_process() {
    let mut stand = Stand::new().await;
    let body = merged().to_string();
    let hostile = |change: fn(&mut Value)| {
        let mut event = delivery(CURRENT, "id-1", &body);
        change(&mut event);
        event
    };
    let cases = [
        (
            hostile(|event| event["headers"]["x-forwarded-proto"] = json!("::")),
            202,
        ),
        (hostile(|event| event["headers"]["host"] = json!("a.127.0.0.1")), 202),
        (hostile(|event| event["headers"]["host"] = json!("[")), 202),
        (
            hostile(|event| event["rawQueryString"] = json!("%&=\u{0}ü<>{}|\\^`")),
            202,
        ),
        (hostile(|event| event["headers"]["bad name"] = json!("\r\n")), 202),
        (hostile(|event| event["rawPath"] = json!("@:99999")), 404),
        (hostile(|event| event["isBase64Encoded"] = json!(true)), 401),
        (
            hostile(|event| event["requestContext"]["http"]["method"] = json!("\u{0}")),
            405,
        ),
        (hostile(|event| event["requestContext"] = json!([])), 401),
        (hostile(|event| *event = json!("nonsense")), 401),
    ];
    let sent = cases.len();
    for (event, expected) in cases {
        let shown = event.to_string();
        assert_eq!(stand.send(event).await.0, expected, "{shown}");
    }
    assert_eq!(stand.send(delivery(CURRENT, "id-2", &body)).await.0, 202);
    assert!(stand.function.still_runs());
    let lines = stand.function.entries("webhook.auth.verify", sent + 1);
    assert_eq!(lines.len(), sent + 1);
    assert!(
        lines
            .iter()
            .all(|line| line["stream"]["id"] == lines[0]["stream"]["id"])
    );
}

#[tokio::test]
async fn missing_settings_prevent_the_start_and_are_named() {
    let mut function = Function::start("webhook", &[("SIGNATURE_TOLERANCE_SECONDS", "soon")]).await;
    assert_eq!(function.ended().code(), Some(1));
    let line = &function.lines(1, |line| line["level"] == "ERROR")[0];
    for name in [
        "WEBHOOK_SECRET_ID",
        "DELIVERIES_QUEUE_URL",
        "SIGNATURE_TOLERANCE_SECONDS",
    ] {
        assert!(line["error"].as_str().unwrap().contains(name), "{line}");
    }
}
