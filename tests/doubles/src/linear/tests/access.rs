//! Keys, tokens and their scope, and the rate limit.

use jiff::Timestamp;
use serde_json::json;

use super::{JSON, KEY, ask, data, error, post, update};
use crate::linear::{RateLimited, start};

#[tokio::test]
async fn keys_and_tokens_are_checked_as_by_linear() {
    let linear = start().await;
    let query = json!({"query": "{ viewer { id } }"});
    let status = |authorization: &[(&str, &str)]| {
        let headers: Vec<_> = [JSON].iter().chain(authorization).copied().collect();
        let reply = post(&linear, &headers, &query);
        (reply.status, reply.json()["errors"][0]["extensions"]["code"].clone())
    };
    let unauthenticated = (401, json!("AUTHENTICATION_ERROR"));
    assert_eq!(status(&[]), unauthenticated);
    assert_eq!(status(&[("authorization", "oauth-token")]), unauthenticated);
    assert_eq!(status(&[("authorization", "Bearer oauth-token")]), (200, json!(null)));
    assert_eq!(
        status(&[("authorization", "Bearer lin_api_test")]),
        (400, json!("AUTHENTICATION_ERROR"))
    );
    linear.world(|world| world.token = Some("lin_api_test".to_owned()));
    assert_eq!(status(&[("authorization", "lin_api_other")]), unauthenticated);
    assert_eq!(status(&[KEY]), (200, json!(null)));
    let wrong = post(&linear, &[JSON], &query);
    assert_eq!(
        error(&wrong),
        (
            401,
            "Authentication required, not authenticated".to_owned(),
            "AUTHENTICATION_ERROR".to_owned(),
            "You need to authenticate to access this operation.".to_owned()
        )
    );
    assert_eq!(wrong.json().get("data"), None);
}

#[tokio::test]
async fn every_answer_has_limits_exhausted_after_a_refusal() {
    let linear = start().await;
    let first = ask(&linear, "{ viewer { id } }", &json!({}));
    for (name, value) in [
        ("x-ratelimit-requests-limit", "2500"),
        ("x-ratelimit-requests-remaining", "2499"),
        ("x-ratelimit-complexity-limit", "3000000"),
        ("x-ratelimit-complexity-remaining", "2999999"),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    linear.world(|world| {
        world.rate_limited = Some(RateLimited {
            times: Some(1),
            reset_in_ms: 90_000,
        });
    });
    let refused = ask(&linear, "{ viewer { id } }", &json!({}));
    let (status, message, code, _) = error(&refused);
    assert_eq!((status, code.as_str()), (400, "RATELIMITED"));
    assert!(
        message.starts_with("Rate limit exceeded. Only 2500 requests"),
        "{message}"
    );
    assert_eq!(refused.header("x-ratelimit-requests-remaining"), Some("0"));
    let reset: i64 = refused.header("x-ratelimit-requests-reset").unwrap().parse().unwrap();
    let asked: Timestamp = linear.requests()[1].time;
    assert_eq!(reset - asked.as_millisecond(), 90_000);
    assert_eq!(
        refused.header("x-ratelimit-complexity-reset"),
        Some(reset.to_string().as_str())
    );
    let unknown = post(&linear, &[JSON], &json!({}));
    assert_eq!(
        (unknown.status, unknown.header("x-ratelimit-requests-limit")),
        (401, Some("2500"))
    );
    assert_eq!(ask(&linear, "{ viewer { id } }", &json!({})).status, 200);
}

#[tokio::test]
async fn a_key_that_may_only_read_changes_nothing() {
    let linear = start().await;
    linear.world(|world| world.read_only = true);
    let (status, message, code, _) = error(&update(&linear, &json!({"title": "x"})));
    assert_eq!(
        (status, message.as_str(), code.as_str()),
        (400, "Invalid scope: `write` required", "FORBIDDEN")
    );
    assert_eq!(linear.issue("ENG-123").unwrap().title, "Rotate the signing keys");
    data(&linear, "{ viewer { id } }", &json!({}));
}
