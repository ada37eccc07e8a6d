//! Credentials and the rate limit.

use serde_json::{Value, json};

use super::{call_as, error, get, refused};
use crate::confluence::start;
use crate::loopback::send;

#[tokio::test]
async fn only_the_right_credentials_open_the_api() {
    let confluence = start().await;
    confluence
        .patch(json!({"credentials": "bot@example.com:t0ken"}))
        .unwrap();
    assert_eq!(get(&confluence, "pages/98305").status, 200);
    let wrong = || call_as(&confluence, "bot@example.com:x", "GET", "pages/98305", &Value::Null);
    assert_eq!(
        (wrong().status, wrong().json()),
        (401, json!({"code": 401, "message": "Unauthorized"}))
    );
    let anonymous = send(&confluence.url(), "GET", "/wiki/api/v2/pages", &[], "");
    assert_eq!(anonymous.status, 401);
    confluence.patch(json!({"mask_unauthorized": true})).unwrap();
    assert_eq!(error(&wrong()), refused(404, "NOT_FOUND", "Not Found"));
}

#[tokio::test]
async fn rate_limit_sets_retry_after() {
    let confluence = start().await;
    confluence
        .patch(json!({"rate_limited": {"retry_after": 3, "times": 1}}))
        .unwrap();
    let reply = get(&confluence, "pages/98305");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3")));
    assert_eq!(reply.header("ratelimit-reason"), Some("confluence-burst-based"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(get(&confluence, "pages/98305").status, 200);
}
