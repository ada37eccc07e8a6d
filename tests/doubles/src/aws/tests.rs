//! The two AWS calls over HTTP.

use serde_json::{Value, json};

use super::{AwsDouble, start};
use crate::loopback::{Reply, send};

const QUEUE: &str = "http://127.0.0.1/000000000000/deliveries.fifo";

fn call(aws: &AwsDouble, target: &str, input: &Value) -> Reply {
    send(&aws.url(), "POST", "/", &[("x-amz-target", target)], &input.to_string())
}

fn send_message(aws: &AwsDouble, group: &str, deduplication_id: &str, body: &str) -> Value {
    let input = json!({"QueueUrl": QUEUE, "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": deduplication_id});
    let reply = call(aws, "AmazonSQS.SendMessage", &input);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/x-amz-json-1.0"))
    );
    reply.json()
}

#[tokio::test]
async fn message_is_kept_and_answered_with_its_md5() {
    let aws = start().await;
    let sent = send_message(&aws, "g", "d", "The quick brown fox jumps over the lazy dog");
    // The digest of a common RFC 1321 test string.
    assert_eq!(sent["MD5OfMessageBody"], "9e107d9d372bb6826bd81d3542a419d6");
    assert_eq!(sent["SequenceNumber"].as_str().map(str::len), Some(20));
    let kept = aws.messages();
    assert_eq!(
        (kept[0].queue_url.as_str(), kept[0].group_id.as_deref()),
        (QUEUE, Some("g"))
    );
    assert_eq!(json!(kept[0].message_id), sent["MessageId"]);
    assert_eq!(aws.requests()[0].body["MessageGroupId"], "g");
}

#[tokio::test]
async fn repeated_deduplication_id_is_kept_once() {
    let aws = start().await;
    let first = send_message(&aws, "g", "d", "one");
    let again = send_message(&aws, "g", "d", "one");
    let other = send_message(&aws, "g", "e", "two");
    assert_eq!(first, again);
    assert_ne!(first["MessageId"], other["MessageId"]);
    assert!(first["SequenceNumber"].as_str() < other["SequenceNumber"].as_str());
    assert_eq!(aws.messages().len(), 2);
}

#[tokio::test]
async fn attributes_are_digested_as_aws_documents() {
    let aws = start().await;
    let attributes = json!({"test_attribute_name_1": {"DataType": "String", "StringValue": "test_attribute_value_1"}});
    let input = json!({"QueueUrl": "http://q/standard", "MessageBody": "b", "MessageAttributes": attributes});
    let answer = call(&aws, "AmazonSQS.SendMessage", &input).json();
    // Computed independently: md5 over length-prefixed name, type, the byte 1, and length-prefixed value.
    assert_eq!(answer["MD5OfMessageAttributes"], "ba056227cfd9533dba1f72ad9816d233");
    assert!(
        answer.get("SequenceNumber").is_none(),
        "a standard queue has no sequence numbers"
    );
}

#[tokio::test]
async fn fifo_queue_requires_a_group_and_a_body() {
    let aws = start().await;
    for input in [
        json!({"QueueUrl": QUEUE, "MessageBody": "b"}),
        json!({"QueueUrl": QUEUE, "MessageGroupId": "g"}),
        json!({"MessageBody": "b"}),
        json!({"QueueUrl": "http://q/standard", "MessageBody": "x".repeat(1024 * 1024 + 1)}),
    ] {
        let reply = call(&aws, "AmazonSQS.SendMessage", &input);
        assert_eq!(reply.status, 400);
        assert!(
            reply.json()["__type"]
                .as_str()
                .unwrap()
                .starts_with("com.amazonaws.sqs#"),
            "{}",
            reply.body
        );
    }
    assert_eq!(aws.messages(), []);
}

#[tokio::test]
async fn a_secret_is_answered_by_its_staging_label() {
    let aws = start().await;
    aws.put_secret("webhook", "AWSCURRENT", json!({"hooks": []}));
    aws.put_secret("webhook", "AWSPREVIOUS", "plain");
    let get = |input: Value| call(&aws, "secretsmanager.GetSecretValue", &input);
    let current = get(json!({"SecretId": "webhook"}));
    assert_eq!(
        (current.status, current.header("content-type")),
        (200, Some("application/x-amz-json-1.1"))
    );
    assert_eq!(current.json()["SecretString"], r#"{"hooks":[]}"#);
    assert_eq!(current.json()["VersionStages"], json!(["AWSCURRENT"]));
    let previous = get(json!({"SecretId": "webhook", "VersionStage": "AWSPREVIOUS"})).json();
    assert_eq!(previous["SecretString"], "plain");
    assert_ne!(previous["VersionId"], current.json()["VersionId"]);
    for input in [
        json!({"SecretId": "webhook", "VersionStage": "AWSPENDING"}),
        json!({"SecretId": "other"}),
    ] {
        let missing = get(input);
        assert_eq!(
            (missing.status, missing.json()["__type"].clone()),
            (400, json!("ResourceNotFoundException"))
        );
    }
}

#[tokio::test]
async fn secrets_are_set_over_http_others_are_unknown() {
    let aws = start().await;
    let patch = json!({"secrets": {"outbound": {"AWSCURRENT": {"slack": {"bot_token": "xoxb-test"}}}}});
    assert_eq!(
        send(&aws.url(), "PUT", "/_double/world", &[], &patch.to_string()).status,
        200
    );
    let answer = call(&aws, "secretsmanager.GetSecretValue", &json!({"SecretId": "outbound"})).json();
    assert_eq!(answer["SecretString"], r#"{"slack":{"bot_token":"xoxb-test"}}"#);
    assert_eq!(
        call(&aws, "AmazonSQS.DeleteQueue", &json!({})).json()["__type"],
        "UnknownOperationException"
    );
    assert_eq!(send(&aws.url(), "GET", "/", &[], "").status, 400);
}
