//! The audit line of each assessment.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use audit::{ActorType, Writer};
use inbound::gitlab::delivery_ids;
use model::FixedClock;
use model::sha256_hex;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::fixtures::{
    Headers, KEY, NEXT_KEY, PLAIN, TOLERANCE, header_map, hook_set, merged, now, rules, signed, signed_at, with_token,
};
use crate::gitlab_webhook::assessment::assess;
use crate::http::audit_entry::refusal_entry;
use crate::http::refusal::Refusal;

fn request_context() -> RequestContext {
    RequestContext {
        correlation_id: Uuid::from_u128(7),
        received_at: now(),
        source_ip: Some("203.0.113.7".to_owned()),
        xray_trace_id: None,
        audited: AtomicBool::new(false),
    }
}

fn context() -> Context {
    Context::new(ActorType::WebhookEvent, Uuid::from_u128(7))
}

fn line(entry: &Entry) -> Value {
    let (writer, lines) = Writer::memory("webhook", Arc::new(FixedClock(now())));
    writer.write(entry);
    lines.entries().remove(0)
}

fn line_of(headers: &Headers, body: &Value) -> Value {
    let (headers, body) = (header_map(headers), body.to_string().into_bytes());
    let received = IncomingRequest::new(&headers, &body);
    let assessment = assess(&received, &hook_set(), now(), &rules());
    let sha256 = sha256_hex(&body);
    let ids = delivery_ids(
        &received.headers,
        received.offered().unwrap_or(AuthMethod::Token),
        &sha256,
    );
    line(&assessed_entry(
        &context(),
        &request_context(),
        &received,
        &ids,
        &sha256,
        &assessment,
    ))
}

#[test]
fn audit_entry_names_target_method_and_hook() {
    let body = merged();
    let line = line_of(&signed(body.to_string().as_bytes()), &body);
    assert_eq!(
        (&line["action"], &line["outcome"], &line["error"]),
        (&json!("webhook.auth.verify"), &json!("success"), &Value::Null)
    );
    assert_eq!(
        line["target"],
        json!({"resource_type": "merge_request", "instance": "gitlab", "project_id": 1201, "mr_iid": 12})
    );
    assert_eq!(
        line["details"],
        json!({
            "result": "valid", "method": "hmac_sha256", "hook": "main", "stale": false, "source_ip": "203.0.113.7",
            "delivery_id": crate::fixtures::ID, "user_agent": "GitLab/19.1.0", "body_bytes": body.to_string().len(),
            "payload_sha256": sha256_hex(body.to_string().as_bytes()),
        })
    );
}

#[test]
fn rejection_entry_names_reason_and_claimed_project() {
    // Proof, body, reason, method, hook.
    let body = merged();
    let bytes = body.to_string().into_bytes();
    let mut elsewhere = merged();
    elsewhere["project"] = json!({"id": 5, "path_with_namespace": "elsewhere/x"});
    let cases = [
        (
            signed_at(0, NEXT_KEY, &bytes),
            &body,
            "bad_signature",
            Some("hmac_sha256"),
            Value::Null,
        ),
        (with_token("guessed"), &body, "bad_token", Some("token"), Value::Null),
        (vec![], &body, "missing_credentials", None, Value::Null),
        (with_token("a,b"), &body, "malformed", Some("token"), Value::Null),
        (
            with_token(PLAIN),
            &elsewhere,
            "wrong_scope",
            Some("token"),
            json!("main"),
        ),
        (
            vec![("content-type", "text/plain".to_owned())],
            &body,
            "malformed",
            None,
            Value::Null,
        ),
    ];
    for (headers, body, reason, method, hook) in cases {
        let line = line_of(&headers, body);
        let details = &line["details"];
        assert_eq!(
            (&line["outcome"], &line["error"]),
            (&json!("failure"), &json!("auth_failure")),
            "{reason}"
        );
        assert_eq!(
            (&details["result"], &details["reason"]),
            (&json!("invalid"), &json!(reason))
        );
        assert_eq!(
            (&details["method"], &details["hook"]),
            (&json!(method), &hook),
            "{reason}"
        );
        assert_eq!(
            line["target"],
            json!({"resource_type": "project", "project_id": body["project"]["id"]})
        );
    }
}

#[test]
fn oversized_body_is_not_parsed() {
    let mut body = merged();
    body["padding"] = json!("x".repeat(TOLERANCE.max_body_bytes));
    let line = line_of(&with_token(PLAIN), &body);
    assert_eq!(
        (&line["details"]["reason"], &line["target"]["resource_type"]),
        (&json!("too_large"), &json!("endpoint"))
    );
}

#[test]
fn a_large_body_is_read_only_once() {
    let mut body = merged();
    body["padding"] = json!("x".repeat(MAX_CLAIM_BYTES));
    let forged = line_of(&with_token("guessed"), &body);
    assert_eq!(
        (&forged["details"]["reason"], &forged["target"]["resource_type"]),
        (&json!("bad_token"), &json!("endpoint"))
    );
    body["project"] = json!({"id": 5, "path_with_namespace": "elsewhere/x"});
    let elsewhere = line_of(&with_token(PLAIN), &body);
    assert_eq!(
        (&elsewhere["details"]["reason"], &elsewhere["target"]["project_id"]),
        (&json!("wrong_scope"), &json!(5))
    );
}

#[test]
fn stale_ignored_and_unexpected_deliveries_are_marked_valid() {
    let body = merged();
    let stale = line_of(&signed_at(1, KEY, body.to_string().as_bytes()), &body);
    assert_eq!(
        (&stale["details"]["result"], &stale["details"]["stale"]),
        (&json!("valid"), &json!(true))
    );
    let pipeline = line_of(&with_token(PLAIN), &json!({"object_kind": "pipeline", "project_id": 8}));
    assert_eq!(
        (&pipeline["details"]["result"], &pipeline["details"]["ignored"]),
        (&json!("valid"), &json!("unhandled_kind"))
    );
    assert_eq!(
        pipeline["target"],
        json!({"resource_type": "project", "instance": "gitlab", "project_id": 8})
    );
    let mut odd = merged();
    odd["object_attributes"]["iid"] = json!("hunter2");
    let odd = line_of(&with_token(PLAIN), &odd);
    assert_eq!(
        odd["details"]["unexpected"],
        "object_attributes.iid is not a positive integer"
    );
    assert!(!odd.to_string().contains("hunter2"));
}

#[test]
fn nothing_secret_or_boundless_is_repeated() {
    let body = merged();
    let mut headers = signed(body.to_string().as_bytes());
    headers.push(("x-gitlab-token", PLAIN.to_owned()));
    headers[1].1 = "ü".repeat(5_000);
    let line = line_of(&headers, &body);
    assert_eq!(line["details"]["user_agent"].as_str().unwrap().chars().count(), 200);
    let text = line.to_string();
    for secret in [PLAIN, &headers[4].1, "Rotate the signing key"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn unreadable_request_is_audited_too() {
    let line = line(&refusal_entry(
        &context(),
        &request_context(),
        Route::Webhook,
        Refusal::Unreadable,
    ));
    assert_eq!(
        line["details"],
        json!({"result": "invalid", "reason": "malformed", "source_ip": "203.0.113.7"})
    );
    assert_eq!(line["target"], json!({"resource_type": "endpoint", "id": "/webhook"}));
}
