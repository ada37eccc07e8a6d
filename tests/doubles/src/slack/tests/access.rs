//! Tokens, content types and bodies of requests.

use serde_json::json;

use super::{JSON, TOKEN};
use crate::loopback::send;
use crate::slack::start;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Headers, body, and the resulting error.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn tokens_content_types_and_bodies_are_checked() {
    let slack = start().await;
    slack.world(|behaviour| behaviour.token = Some("xoxb-test".to_owned()));
    let message = r#"{"channel":"C1","text":"x"}"#;
    let wrong = ("authorization", "Bearer xoxb-other");
    let cases: [Case; 9] = [
        (&[JSON], message, "not_authed"),
        (&[JSON, ("authorization", "Bearer ")], message, "not_authed"),
        (
            &[JSON],
            r#"{"channel":"C1","text":"x","token":"xoxb-test"}"#,
            "not_authed",
        ),
        (&[JSON, wrong], message, "invalid_auth"),
        (&[JSON, TOKEN], "{\"channel\":", "invalid_json"),
        (&[JSON, TOKEN], "[1]", "json_not_object"),
        (&[TOKEN], message, "missing_post_type"),
        (
            &[TOKEN, ("content-type", "application/xml")],
            message,
            "invalid_post_type",
        ),
        (&[TOKEN, FORM], "channel=C1&blocks=%7B", "invalid_blocks_format"),
    ];
    for (headers, body, error) in cases {
        let answer = send(&slack.url(), "POST", "/api/chat.postMessage", headers, body).json();
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(error)),
            "{headers:?} {body}"
        );
    }
    let form =
        "channel=C1&text=a+b&token=xoxb-test&metadata=%7B%22event_type%22%3A%22e%22%2C%22event_payload%22%3A%7B%7D%7D";
    assert_eq!(
        send(&slack.url(), "POST", "/api/chat.postMessage", &[FORM], form).json()["message"]["text"],
        "a b"
    );
    let bare = ("content-type", "application/json");
    let warned = send(&slack.url(), "POST", "/api/chat.postMessage", &[bare, TOKEN], message).json();
    assert_eq!(
        (&warned["ok"], &warned["warning"]),
        (&json!(true), &json!("missing_charset"))
    );
    assert_eq!(
        send(&slack.url(), "POST", "/api/users.list", &[TOKEN], "").json()["error"],
        "unknown_method"
    );
    assert_eq!(
        send(&slack.url(), "POST", "/api/auth.test", &[TOKEN], "").json()["ok"],
        true
    );
}
