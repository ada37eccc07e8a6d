//! Updates of messages, and replies that the channel also shows.

use serde_json::{Value, json};

use super::{JSON, TOKEN, history, post, texts};
use crate::loopback::send;
use crate::slack::{SlackDouble, start};

fn update(slack: &SlackDouble, message: &Value) -> Value {
    send(
        &slack.url(),
        "POST",
        "/api/chat.update",
        &[JSON, TOKEN],
        &message.to_string(),
    )
    .json()
}

/// A message with blocks and metadata, and its identity.
fn posted(slack: &SlackDouble) -> (Value, Value) {
    let metadata = json!({"event_type": "countersign_effect", "event_payload": {"key": "e1"}});
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Merged*"}}]);
    let message = json!({"channel": "C1", "text": "Merged", "blocks": blocks, "metadata": metadata});
    (post(slack, &message)["ts"].clone(), message)
}

#[tokio::test]
async fn an_update_replaces_what_it_gives() {
    let slack = start().await;
    let (ts, message) = posted(&slack);
    let shown = || history(&slack, "channel=C1&include_all_metadata=true")["messages"][0].clone();
    let other = json!([{"type": "divider"}]);

    let answer = update(
        &slack,
        &json!({"channel": "C1", "ts": ts, "text": "New", "blocks": other}),
    );
    assert_eq!(
        (&answer["ok"], &answer["ts"], &answer["text"]),
        (&json!(true), &ts, &json!("New"))
    );
    assert_eq!(
        (&shown()["ts"], &shown()["text"], &shown()["blocks"]),
        (&ts, &json!("New"), &other)
    );
    assert_eq!(shown()["metadata"], message["metadata"], "omitted metadata stays");
    assert!(shown()["edited"]["ts"].is_string());

    update(
        &slack,
        &json!({"channel": "C1", "ts": ts, "text": "Text alone", "metadata": {}}),
    );
    assert_eq!(shown()["text"], "Text alone");
    assert!(shown().get("blocks").is_none() && shown().get("metadata").is_none());
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn rejected_updates_carry_slacks_codes_and_change_nothing() {
    let slack = start().await;
    let (ts, _) = posted(&slack);
    let before = slack.messages();
    let section = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}}]);
    for (message, error) in [
        (json!({"ts": ts, "text": "x"}), "invalid_arguments"),
        (json!({"channel": "C1", "text": "x"}), "invalid_arguments"),
        (
            json!({"channel": "C0MISSING", "ts": ts, "text": "x"}),
            "channel_not_found",
        ),
        (json!({"channel": "C0ARCHIVED", "ts": ts, "text": "x"}), "is_inactive"),
        (json!({"channel": "C2", "ts": ts, "text": "x"}), "message_not_found"),
        (
            json!({"channel": "C1", "ts": "1.000001", "text": "x"}),
            "message_not_found",
        ),
        (json!({"channel": "C1", "ts": "x", "text": "x"}), "message_not_found"),
        (json!({"channel": "C1", "ts": ts}), "no_text"),
        (json!({"channel": "C1", "ts": ts, "blocks": section}), "invalid_blocks"),
        (
            json!({"channel": "C1", "ts": ts, "text": "x".repeat(40_001)}),
            "msg_too_long",
        ),
        (
            json!({"channel": "C1", "ts": ts, "text": "x", "metadata": {"event_type": "e"}}),
            "invalid_metadata_format",
        ),
    ] {
        let answer = update(&slack, &message);
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(error)),
            "{message:.120}"
        );
    }
    let change = json!({"channel": "C1", "ts": ts, "text": "x"});
    slack.world(|behaviour| behaviour.edit_window_closed = true);
    assert_eq!(update(&slack, &change)["error"], "edit_window_closed");
    slack.world(|behaviour| behaviour.edit_window_closed = false);
    assert_eq!(slack.messages(), before);
    slack.give_away(&before[0]);
    assert_eq!(update(&slack, &change)["error"], "cant_update_message");
    slack.delete(&before[0]);
    assert_eq!(update(&slack, &change)["error"], "message_not_found");
}

#[tokio::test]
async fn update_51_of_a_minute_is_rate_limited() {
    let slack = start().await;
    let (ts, _) = posted(&slack);
    let change = json!({"channel": "C1", "ts": ts, "text": "x"}).to_string();
    let call = || send(&slack.url(), "POST", "/api/chat.update", &[JSON, TOKEN], &change);
    slack.world(|behaviour| behaviour.rate_limit = true);
    assert!((0..50).all(|_| call().status == 200));
    let rejected = call();
    assert_eq!(
        (rejected.status, &rejected.json()["error"]),
        (429, &json!("ratelimited"))
    );
    let wait: i64 = rejected.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    slack.world(|behaviour| behaviour.rate_limit = false);
    assert_eq!(call().status, 200);
}

#[tokio::test]
async fn only_a_broadcast_reply_is_in_the_history() {
    let slack = start().await;
    let (ts, _) = posted(&slack);
    post(&slack, &json!({"channel": "C1", "text": "quiet", "thread_ts": ts}));
    post(
        &slack,
        &json!({"channel": "C1", "text": "loud", "thread_ts": ts, "reply_broadcast": true}),
    );
    let shown = history(&slack, "channel=C1");
    assert_eq!(texts(&shown), ["loud", "Merged"]);
    assert_eq!(
        (&shown["messages"][0]["subtype"], &shown["messages"][0]["thread_ts"]),
        (&json!("thread_broadcast"), &ts)
    );
    slack.delete(&slack.messages()[0]);
    let orphan = post(&slack, &json!({"channel": "C1", "text": "late", "thread_ts": ts}));
    assert_eq!(orphan["error"], "thread_not_found");
}
