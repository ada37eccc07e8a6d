//! The queue hangs or fails.

use std::time::Duration;

use doubles::{Fault, Stub};
use serde_json::json;

use super::{CURRENT, delivery, merged, started};

#[tokio::test]
async fn hanging_queue_is_answered_within_eight_seconds() {
    let (env, webhook) = started().await;
    env.aws().stub(Stub::failing("POST", "/", Fault::Hang)).unwrap();
    let began = std::time::Instant::now();
    let (status, answer) = webhook.send(delivery(CURRENT, "id-1", &merged().to_string())).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("queue_unavailable")));
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(5) && took < Duration::from_secs(7),
        "{took:?}"
    );
    let sent = &webhook.entries("sqs.api.send_message", 1)[0];
    assert_eq!(sent["details"]["attempts"], 3);
    let printed = webhook.lines(1, |_| true);
    let printed: String = printed.iter().map(ToString::to_string).collect();
    assert!(!printed.contains("not for the queue"), "no line contains the body");
}

#[tokio::test]
async fn queue_outage_is_answered_503_and_recovers() {
    let (env, webhook) = started().await;
    let body = merged().to_string();
    env.aws().stub(Stub::failing("POST", "/", Fault::Reset)).unwrap();
    let (status, answer) = webhook.send(delivery(CURRENT, "id-1", &body)).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (503, &json!("unavailable"), &json!("queue_unavailable"))
    );
    let sent = webhook.entries("sqs.api.send_message", 1);
    assert_eq!(
        (&sent[0]["outcome"], &sent[0]["error"]),
        (&json!("failure"), &json!("network_error"))
    );
    env.aws().clear_stubs();
    assert_eq!(webhook.send(delivery(CURRENT, "id-1", &body)).await.0, 202);
    assert_eq!(env.aws().messages().len(), 1);
}
