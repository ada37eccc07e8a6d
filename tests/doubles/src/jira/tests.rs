//! Jira's behaviour over HTTP.

mod access;
mod changes;
mod issues;
mod transitions;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::JiraDouble;
use crate::loopback::{Reply, send};

const JSON: (&str, &str) = ("content-type", "application/json");

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn call_as(jira: &JiraDouble, authorization: &str, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let headers = [JSON, ("authorization", authorization)];
    send(&jira.url(), method, &format!("/rest/api/2/{path}"), &headers, &body)
}

fn call(jira: &JiraDouble, method: &str, path: &str, body: &Value) -> Reply {
    call_as(jira, &basic("bot@example.com:t0ken"), method, path, body)
}

fn get(jira: &JiraDouble, path: &str) -> Reply {
    call(jira, "GET", path, &Value::Null)
}

fn errors(reply: &Reply) -> (u16, Value, Value) {
    let body = reply.json();
    (reply.status, body["errorMessages"].clone(), body["errors"].clone())
}

fn refused(status: u16, message: &str) -> (u16, Value, Value) {
    (status, json!([message]), json!({}))
}

fn invalid(field: &str, message: &str) -> (u16, Value, Value) {
    (400, json!([]), json!({field: message}))
}

fn transition(jira: &JiraDouble, key: &str, id: &str) -> Reply {
    call(
        jira,
        "POST",
        &format!("issue/{key}/transitions"),
        &json!({"transition": {"id": id}}),
    )
}

fn comment(jira: &JiraDouble, text: &str) -> Reply {
    call(jira, "POST", "issue/PAY-7/comment", &json!({"body": text}))
}
