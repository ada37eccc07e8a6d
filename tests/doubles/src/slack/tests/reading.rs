//! The history of a channel.

use serde_json::json;

use super::{JSON, TOKEN, history, post, texts};
use crate::loopback::send;
use crate::slack::start;

#[tokio::test]
async fn history_is_paged_newest_first_within_its_bounds() {
    let slack = start().await;
    let ts: Vec<String> = (0..5)
        .map(|number| {
            post(&slack, &json!({"channel": "C1", "text": number.to_string()}))["ts"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let first = history(&slack, "channel=C1&limit=2");
    assert_eq!((texts(&first), &first["has_more"]), (vec!["4", "3"], &json!(true)));
    let cursor = first["response_metadata"]["next_cursor"]
        .as_str()
        .unwrap()
        .replace('=', "%3D");
    let second = history(&slack, &format!("channel=C1&limit=2&cursor={cursor}"));
    assert_eq!(texts(&second), ["2", "1"]);
    let cursor = second["response_metadata"]["next_cursor"]
        .as_str()
        .unwrap()
        .replace('=', "%3D");
    let last = history(&slack, &format!("channel=C1&limit=2&cursor={cursor}"));
    assert_eq!((texts(&last), &last["has_more"]), (vec!["0"], &json!(false)));
    assert!(last.get("response_metadata").is_none());
    let between = format!("channel=C1&oldest={}&latest={}", ts[1], ts[3]);
    assert_eq!(texts(&history(&slack, &between)), ["2"]);
    assert_eq!(
        texts(&history(&slack, &format!("{between}&inclusive=true"))),
        ["3", "2", "1"]
    );
    let body = json!({"channel": "C1", "oldest": ts[3], "limit": 1}).to_string();
    let posted = send(
        &slack.url(),
        "POST",
        "/api/conversations.history",
        &[JSON, TOKEN],
        &body,
    )
    .json();
    assert_eq!(texts(&posted), ["4"]);
    for (query, error) in [
        ("channel=C1&oldest=x", "invalid_ts_oldest"),
        ("channel=C1&latest=1.1234567", "invalid_ts_latest"),
        ("channel=C1&limit=0", "invalid_limit"),
        ("channel=C1&limit=1000", "invalid_limit"),
        ("channel=C1&cursor=abc", "invalid_cursor"),
        ("channel=C0MISSING", "channel_not_found"),
    ] {
        assert_eq!(history(&slack, query)["error"], error, "{query}");
    }
}

#[tokio::test]
async fn thread_reply_is_not_in_the_channel_history() {
    let slack = start().await;
    let parent = post(&slack, &json!({"channel": "C1", "text": "parent"}));
    post(
        &slack,
        &json!({"channel": "C1", "text": "reply", "thread_ts": parent["ts"]}),
    );
    assert_eq!(texts(&history(&slack, "channel=C1")), ["parent"]);
    assert_eq!(slack.messages()[1].thread, Some(slack.messages()[0].ts));
}
