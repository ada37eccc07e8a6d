//! Slack's behaviour, over HTTP or with a chosen time, as the case needs.

mod update;

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Slack, SlackDouble, Ts, start};
use crate::loopback::{Reply, send};
use crate::{Answer, Fault, Received, Stub, System};

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TOKEN: (&str, &str) = ("authorization", "Bearer xoxb-test");

fn post(slack: &SlackDouble, message: &Value) -> Value {
    let reply = send(
        &slack.url(),
        "POST",
        "/api/chat.postMessage",
        &[JSON, TOKEN],
        &message.to_string(),
    );
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn history(slack: &SlackDouble, query: &str) -> Value {
    send(
        &slack.url(),
        "GET",
        &format!("/api/conversations.history?{query}"),
        &[TOKEN],
        "",
    )
    .json()
}

fn texts(history: &Value) -> Vec<&str> {
    history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect()
}

/// A message posted at a time, without a server.
fn post_at(slack: &mut Slack, channel: &str, time: &str) -> Answer {
    let headers = HeaderMap::from_iter([
        (http::header::CONTENT_TYPE, HeaderValue::from_static(JSON.1)),
        (http::header::AUTHORIZATION, HeaderValue::from_static(TOKEN.1)),
    ]);
    slack.answer(&Received {
        time: time.parse::<Timestamp>().unwrap(),
        method: Method::POST,
        target: "/api/chat.postMessage".to_owned(),
        headers,
        body: json!({"channel": channel, "text": "x"}).to_string().into(),
    })
}

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

#[test]
fn identities_increase_even_at_the_same_instant() {
    let mut slack = Slack::default();
    let ts: Vec<String> = ["2024-04-05T19:37:58Z", "2024-04-05T19:37:58Z", "2024-04-05T19:37:57Z"]
        .iter()
        .map(|time| serde_json::from_slice::<Value>(&post_at(&mut slack, "C1", time).body).unwrap()["ts"].to_string())
        .collect();
    assert_eq!(
        ts,
        [
            r#""1712345878.000000""#,
            r#""1712345878.000100""#,
            r#""1712345878.000200""#
        ]
    );
}

/// One message a second is accepted in each channel.
#[test]
fn rate_limit_refuses_only_the_same_channel() {
    let mut slack = Slack::default();
    assert_eq!(post_at(&mut slack, "C1", "2026-03-02T10:00:00Z").status, 200);
    assert_eq!(
        post_at(&mut slack, "C1", "2026-03-02T10:00:00.5Z").status,
        200,
        "off by default"
    );
    slack.world().rate_limit = true;
    assert_eq!(post_at(&mut slack, "C2", "2026-03-02T10:00:00.6Z").status, 200);
    let refused = post_at(&mut slack, "C1", "2026-03-02T10:00:01.4Z");
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["retry-after"]),
        (429, &HeaderValue::from_static("1"))
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&refused.body).unwrap(),
        json!({"ok": false, "error": "ratelimited"})
    );
    assert_eq!(post_at(&mut slack, "C1", "2026-03-02T10:00:01.5Z").status, 200);
    assert_eq!(slack.messages.all().len(), 4);
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

#[test]
fn times_are_read_with_whole_and_broken_seconds() {
    for (text, micros) in [
        ("1712345678.000100", 1_712_345_678_000_100),
        ("1712345678", 1_712_345_678_000_000),
        ("0.5", 500_000),
    ] {
        assert_eq!(text.parse(), Ok(Ts(micros)), "{text}");
    }
    for text in ["", "x", "1.x", "1.0000001", "99999999999999999999", "1.-5"] {
        assert_eq!(text.parse::<Ts>(), Err(()), "{text}");
    }
    assert_eq!(Ts(1_712_345_678_000_100).to_string(), "1712345678.000100");
}
