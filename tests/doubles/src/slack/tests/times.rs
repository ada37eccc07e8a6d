//! Times: the identities of messages, and the rate limit, without a server.

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{JSON, TOKEN};
use crate::slack::{Slack, Ts};
use crate::{Answer, Received, System};

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
