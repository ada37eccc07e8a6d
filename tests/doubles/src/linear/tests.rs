//! Linear's behaviour over HTTP.

mod access;
mod attachments_and_comments;
mod issue_updates;
mod labels;
mod queries;
mod world;

use serde_json::{Value, json};

use super::LinearDouble;
use crate::loopback::{Reply, send};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("authorization", "lin_api_test");
const COMMENT: &str = "8f14e45f-ceea-467f-a8f5-0b6a1c2d3e4f";

fn post(linear: &LinearDouble, headers: &[(&str, &str)], body: &Value) -> Reply {
    send(&linear.url(), "POST", "/graphql", headers, &body.to_string())
}

/// The answer to a query with variables.
fn ask(linear: &LinearDouble, query: &str, variables: &Value) -> Reply {
    post(linear, &[JSON, KEY], &json!({"query": query, "variables": variables}))
}

/// The data of an answer without errors.
fn data(linear: &LinearDouble, query: &str, variables: &Value) -> Value {
    let reply = ask(linear, query, variables);
    let body = reply.json();
    assert_eq!((reply.status, body.get("errors")), (200, None), "{body}");
    body["data"].clone()
}

/// Status, message, code and user-facing text of an answer's only error.
fn error(reply: &Reply) -> (u16, String, String, String) {
    let body = reply.json();
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    let error = &body["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        reply.status,
        text(&error["message"]),
        text(&error["extensions"]["code"]),
        text(&error["extensions"]["userPresentableMessage"]),
    )
}

fn input_error(message: &str, presentable: &str) -> (u16, String, String, String) {
    (
        200,
        message.to_owned(),
        "INPUT_ERROR".to_owned(),
        presentable.to_owned(),
    )
}

fn update(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation =
        "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }";
    ask(linear, mutation, &json!({"id": "ENG-123", "input": input}))
}
