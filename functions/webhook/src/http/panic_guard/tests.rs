//! Every request is answered and audited once, even an invalid one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{Bench, KEY, event, merged, secret, signed, with_token};

fn bench() -> Bench {
    Bench::with_secret(secret(&[KEY]))
}

/// A delivery that is authentic and ignored: it is answered without the queue.
fn pipeline() -> (Value, String) {
    let body = json!({"object_kind": "pipeline", "project": {"id": 3}}).to_string();
    (event(&signed(body.as_bytes()), &body), body)
}

/// A comment on a merge request.
fn comment(text: &str) -> Value {
    let body = json!({
        "object_kind": "note", "project": {"id": 1201, "path_with_namespace": "platform/vault"}, "user": {"id": 88, "username": "lea"},
        "object_attributes": {"id": 5001, "note": text, "noteable_type": "MergeRequest", "created_at": "2026-03-01 11:00:00 UTC"},
        "merge_request": {"iid": 12},
    })
    .to_string();
    event(&signed(body.as_bytes()), &body)
}

#[tokio::test]
async fn commands_and_pushes_are_accepted_with_an_entry() {
    let push = json!({"object_kind": "push", "project": {"id": 1201, "path_with_namespace": "platform/vault"}, "after": "9d3c"}).to_string();
    let bench = bench();
    for event in [
        comment("/copilot fix\n/copilot explain"),
        event(&signed(push.as_bytes()), &push),
    ] {
        let (status, answer) = bench.serve(&event).await;
        assert_eq!(
            (status, &answer["status"], &answer["reason"]),
            (202, &json!("accepted"), &Value::Null)
        );
    }
    let actions: Vec<Value> = bench
        .audit
        .entries()
        .into_iter()
        .map(|entry| entry["action"].clone())
        .collect();
    let expected = [
        "webhook.auth.verify",
        "copilot.command.received",
        "copilot.command.received",
        "webhook.auth.verify",
        "git.push.received",
    ];
    assert_eq!(
        actions
            .iter()
            .filter(|action| expected.contains(&action.as_str().unwrap()))
            .collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn the_answers_are_those_documented() {
    let mut elsewhere = merged();
    elsewhere["project"]["path_with_namespace"] = json!("elsewhere/x");
    let elsewhere = elsewhere.to_string();
    let large = "x".repeat(crate::fixtures::TOLERANCE.max_body_bytes + 1);
    let form = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let cases = [
        (pipeline().0, 200, "ignored", "unhandled_kind"),
        (comment("thanks"), 200, "ignored", "no_command"),
        (event(&signed(b"no JSON"), "no JSON"), 200, "ignored", "unparseable"),
        (event(&with_token("guessed"), "{}"), 401, "rejected", "not_authentic"),
        (event(&with_token("a,b"), "{}"), 401, "rejected", "not_authentic"),
        (event(&vec![], "{}"), 401, "rejected", "not_authentic"),
        (event(&signed(b"other"), "{}"), 401, "rejected", "not_authentic"),
        (
            event(&signed(elsewhere.as_bytes()), &elsewhere),
            403,
            "rejected",
            "wrong_scope",
        ),
        (event(&with_token("guessed"), &large), 413, "rejected", "too_large"),
        (event(&form, "a=b"), 415, "rejected", "unsupported_media_type"),
    ];
    let bench = bench();
    for (number, (event, status, word, reason)) in (1..).zip(cases) {
        let (given, answer) = bench.serve(&event).await;
        assert_eq!(
            (given, &answer["status"], &answer["reason"]),
            (status, &json!(word), &json!(reason))
        );
        assert_eq!(answer.as_object().unwrap().len(), 3);
        let lines = bench.verifications();
        assert_eq!(lines.len(), number, "one line each");
        assert_eq!(lines[number - 1]["correlation_id"], answer["correlation_id"]);
    }
}

#[tokio::test]
async fn hostile_headers_queries_and_paths_change_nothing() {
    let bench = bench();
    let hostile_headers = [
        ("host", "a.127.0.0.1"),
        ("host", "::"),
        ("Host", "[::1"),
        ("host", "a b\u{0}"),
        ("x-forwarded-proto", "::"),
        ("X-Forwarded-Proto", "ht tp"),
        ("x-forwarded-for", "198.51.100.1"),
        ("", "empty name"),
        ("bad name\n", "x"),
        ("ü", "x"),
        ("x-control", "a\r\nb\u{7f}"),
        ("x-wide", "größe ✓"),
        ("cookie", "\u{1}"),
        ("traceparent", "ü"),
    ];
    for (name, value) in hostile_headers {
        let (mut event, _) = pipeline();
        event["headers"][name] = json!(value);
        assert_eq!(bench.serve(&event).await.0, 200, "{name:?}: {value:?}");
    }
    for query in ["%", "a=b&&=", "{}[]|\\^`", "\u{0}", "ü?#", &"q".repeat(70_000)] {
        let (mut event, _) = pipeline();
        event["rawQueryString"] = json!(query);
        event["cookies"] = json!(["\u{0}"]);
        assert_eq!(bench.serve(&event).await.0, 200, "{query:?}");
    }
    assert!(
        bench
            .verifications()
            .iter()
            .all(|line| line["details"]["source_ip"] == "203.0.113.7")
    );
}

#[tokio::test]
async fn other_paths_and_methods_are_answered_in_kind() {
    let bench = bench();
    for path in [
        "/",
        "",
        "/webhook/",
        "/webhook/x",
        "//webhook",
        "/WEBHOOK",
        "@evil/webhook",
        "\u{0}",
        ":99999",
    ] {
        let (mut event, _) = pipeline();
        event["rawPath"] = json!(path);
        let (status, answer) = bench.serve(&event).await;
        assert_eq!((status, &answer["reason"]), (404, &json!("not_found")), "{path:?}");
    }
    for method in ["GET", "PUT", "post", "", "BAD METHOD"] {
        let (mut event, _) = pipeline();
        event["requestContext"]["http"]["method"] = json!(method);
        let (status, answer) = bench.serve(&event).await;
        assert_eq!(
            (status, &answer["reason"]),
            (405, &json!("method_not_allowed")),
            "{method:?}"
        );
    }
    assert_eq!(bench.verifications().len(), 14);
}

#[tokio::test]
async fn base64_body_is_verified_over_its_bytes() {
    let bench = bench();
    let bodies: [&[u8]; 3] = [b"\xff\x00 no text", "{\"title\":\"ß\"}".as_bytes(), b""];
    for body in bodies {
        let mut event = event(&signed(body), &STANDARD.encode(body));
        event["isBase64Encoded"] = json!(true);
        let (status, answer) = bench.serve(&event).await;
        assert_eq!((status, &answer["reason"]), (200, &json!("unparseable")));
    }
    for broken in ["***", "YQ", "YQ==YQ==", "ü"] {
        let mut event = event(&signed(b""), broken);
        event["isBase64Encoded"] = json!(true);
        assert_eq!(bench.serve(&event).await.0, 401, "{broken}");
        let lines = bench.verifications();
        assert_eq!(lines.last().unwrap()["details"]["reason"], "malformed");
    }
}

#[tokio::test]
async fn unusable_signature_header_prevents_token_fallback() {
    let bench = bench();
    let mut event = event(&with_token(crate::fixtures::PLAIN), "{}");
    event["headers"]["webhook-signature"] = json!("v1,\u{0}");
    event["headers"]["webhook-id"] = json!("a");
    event["headers"]["webhook-timestamp"] = json!("1");
    assert_eq!(bench.serve(&event).await.0, 401);
    assert_eq!(bench.verifications()[0]["details"]["reason"], "bad_signature");
}

#[tokio::test]
async fn duplicated_headers_are_malformed() {
    let bench = bench();
    let (mut event, _) = pipeline();
    event["headers"]["Webhook-Id"] = event["headers"]["webhook-id"].clone();
    assert_eq!(bench.serve(&event).await.0, 401);
    assert_eq!(bench.verifications()[0]["details"]["reason"], "malformed");
}

#[tokio::test]
async fn other_event_kinds_are_answered_and_audited() {
    let bench = bench();
    for event in [
        json!(null),
        json!([]),
        json!({}),
        json!({"Records": []}),
        json!({"requestContext": {"http": []}}),
    ] {
        assert_eq!(bench.serve(&event).await.0, 401, "{event}");
    }
    assert_eq!(bench.verifications().len(), 5);
}

#[tokio::test]
async fn panic_is_answered_503_and_audited_once() {
    let panics = std::sync::atomic::AtomicBool::new(true);
    let bench = Bench::new(move || {
        assert!(
            !panics.swap(false, std::sync::atomic::Ordering::Relaxed),
            "simulated panic"
        );
        Some(secret(&[KEY]))
    });
    let (status, answer) = bench.serve(&pipeline().0).await;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (503, &json!("unavailable"), &json!("internal_error"))
    );
    let lines = bench.verifications();
    assert_eq!(
        (lines.len(), &lines[0]["details"]["reason"]),
        (1, &json!("internal_error"))
    );
    assert_eq!(lines[0]["correlation_id"], answer["correlation_id"]);
    assert_eq!(bench.serve(&pipeline().0).await.0, 200);
}

#[tokio::test]
async fn panic_after_the_audit_line_adds_none() {
    let bench = bench();
    bench.metrics_clock.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let (status, answer) = bench.serve(&pipeline().0).await;
    assert_eq!((status, &answer["reason"]), (503, &json!("internal_error")));
    let lines = bench.verifications();
    assert_eq!((lines.len(), &lines[0]["details"]["result"]), (1, &json!("valid")));
    assert_eq!(lines[0]["correlation_id"], answer["correlation_id"]);
}

proptest! {
    #[test]
    fn no_headers_path_query_or_body_panic(
        headers in proptest::collection::btree_map(".{0,20}", ".{0,40}", 0..6),
        path in "/webhook|.{0,20}",
        query in ".{0,30}",
        body in ".{0,60}",
        base64 in any::<bool>(),
    ) {
        let bench = bench();
        let (mut event, _) = pipeline();
        for (name, value) in headers {
            event["headers"][name] = json!(value);
        }
        event["rawPath"] = json!(path);
        event["rawQueryString"] = json!(query);
        event["body"] = json!(body);
        event["isBase64Encoded"] = json!(base64);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (status, _) = runtime.block_on(bench.serve(&event));
        prop_assert!(status == 401 || status == 404 || status == 413);
        prop_assert_eq!(bench.verifications().len(), 1);
    }
}
