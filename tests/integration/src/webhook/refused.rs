//! Requests that are not accepted: false credentials, a wrong scope, hostile forms.

use serde_json::{Value, json};

use super::{CURRENT, delivery, event, merged, started};

const STRANGER: &str = "whsec_c29tZWJvZHktZWxzZXMta2V5LW9mLTMyLWJ5dGVzISE=";

#[tokio::test]
async fn what_is_not_accepted_reaches_no_queue() {
    let (env, webhook) = started().await;
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
        let (status, answer) = webhook.send(event).await;
        assert_eq!((status, &answer["status"]), (expected, &json!("rejected")), "{reason}");
        let line = webhook.entries("webhook.auth.verify", number).pop().unwrap();
        assert_eq!(
            (&line["details"]["reason"], &line["outcome"]),
            (&json!(reason), &json!("failure"))
        );
        assert_eq!(line["correlation_id"], answer["correlation_id"]);
    }
    assert_eq!(env.aws().messages().len(), 0);
}

#[tokio::test]
async fn hostile_requests_do_not_stop_the_process() {
    let (_env, mut webhook) = started().await;
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
        assert_eq!(webhook.send(event).await.0, expected, "{shown}");
    }
    assert_eq!(webhook.send(delivery(CURRENT, "id-2", &body)).await.0, 202);
    assert!(webhook.still_runs());
    let lines = webhook.entries("webhook.auth.verify", sent + 1);
    assert_eq!(lines.len(), sent + 1);
    assert!(
        lines
            .iter()
            .all(|line| line["stream"]["id"] == lines[0]["stream"]["id"])
    );
}
