//! Finds a message again, to determine whether it was posted.

use std::time::Duration;

use audit::FailureClass;
use clients::Advice;
use doubles::{Fault, Stub};
use jiff::Timestamp;
use serde_json::json;

use super::env::{SlackEnv, context};
use super::slack_post::{EFFECT, alert};

const HISTORY: &str = "/api/conversations.history";

/// Long before any message of the double.
fn before() -> Timestamp {
    "2020-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn message_with_lost_answer_is_found_by_effect() {
    for fault in [Fault::PostThenReset, Fault::PostThenHang] {
        let env = SlackEnv::with(&Stub::failing("POST", "/api/chat.postMessage", fault)).await;
        let error = env
            .client
            .post_message(&context(), &alert("C0SECLEAD", EFFECT))
            .await
            .unwrap_err();
        assert_eq!(error.advice, Advice::Ambiguous);
        let found = env
            .client
            .find_message(&context(), "C0SECLEAD", EFFECT, before())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.ts, env.double.messages()[0].ts.to_string());
        assert_eq!(env.entries().last().unwrap()["action"], "slack.api.get_history");
    }
}

#[tokio::test]
async fn a_message_that_never_arrived_is_not_found() {
    let env = SlackEnv::with(&Stub::failing("POST", "/api/chat.postMessage", Fault::Reset)).await;
    env.client
        .post_message(&context(), &alert("C0SECLEAD", EFFECT))
        .await
        .unwrap_err();
    env.double.clear_stubs();
    for (channel, key) in [("C0SECLEAD", "another effect"), ("C0ANOTHER", EFFECT)] {
        env.client.post_message(&context(), &alert(channel, key)).await.unwrap();
    }
    assert_eq!(
        env.client
            .find_message(&context(), "C0SECLEAD", EFFECT, before())
            .await
            .unwrap(),
        None
    );
    env.entries();
}

#[tokio::test]
async fn all_history_pages_since_start_are_searched() {
    let env = SlackEnv::open().await;
    let first = env
        .client
        .post_message(&context(), &alert("C0SECLEAD", EFFECT))
        .await
        .unwrap();
    for number in 0..250 {
        env.client
            .post_message(&context(), &alert("C0SECLEAD", &number.to_string()))
            .await
            .unwrap();
    }
    let posts = env.entries().len();
    let found = env
        .client
        .find_message(&context(), "C0SECLEAD", EFFECT, before())
        .await
        .unwrap();
    assert_eq!(found, Some(first.clone()));
    assert_eq!(env.entries().len() - posts, 2, "251 messages in pages of 200");
    let seconds: i64 = first.ts.split('.').next().unwrap().parse().unwrap();
    let later = Timestamp::from_second(seconds + 3600).unwrap();
    assert_eq!(
        env.client
            .find_message(&context(), "C0SECLEAD", EFFECT, later)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn foreign_metadata_and_odd_messages_are_skipped() {
    let env = SlackEnv::open().await;
    let carrying = |event_type: &str, key: &str| json!({"event_type": event_type, "event_payload": {"key": key}});
    let messages = json!([
        {"ts": "1.0", "metadata": carrying("another_app", EFFECT)},
        {"ts": "2.0", "metadata": {"event_type": "countersign_effect"}},
        {"ts": "3.0", "metadata": {"event_type": "countersign_effect", "event_payload": [EFFECT]}},
        {"ts": "4.0", "metadata": null},
        {"type": "message"},
        {"ts": "5.0", "metadata": carrying("countersign_effect", EFFECT)},
    ]);
    env.double
        .stub(Stub::answering(
            "GET",
            HISTORY,
            200,
            json!({"ok": true, "messages": messages}),
        ))
        .unwrap();
    let found = env
        .client
        .find_message(&context(), "C0SECLEAD", EFFECT, before())
        .await
        .unwrap();
    assert_eq!(found.unwrap().ts, "5.0");
}

#[tokio::test]
async fn incomplete_history_is_an_error_not_missing_message() {
    let endless = json!({"ok": true, "messages": [], "response_metadata": {"next_cursor": "again"}});
    let retry = |seconds: Option<u64>| Advice::Retry {
        after: seconds.map(Duration::from_secs),
    };
    for (stub, class, advice) in [
        (
            Stub::answering("GET", HISTORY, 200, json!({"ok": false, "error": "missing_scope"})),
            FailureClass::AuthFailure,
            Advice::Permanent,
        ),
        (
            Stub::answering("GET", HISTORY, 200, json!({"ok": false, "error": "internal_error"})),
            FailureClass::ServerError,
            retry(None),
        ),
        (
            Stub::answering("GET", HISTORY, 429, "").header("retry-after", 60),
            FailureClass::RateLimit,
            retry(Some(60)),
        ),
        (
            Stub::answering("GET", HISTORY, 200, json!({"ok": true})),
            FailureClass::InvalidResponse,
            retry(None),
        ),
        (
            Stub::failing("GET", HISTORY, Fault::Half),
            FailureClass::NetworkError,
            retry(None),
        ),
        (
            Stub::failing("GET", HISTORY, Fault::Hang),
            FailureClass::Timeout,
            retry(None),
        ),
        (
            Stub::answering("GET", HISTORY, 200, endless),
            FailureClass::InvalidResponse,
            Advice::Permanent,
        ),
    ] {
        let env = SlackEnv::with(&stub).await;
        let error = env
            .client
            .find_message(&context(), "C0SECLEAD", EFFECT, before())
            .await
            .unwrap_err();
        assert_eq!((error.class, error.advice), (class, advice), "{stub:?}");
        env.entries();
    }
}
