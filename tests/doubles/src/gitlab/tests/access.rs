//! Tokens, missing objects, moved projects, and the rate limit.

use serde_json::json;

use super::{TOKEN, get, with_merge_request};
use crate::gitlab::{RateLimited, start};
use crate::loopback::send;

#[tokio::test]
async fn a_token_is_needed_in_either_header() {
    let gitlab = with_merge_request().await;
    let path = "/api/v4/projects/77/merge_requests/12";
    let status = |headers: &[(&str, &str)]| send(&gitlab.url(), "GET", path, headers, "").status;
    let refused = send(&gitlab.url(), "GET", path, &[], "");
    assert_eq!(
        (refused.status, refused.json()),
        (401, json!({"message": "401 Unauthorized"}))
    );
    assert_eq!(status(&[("private-token", "")]), 401);
    assert_eq!(status(&[("authorization", "Bearer t")]), 200);
    gitlab.world(|world| world.token = Some("glpat-only".to_owned()));
    assert_eq!(status(&[TOKEN]), 401);
    assert_eq!(status(&[("PRIVATE-TOKEN", "glpat-only")]), 200);
    assert_eq!(status(&[("authorization", "Bearer glpat-only")]), 200);
}

#[tokio::test]
async fn what_is_missing_is_answered_in_gitlabs_words() {
    let gitlab = with_merge_request().await;
    for (path, body) in [
        (
            "projects/78/merge_requests/12",
            json!({"message": "404 Project Not Found"}),
        ),
        (
            "projects/no%2Fsuch/merge_requests/12",
            json!({"message": "404 Project Not Found"}),
        ),
        (
            "projects/77/merge_requests/99/approvals",
            json!({"message": "404 Not found"}),
        ),
        ("projects/77/merge_requests/x", json!({"message": "404 Not found"})),
        ("groups/1/members", json!({"message": "404 Group Not Found"})),
        ("users/999", json!({"message": "404 User Not Found"})),
        ("projects/77/merge_requests/12/notes", json!({"error": "404 Not Found"})),
        ("projects/77", json!({"error": "404 Not Found"})),
    ] {
        let reply = get(&gitlab, path);
        assert_eq!((reply.status, reply.json()), (404, body), "{path}");
    }
    assert_eq!(
        send(&gitlab.url(), "POST", "/api/v4/users/501", &[TOKEN], "").status,
        405
    );
}

#[tokio::test]
async fn former_path_redirects_to_the_project_id() {
    let gitlab = with_merge_request().await;
    gitlab
        .patch(json!({"projects": {"77": {"previous_paths": ["old/gateway"]}}}))
        .unwrap();
    let reply = get(&gitlab, "projects/old%2Fgateway/merge_requests/12/approvals?per_page=5");
    let location = format!(
        "{}/api/v4/projects/77/merge_requests/12/approvals?per_page=5",
        gitlab.url()
    );
    assert_eq!((reply.status, reply.header("location")), (301, Some(location.as_str())));
    assert_eq!(
        reply.body,
        format!("This resource has been moved permanently to {location}")
    );
    let target = location.strip_prefix(&gitlab.url()).unwrap();
    assert_eq!(send(&gitlab.url(), "GET", target, &[TOKEN], "").status, 200);
}

#[tokio::test]
async fn rate_limit_is_plain_text_with_retry_after() {
    let gitlab = start().await;
    gitlab.world(|world| {
        world.rate_limited = Some(RateLimited {
            retry_after: 7,
            times: Some(1),
        });
    });
    let refused = get(&gitlab, "users/501");
    assert_eq!((refused.status, refused.body.trim()), (429, "Retry later"));
    assert_eq!(
        (refused.header("retry-after"), refused.header("content-type")),
        (Some("7"), Some("text/plain"))
    );
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert!(refused.header("ratelimit-resettime").unwrap().ends_with(" GMT"));
    let served = get(&gitlab, "users/501");
    assert_eq!((served.status, served.header("retry-after")), (200, None));
    for name in ["limit", "name", "observed", "remaining", "reset"] {
        assert!(served.header(&format!("ratelimit-{name}")).is_some(), "{name}");
    }
}
