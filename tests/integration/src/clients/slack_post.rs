//! Posting to Slack: done, rejected, to be retried, or unknown.

use std::time::Duration;

use audit::FailureClass;
use clients::Advice;
use clients::slack::Slack;
use clients::slack::message::{SlackMessage, exception_alert};
use doubles::{Fault, Stub};
use model::{ExceptionKind, ExceptionStatus, SecurityReviewException};
use rules::Wording;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::env::{BODY_LIMIT, SLACK_TOKEN, SlackEnv, UNREACHABLE, context, http, key, now, options};

pub(super) const EFFECT: &str = "main/77!12/slack_exception_alert/slack:C0SECLEAD";
const POST: &str = "/api/chat.postMessage";

pub(super) fn alert(channel: &str, effect_key: &str) -> SlackMessage {
    let exception = SecurityReviewException {
        id: Uuid::from_u128(1),
        merge_request: key(),
        project_path: "payments/gateway".to_owned(),
        mr_id: 9001,
        title: "Rotate <!channel> the *keys*".to_owned(),
        url: "https://gitlab.example.com/payments/gateway/-/merge_requests/12".to_owned(),
        author: None,
        merged_by: None,
        labels: vec!["security::high".to_owned()],
        risk_tier: "high".to_owned(),
        kind: ExceptionKind::NoApproval,
        reasons: vec![],
        approvals: vec![],
        merged_at: now(),
        merge_commit_sha: None,
        head_sha: None,
        rules_hash: String::new(),
        status: ExceptionStatus::Open,
        recorded_at: now(),
        correlation_id: Uuid::from_u128(7),
    };
    exception_alert(&exception, &Wording::default(), channel, effect_key)
}

#[tokio::test]
async fn alert_is_posted_with_metadata_and_identity_returned() {
    let env = SlackEnv::open().await;
    let posted = env
        .client
        .post_message(&context(), &alert("C0SECLEAD", EFFECT))
        .await
        .unwrap();
    let messages = env.double.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (posted.channel.as_str(), posted.ts),
        ("C0SECLEAD", messages[0].ts.to_string())
    );
    assert_eq!(messages[0].metadata.as_ref().unwrap()["event_payload"]["key"], EFFECT);
    assert!(messages[0].text.contains("&lt;!channel&gt;"));
    let entry = env.entries().remove(0);
    assert_eq!(
        (&entry["action"], &entry["outcome"]),
        (&json!("slack.api.post_message"), &json!("success"))
    );
    assert_eq!(
        entry["target"],
        json!({"resource_type": "slack_channel", "id": "C0SECLEAD"})
    );
    let request = env.double.requests().remove(0);
    assert_eq!(request.headers["authorization"], format!("Bearer {SLACK_TOKEN}"));
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(
        (&request.body["unfurl_links"], &request.body["unfurl_media"]),
        (&json!(false), &json!(false))
    );
}

/// Every rejection of a post, with its class and what to do.
fn rejections() -> Vec<(Stub, FailureClass, Advice)> {
    use Advice::{Ambiguous, Permanent};
    use FailureClass::{AuthFailure, InvalidResponse, NetworkError, NotFound, RateLimit, ServerError, Timeout};
    let retry = |seconds: Option<u64>| Advice::Retry {
        after: seconds.map(Duration::from_secs),
    };
    let answering = |body: Value| Stub::answering("POST", POST, 200, body);
    let code = |code: &str| answering(json!({"ok": false, "error": code}));
    let status = |status: u16| Stub::answering("POST", POST, status, "no");
    let failing = |fault| Stub::failing("POST", POST, fault);
    let limited = Stub {
        status: Some(429),
        ..code("ratelimited")
    };
    vec![
        (code("invalid_auth"), AuthFailure, Permanent),
        (code("missing_scope"), AuthFailure, Permanent),
        (code("channel_not_found"), NotFound, Permanent),
        (code("is_archived"), InvalidResponse, Permanent),
        (code("msg_blocks_too_long"), InvalidResponse, Permanent),
        (code("ratelimited"), RateLimit, retry(None)),
        (code("internal_error"), ServerError, Ambiguous),
        (code("fatal_error"), ServerError, Ambiguous),
        (limited.header("retry-after", 1), RateLimit, retry(Some(1))),
        (status(429).header("retry-after", 17), RateLimit, retry(Some(17))),
        (status(401), AuthFailure, Permanent),
        (status(404), NotFound, Permanent),
        (status(302), InvalidResponse, Permanent),
        (status(500), ServerError, Ambiguous),
        (status(503), ServerError, Ambiguous),
        (status(200), InvalidResponse, Ambiguous),
        (answering("{\"ok\":tr".into()), InvalidResponse, Ambiguous),
        (answering(json!({"ok": true})), InvalidResponse, Ambiguous),
        (answering("x".repeat(BODY_LIMIT + 1).into()), InvalidResponse, Ambiguous),
        (failing(Fault::Hang), Timeout, Ambiguous),
        (failing(Fault::Reset), NetworkError, Ambiguous),
        (failing(Fault::Half), NetworkError, Ambiguous),
        (failing(Fault::PostThenReset), NetworkError, Ambiguous),
        (failing(Fault::PostThenHang), Timeout, Ambiguous),
    ]
}

#[tokio::test]
async fn each_failed_post_has_class_and_advice() {
    for (stub, class, advice) in rejections() {
        let env = SlackEnv::with(&stub).await;
        let error = env
            .client
            .post_message(&context(), &alert("C0SECLEAD", EFFECT))
            .await
            .unwrap_err();
        assert_eq!(
            (error.class, error.advice, error.sent),
            (class, advice, true),
            "{stub:?}"
        );
        let entries = env.entries();
        assert_eq!(entries.len(), 1, "posting is never repeated by itself: {stub:?}");
        assert_eq!(entries[0]["error"], class.as_str(), "{stub:?}");
    }
}

#[tokio::test]
async fn slacks_own_refusals_are_understood() {
    let env = SlackEnv::open().await;
    for (channel, class) in [
        ("C0MISSING", FailureClass::NotFound),
        ("C0ARCHIVED", FailureClass::InvalidResponse),
    ] {
        let error = env
            .client
            .post_message(&context(), &alert(channel, EFFECT))
            .await
            .unwrap_err();
        assert_eq!((error.class, error.advice), (class, Advice::Permanent), "{channel}");
    }
    env.double
        .world(|behaviour| behaviour.token = Some("another".to_owned()));
    let error = env
        .client
        .post_message(&context(), &alert("C0SECLEAD", EFFECT))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.advice),
        (FailureClass::AuthFailure, Advice::Permanent)
    );
    assert_eq!(env.entries().len(), 3);
}

#[tokio::test]
async fn an_unreachable_slack_means_nothing_was_posted() {
    let (http, lines) = http(&options());
    let client = Slack::new(http, UNREACHABLE, SecretString::from(SLACK_TOKEN)).unwrap();
    let error = client
        .post_message(&context(), &alert("C0SECLEAD", EFFECT))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.advice, error.sent),
        (FailureClass::NetworkError, Advice::Retry { after: None }, false)
    );
    assert_eq!(lines.entries().len(), 1);
}
