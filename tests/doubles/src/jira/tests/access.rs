//! Credentials, the rate limit, and requests that are refused.

use serde_json::{Value, json};

use super::{basic, call, call_as, comment, errors, get, refused};
use crate::jira::{RateLimited, start};
use crate::loopback::send;

#[tokio::test]
async fn cloud_uses_basic_and_data_center_bearer_credentials() {
    let jira = start().await;
    jira.patch(json!({"credentials": "bot@example.com:t0ken"})).unwrap();
    let me = |authorization: &str| call_as(&jira, authorization, "GET", "myself", &Value::Null);
    let right = basic("bot@example.com:t0ken");
    assert!(me(&right).json()["accountId"].is_string());
    for wrong in [&basic("bot@example.com:other"), "Bearer t0ken", "Basic ?", &basic("x")] {
        let reply = me(wrong);
        assert_eq!(
            (reply.status, reply.body.as_str(), reply.header("x-seraph-loginreason")),
            (
                401,
                "Client must be authenticated to access this resource.",
                Some("AUTHENTICATED_FAILED")
            ),
            "{wrong}"
        );
    }
    jira.patch(json!({"deployment": "data_center", "credentials": "pat"}))
        .unwrap();
    assert!(me("Bearer pat").json()["name"].is_string());
    assert_eq!(me(&right).json()["status-code"], 401);
    jira.patch(json!({"credentials": null})).unwrap();
    assert_eq!((me("Bearer any").status, me("Bearer ").status), (200, 401));
}

#[tokio::test]
async fn wrong_credentials_may_hide_issues_instead() {
    let jira = start().await;
    jira.patch(json!({"credentials": "a:b", "mask_unauthorized": true}))
        .unwrap();
    let hidden = get(&jira, "issue/PAY-7");
    assert_eq!(
        errors(&hidden),
        refused(404, "Issue does not exist or you do not have permission to see it.")
    );
    assert_eq!(hidden.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"));
    assert_eq!(get(&jira, "myself").status, 401);
}

#[tokio::test]
async fn rate_limit_has_a_reason_and_retry_after() {
    let jira = start().await;
    jira.patch(json!({"rate_limited": {"retry_after": 7, "times": 1}}))
        .unwrap();
    let reply = get(&jira, "myself");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
    assert_eq!(reply.header("ratelimit-reason"), Some("jira-burst-based"));
    assert!(reply.header("x-ratelimit-reset").unwrap().ends_with('Z'));
    assert_eq!(get(&jira, "myself").status, 200);
    jira.world(|world| {
        world.rate_limited = Some(RateLimited {
            retry_after: None,
            times: None,
            reason: "jira-per-issue-on-write".to_owned(),
        });
    });
    assert_eq!(get(&jira, "issue/PAY-7").status, 200, "reads are not limited by issue");
    let reply = comment(&jira, "x");
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    jira.patch(json!({"deployment": "data_center"})).unwrap();
    let reply = comment(&jira, "x");
    assert_eq!(
        (reply.header("x-ratelimit-fillrate"), reply.header("ratelimit-reason")),
        (Some("1"), None)
    );
    assert_eq!(jira.issue("PAY-7").unwrap().comments, []);
}

#[tokio::test]
async fn non_json_and_unknown_paths_are_refused() {
    let jira = start().await;
    let authorization = basic("a:b");
    let post = |kind: &str, body: &str| {
        let headers = [("content-type", kind), ("authorization", &authorization)];
        send(&jira.url(), "POST", "/rest/api/2/issue/PAY-7/comment", &headers, body).status
    };
    assert_eq!((post("text/plain", "{}"), post("application/json", "{")), (415, 400));
    assert_eq!(call(&jira, "DELETE", "issue/PAY-7", &Value::Null).status, 405);
    assert_eq!(get(&jira, "issue/PAY-7/watchers").status, 404);
    assert_eq!(send(&jira.url(), "GET", "/browse/PAY-7", &[], "").status, 404);
}
