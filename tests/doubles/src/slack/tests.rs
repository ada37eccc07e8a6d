//! Slack's behaviour, over HTTP or with a chosen time, as the case needs.

mod access;
mod messages;
mod reading;
mod times;
mod update;

use serde_json::Value;

use super::SlackDouble;
use crate::loopback::send;

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
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
