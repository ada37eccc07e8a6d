//! A streamed batch of which the queue accepts only a part.

use doubles::{Fault, Stub};
use model::Envelope;
use serde_json::{Value, json};

use super::{event, started_with};
use crate::env::TestEnv;

const TOKEN: &str = "a-stream-token-of-24-sig";

/// One batch with events of three projects.
fn batch() -> Value {
    let audit_event = |project: u32| {
        json!({
            "id": project, "entity_type": "Project", "entity_id": project, "event_type": "member_created",
            "created_at": "2026-03-02T11:00:00.000Z", "details": {"add": "user_access"},
        })
    };
    json!([audit_event(777_001), audit_event(777_002), audit_event(777_003)])
}

#[tokio::test]
async fn partly_refused_batch_is_repeated_and_stored_once() {
    let secret = json!({"gitlab_streams": [{"name": "group", "token": TOKEN, "instance": "main"}]});
    let (env, webhook) = started_with(&[("AWSCURRENT", secret)]).await;
    let headers = json!({"content-type": "application/x-www-form-urlencoded", "x-gitlab-event-streaming-token": TOKEN});
    let mut request = event(&headers, &batch().to_string());
    request["rawPath"] = json!("/audit/gitlab");
    request["requestContext"]["http"]["path"] = json!("/audit/gitlab");
    // 1. The third message is refused.
    env.aws()
        .stub(Stub::failing("POST", "/", Fault::Reset).containing("777003"))
        .unwrap();
    let (status, answer) = webhook.send(request.clone()).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("queue_unavailable")));
    // 2. Repeated, all of it is queued.
    env.aws().clear_stubs();
    assert_eq!(webhook.send(request).await.0, 202);
    let queued: Vec<Envelope> = env
        .aws()
        .messages()
        .iter()
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect();
    assert!(queued.len() > 3, "some arrived twice: {}", queued.len());
    // 3. Each event is one row.
    let ledger = TestEnv::with_evaluator().await;
    for envelope in &queued {
        app::process_delivery(ledger.app(), envelope).await.unwrap();
    }
    assert_eq!(ledger.value::<i64>("SELECT count(*) FROM gitlab_audit_events").await, 3);
}
