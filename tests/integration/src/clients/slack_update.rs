//! Correcting a message and replying to it: done, impossible, or to be retried.

use std::time::Duration;

use audit::FailureClass;
use clients::Advice;
use clients::slack::Corrected;
use doubles::{Fault, Stub};
use serde_json::{Value, json};

use super::env::{SLACK_TOKEN, SlackEnv, context};
use super::slack_post::{EFFECT, alert};

const POST: &str = "/api/chat.postMessage";
const UPDATE: &str = "/api/chat.update";

/// Posts the alert, and returns its timestamp.
async fn posted(env: &SlackEnv) -> String {
    let message = alert("C0SECLEAD", EFFECT);
    env.client.post_message(&context(), &message).await.unwrap().ts
}

#[tokio::test]
async fn a_message_is_replaced_and_stays_findable() {
    let env = SlackEnv::open().await;
    let ts = posted(&env).await;
    let before = env.double.messages();
    let mut message = alert("C0SECLEAD", EFFECT);
    message.text = "Withdrawn".to_owned();
    for _ in 0..2 {
        let corrected = env.client.update_message(&context(), &ts, &message).await;
        assert_eq!(corrected, Ok(Corrected::Done), "the same again changes nothing");
    }
    let after = env.double.messages();
    assert_eq!((after.len(), after[0].text.as_str()), (1, "Withdrawn"));
    assert_eq!((after[0].ts, &after[0].metadata), (before[0].ts, &before[0].metadata));
    let entry = &env.entries()[1];
    assert_eq!(
        (&entry["action"], &entry["outcome"], &entry["target"]["id"]),
        (
            &json!("slack.api.update_message"),
            &json!("success"),
            &json!("C0SECLEAD")
        )
    );
    let request = &env.double.requests()[1];
    assert_eq!(request.headers["authorization"], format!("Bearer {SLACK_TOKEN}"));
}

#[tokio::test]
async fn an_unchangeable_message_is_not_an_error() {
    let env = SlackEnv::open().await;
    let ts = posted(&env).await;
    let message = alert("C0SECLEAD", EFFECT);
    let update = async || env.client.update_message(&context(), &ts, &message).await;
    let sent = env.double.messages().remove(0);

    env.double.world(|slack| slack.edit_window_closed = true);
    assert_eq!(update().await, Ok(Corrected::Unchangeable));
    env.double.give_away(&sent);
    assert_eq!(update().await, Ok(Corrected::Unchangeable));
    env.double.delete(&sent);
    assert_eq!(update().await, Ok(Corrected::Unchangeable));
    let classes: Vec<Value> = env.entries()[1..].iter().map(|entry| entry["error"].clone()).collect();
    assert_eq!(
        json!(classes),
        json!(["invalid_response", "invalid_response", "not_found"]),
        "the entries contain what Slack answered"
    );
}

#[tokio::test]
async fn each_failed_update_has_class_and_advice() {
    let retry = |seconds: Option<u64>| Advice::Retry {
        after: seconds.map(Duration::from_secs),
    };
    let code = |code: &str| Stub::answering("POST", UPDATE, 200, json!({"ok": false, "error": code}));
    for (stub, class, advice) in [
        (code("invalid_auth"), FailureClass::AuthFailure, Advice::Permanent),
        (code("channel_not_found"), FailureClass::NotFound, Advice::Permanent),
        (code("is_inactive"), FailureClass::InvalidResponse, Advice::Permanent),
        (code("update_failed"), FailureClass::ServerError, Advice::Ambiguous),
        (
            Stub::answering("POST", UPDATE, 429, "").header("retry-after", 7),
            FailureClass::RateLimit,
            retry(Some(7)),
        ),
        (
            Stub::answering("POST", UPDATE, 503, ""),
            FailureClass::ServerError,
            Advice::Ambiguous,
        ),
        (
            Stub::failing("POST", UPDATE, Fault::PostThenReset),
            FailureClass::NetworkError,
            Advice::Ambiguous,
        ),
        (
            Stub::failing("POST", UPDATE, Fault::Hang),
            FailureClass::Timeout,
            Advice::Ambiguous,
        ),
    ] {
        let env = SlackEnv::with(&stub).await;
        let ts = posted(&env).await;
        let message = alert("C0SECLEAD", EFFECT);
        let error = env.client.update_message(&context(), &ts, &message).await.unwrap_err();
        assert_eq!((error.class, error.advice), (class, advice), "{stub:?}");
        assert_eq!(env.entries().len(), 2, "never repeated by itself: {stub:?}");
    }
}

#[tokio::test]
async fn a_reply_is_in_thread_and_channel() {
    let env = SlackEnv::open().await;
    let ts = posted(&env).await;
    let reply = env.client.reply(&context(), &ts, alert("C0SECLEAD", "reply")).await;
    let reply = reply.unwrap().unwrap();
    let messages = env.double.messages();
    assert_eq!((messages.len(), messages[1].broadcast), (2, true));
    assert_eq!(messages[1].thread, Some(messages[0].ts));
    let oldest = "2020-01-01T00:00:00Z".parse().unwrap();
    let found = env.client.find_message(&context(), "C0SECLEAD", "reply", oldest).await;
    assert_eq!(found.unwrap(), Some(reply), "the channel's history has it");
}

#[tokio::test]
async fn a_thread_without_replies_posts_nothing() {
    for code in ["thread_not_found", "cannot_reply_to_message", "cant_broadcast_message"] {
        let refused = Stub::answering("POST", POST, 200, json!({"ok": false, "error": code}));
        let env = SlackEnv::with(&refused).await;
        let reply = env
            .client
            .reply(&context(), "1.000001", alert("C0SECLEAD", EFFECT))
            .await;
        assert_eq!(reply, Ok(None), "{code}");
    }
    let env = SlackEnv::open().await;
    let reply = env
        .client
        .reply(&context(), "1.000001", alert("C0ARCHIVED", EFFECT))
        .await;
    assert_eq!(reply.unwrap_err().message, "Slack answered is_archived");
    assert_eq!(env.double.messages(), []);
}
