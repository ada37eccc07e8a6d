//! Messages that are posted or refused.

use serde_json::{Value, json};

use super::{JSON, TOKEN, history, post, texts};
use crate::loopback::{Reply, send};
use crate::slack::start;
use crate::{Fault, Stub};

#[tokio::test]
async fn message_is_posted_and_read_with_its_metadata() {
    let slack = start().await;
    let metadata = json!({"event_type": "countersign_effect", "event_payload": {"key": "e1"}});
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Merged*"}}]);
    let posted = post(
        &slack,
        &json!({"channel": "C0SECLEAD", "text": "Merged", "blocks": blocks, "metadata": metadata}),
    );
    assert_eq!((&posted["ok"], &posted["channel"]), (&json!(true), &json!("C0SECLEAD")));
    assert_eq!(posted["message"]["text"], "Merged");
    let with = history(&slack, "channel=C0SECLEAD&include_all_metadata=true");
    assert_eq!(with["messages"][0]["metadata"], metadata);
    assert_eq!(
        (&with["messages"][0]["ts"], &with["messages"][0]["blocks"]),
        (&posted["ts"], &blocks)
    );
    let without = history(&slack, "channel=C0SECLEAD");
    assert!(without["messages"][0].get("metadata").is_none());
    assert_eq!(texts(&history(&slack, "channel=C0OTHER")), [] as [&str; 0]);
    assert_eq!(slack.messages()[0].metadata, Some(metadata));
}

#[tokio::test]
async fn refused_messages_carry_slacks_error_codes() {
    let slack = start().await;
    for (message, error) in refused_messages() {
        let answer = post(&slack, &message);
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(error)),
            "{message:.120}"
        );
    }
    assert_eq!(slack.messages(), []);
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}});
    let rejection = post(&slack, &json!({"channel": "C1", "text": "x", "blocks": [section]}));
    let said = "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]";
    assert_eq!(rejection["response_metadata"]["messages"], json!([said]));
}

/// Messages that Slack rejects, with their error codes.
fn refused_messages() -> Vec<(Value, &'static str)> {
    let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let header =
        |kind: &str, length: usize| json!({"type": "header", "text": {"type": kind, "text": "h".repeat(length)}});
    let block = |block: Value| json!({"channel": "C1", "text": "x", "blocks": [block]});
    let blocks = |blocks: Vec<Value>| json!({"channel": "C1", "text": "x", "blocks": blocks});
    vec![
        (json!({"text": "x"}), "invalid_arguments"),
        (json!({"channel": "C0MISSING", "text": "x"}), "channel_not_found"),
        (json!({"channel": "general", "text": "x"}), "channel_not_found"),
        (json!({"channel": "C0ARCHIVED", "text": "x"}), "is_archived"),
        (json!({"channel": "C1"}), "no_text"),
        (json!({"channel": "C1", "text": "", "blocks": []}), "no_text"),
        (json!({"channel": "C1", "text": "x".repeat(40_001)}), "msg_too_long"),
        (
            json!({"channel": "C1", "text": "x", "blocks": {}}),
            "invalid_blocks_format",
        ),
        (blocks(vec![json!({"type": "divider"}); 51]), "invalid_blocks"),
        (block(section(&"x".repeat(3001))), "invalid_blocks"),
        (block(section("")), "invalid_blocks"),
        (block(json!({"type": "section"})), "invalid_blocks"),
        (block(header("plain_text", 151)), "invalid_blocks"),
        (block(header("mrkdwn", 5)), "invalid_blocks"),
        (block(json!({"type": "marquee"})), "invalid_blocks"),
        (block(json!({"type": "context", "elements": []})), "invalid_blocks"),
        (
            block(
                json!({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "b".repeat(76)}}]}),
            ),
            "invalid_blocks",
        ),
        (
            blocks(vec![json!({"type": "divider", "block_id": "same"}); 2]),
            "invalid_blocks",
        ),
        (blocks(vec![section(&"x".repeat(2900)); 5]), "msg_blocks_too_long"),
        (
            json!({"channel": "C1", "text": "x", "metadata": {"event_type": "e"}}),
            "invalid_metadata_format",
        ),
        (
            json!({"channel": "C1", "text": "x", "metadata": "{"}),
            "invalid_metadata_format",
        ),
        (
            json!({"channel": "C1", "text": "x", "metadata": {"event_type": "e", "event_payload": {"k": "v".repeat(17_000)}}}),
            "metadata_too_large",
        ),
    ]
}

#[tokio::test]
async fn messages_at_slacks_limits_are_accepted() {
    let slack = start().await;
    let section =
        |length: usize| json!({"type": "section", "text": {"type": "mrkdwn", "text": "\u{e9}".repeat(length)}});
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": "h".repeat(150)}});
    for blocks in [
        vec![section(3000)],
        vec![header],
        vec![json!({"type": "divider"}); 50],
        vec![section(2640); 5],
    ] {
        let answer = post(&slack, &json!({"channel": "C1", "blocks": blocks}));
        assert_eq!(answer["ok"], true, "{answer}");
    }
}

#[tokio::test]
async fn post_then_reset_keeps_the_message() {
    let slack = start().await;
    slack
        .stub(Stub::failing("POST", "/api/chat.postMessage", Fault::PostThenReset).times(1))
        .unwrap();
    let call = || -> Reply {
        send(
            &slack.url(),
            "POST",
            "/api/chat.postMessage",
            &[JSON, TOKEN],
            r#"{"channel":"C1","text":"once"}"#,
        )
    };
    assert_eq!(call().status, 0);
    assert_eq!(texts(&history(&slack, "channel=C1")), ["once"]);
    assert_eq!(call().status, 200);
}
