//! Unexpected headers from GitLab, a proxy or an attacker.

use doubles::payload::MergeRequest;
use serde_json::{Value, json};

use super::{CURRENT, delivery, envelopes, event, merged, started_with};
use crate::env::{HIGH, TestEnv};

const RIGHT: &str = "glsecret-4f1d77c0a2";
const WRONG: &str = "glsecret-guessed-9d";

fn harbour() -> [(&'static str, Value); 1] {
    let hook = json!({
        "name": "harbour", "instance": "main", "signing_tokens": [CURRENT], "secret_tokens": [RIGHT], "namespaces": ["platform/"],
    });
    [("AWSCURRENT", json!({"hooks": [hook]}))]
}

/// System hooks sent from the Test button carried `Push Hook`, and in one report the header was missing.
#[tokio::test]
async fn the_body_alone_names_the_kind() {
    let (env, webhook) = started_with(&harbour()).await;
    let evaluation = TestEnv::with_evaluator().await;
    let cases = [(1, Some("Push Hook")), (2, Some("System Hook")), (3, None)];
    for (iid, header) in cases {
        let mut body = merged();
        body["object_attributes"]["iid"] = json!(iid);
        let mut event = delivery(CURRENT, &format!("id-{iid}"), &body.to_string());
        let headers = event["headers"].as_object_mut().unwrap();
        headers.remove("x-gitlab-event");
        headers.extend(header.map(|header| ("x-gitlab-event".to_owned(), json!(header))));
        let (status, answer) = webhook.send(event).await;
        assert_eq!((status, &answer["status"]), (202, &json!("accepted")), "{header:?}");
    }
    for (envelope, (iid, header)) in envelopes(&env).iter().zip(cases) {
        let mr = MergeRequest::new(1201, iid, HIGH);
        evaluation.merged(&mr, |_| ());
        app::process_delivery(evaluation.app(), envelope).await.unwrap();
        let exception = evaluation.exception(&mr).await.map(|(kind, _)| kind);
        assert_eq!(exception.as_deref(), Some("no_approval"), "{header:?}");
    }
    let lines = webhook.entries("webhook.auth.verify", 3);
    for line in &lines {
        assert_eq!(line["target"]["resource_type"], "merge_request", "{line}");
    }
    assert_eq!(lines.len(), 3);
}

/// A repeated token was unwrapped to its first value, and rejected tokens were logged.
#[tokio::test]
async fn a_token_header_is_one_whole_value() {
    let (env, webhook) = started_with(&harbour()).await;
    let body = merged().to_string();
    let one = |token: &str| json!({"x-gitlab-token": token});
    let cases: [(Value, i64, &str); 10] = [
        (one(RIGHT), 202, ""),
        // API Gateway joins repeated headers.
        (one(&format!("{RIGHT},{RIGHT}")), 401, "malformed"),
        (one(&format!("{RIGHT},{WRONG}")), 401, "malformed"),
        (one(&format!("{WRONG},{RIGHT}")), 401, "malformed"),
        (
            json!({"X-Gitlab-Token": WRONG, "x-gitlab-token": RIGHT}),
            401,
            "malformed",
        ),
        (json!({"x-gitlab-token": [RIGHT, RIGHT]}), 401, "malformed"),
        (one(&format!("{RIGHT} ")), 401, "bad_token"),
        (one(WRONG), 401, "bad_token"),
        (one(""), 401, "missing_credentials"),
        (
            json!({"x-gitlab-token": RIGHT, "webhook-signature": ""}),
            401,
            "missing_credentials",
        ),
    ];
    for (number, (headers, expected, reason)) in (1..).zip(cases) {
        let (status, answer) = webhook.send(event(&headers, &body)).await;
        assert_eq!(status, expected, "{headers} {answer}");
        let line = webhook.entries("webhook.auth.verify", number).pop().unwrap();
        assert_eq!(
            line["details"]["reason"].as_str().unwrap_or_default(),
            reason,
            "{headers}"
        );
    }
    assert_eq!(envelopes(&env).len(), 1);
    let printed: String = webhook.lines(1, |_| true).iter().map(Value::to_string).collect();
    assert!(
        !printed.contains(RIGHT) && !printed.contains(WRONG),
        "a token was printed"
    );
}
