//! Confluence's behaviour over HTTP.

mod access;
mod pages;
mod storage_format;
mod versions;
mod writing;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ConfluenceDouble;
use crate::loopback::{Reply, send};

const JSON: (&str, &str) = ("content-type", "application/json");

fn call_as(confluence: &ConfluenceDouble, credentials: &str, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let authorization = format!("Basic {}", STANDARD.encode(credentials));
    let headers = [JSON, ("authorization", authorization.as_str())];
    send(
        &confluence.url(),
        method,
        &format!("/wiki/api/v2/{path}"),
        &headers,
        &body,
    )
}

fn call(confluence: &ConfluenceDouble, method: &str, path: &str, body: &Value) -> Reply {
    call_as(confluence, "bot@example.com:t0ken", method, path, body)
}

fn get(confluence: &ConfluenceDouble, path: &str) -> Reply {
    call(confluence, "GET", path, &Value::Null)
}

fn create(confluence: &ConfluenceDouble, title: &str, body: &str) -> Reply {
    let page = json!({
        "spaceId": "98304", "status": "current", "title": title,
        "body": {"representation": "storage", "value": body},
    });
    call(confluence, "POST", "pages", &page)
}

fn update(confluence: &ConfluenceDouble, id: &str, title: &str, number: u64, body: &str) -> Reply {
    let page = json!({
        "id": id, "status": "current", "title": title,
        "body": {"representation": "storage", "value": body},
        "version": {"number": number, "message": format!("edit {number}")},
    });
    call(confluence, "PUT", &format!("pages/{id}"), &page)
}

fn error(reply: &Reply) -> (u16, Value, Value) {
    let error = reply.json()["errors"][0].clone();
    assert_eq!(error["status"], reply.status);
    (reply.status, error["code"].clone(), error["title"].clone())
}

fn refused(status: u16, code: &str, title: &str) -> (u16, Value, Value) {
    (status, json!(code), json!(title))
}

fn titles(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let results = body["results"].as_array().unwrap();
    results
        .iter()
        .map(|page| page["title"].as_str().unwrap().to_owned())
        .collect()
}
