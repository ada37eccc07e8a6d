//! Deliveries that are accepted or ignored, and what reaches the queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{AuthMethod, Content, sha256_hex};
use serde_json::{Value, json};

use super::{CURRENT, delivery, delivery_at, envelopes, event, merged, started};
use crate::env::DELIVERIES_QUEUE;

#[tokio::test]
async fn a_signed_delivery_is_audited_queued_and_accepted() {
    let (env, webhook) = started().await;
    let body = merged().to_string();
    let mut event = delivery(CURRENT, "id-1", &body);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    event["headers"]["traceparent"] = json!(traceparent);
    let (status, answer) = webhook.send(event).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (202, &json!("accepted"), &Value::Null)
    );

    // 1. The message on the queue.
    let messages = env.aws().messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].queue_url, DELIVERIES_QUEUE);
    assert_eq!(messages[0].group_id.as_deref(), Some("gitlab/1201!12"));
    assert_eq!(json!(messages[0].deduplication_id), answer["correlation_id"]);
    assert!(!messages[0].body.contains("not for the queue"));

    // 2. Its content.
    let envelope = &envelopes(&env)[0];
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
    let line = &webhook.entries("webhook.auth.verify", 1)[0];
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
    let sent = &webhook.entries("sqs.api.send_message", 1)[0];
    assert_eq!(
        (&sent["correlation_id"], &sent["trace_id"]),
        (&line["correlation_id"], &line["trace_id"])
    );
}

#[tokio::test]
async fn a_redelivery_reaches_the_processor_under_its_key() {
    let (env, webhook) = started().await;
    let body = merged().to_string();
    for _ in 0..3 {
        assert_eq!(webhook.send(delivery(CURRENT, "id-1", &body)).await.0, 202);
    }
    let envelopes = envelopes(&env);
    assert_eq!(envelopes.len(), 3);
    assert!(envelopes.iter().all(|envelope| envelope.delivery_key() == "id-1"));
}

#[tokio::test]
async fn stale_and_token_deliveries_are_queued_as_such() {
    let (env, webhook) = started().await;
    let body = merged().to_string();
    let (status, answer) = webhook.send(delivery_at(1_700_000_000, CURRENT, "id-1", &body)).await;
    assert_eq!((status, &answer["reason"]), (202, &json!("stale_timestamp")));
    let plain = json!({"x-gitlab-token": "plain", "x-gitlab-event-uuid": "uuid-1"});
    assert_eq!(webhook.send(event(&plain, &body)).await.0, 202);
    let envelopes = envelopes(&env);
    assert!(envelopes[0].authentication.stale);
    assert_eq!(envelopes[1].authentication.method, AuthMethod::Token);
    assert_eq!(
        envelopes[1].delivery.key,
        Some(format!("uuid-1:{}", sha256_hex(body.as_bytes())))
    );
}

#[tokio::test]
async fn authentic_bodies_are_ignored_or_queued_whole() {
    let (env, webhook) = started().await;
    let deep = "[".repeat(1_000_000);
    for (body, reason) in [
        ("no JSON", "unparseable"),
        (&deep, "unparseable"),
        (r#"{"object_kind": "pipeline"}"#, "unhandled_kind"),
    ] {
        let (status, answer) = webhook.send(delivery(CURRENT, "id-1", body)).await;
        assert_eq!(
            (status, &answer["status"], &answer["reason"]),
            (200, &json!("ignored"), &json!(reason))
        );
    }
    let mut odd = merged();
    odd["object_attributes"]["iid"] = json!("twelve");
    assert_eq!(webhook.send(delivery(CURRENT, "id-2", &odd.to_string())).await.0, 202);
    let Content::Unexpected { body_base64, .. } = &envelopes(&env)[0].content else {
        panic!("unexpected content")
    };
    assert_eq!(STANDARD.decode(body_base64).unwrap(), odd.to_string().into_bytes());
}
