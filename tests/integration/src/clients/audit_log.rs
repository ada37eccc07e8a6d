//! The audit entries of one call, and what it sends to the other side.

use std::time::Duration;

use doubles::{Fault, Stub};
use serde_json::json;

use super::env::{GITLAB_TOKEN, GitLabEnv, TRACEPARENT, context, key, path};

#[tokio::test]
async fn call_dropped_by_its_caller_still_leaves_entry() {
    let env = GitLabEnv::with(&Stub::failing("GET", &path("/resource_label_events"), Fault::Hang)).await;
    let (context, key) = (context(), key());
    {
        let call = std::pin::pin!(env.client.label_events(&context, &key));
        let seen = std::pin::pin!(
            env.double
                .wait_for(Duration::from_secs(10), |requests| !requests.is_empty())
        );
        // As soon as the request has arrived, the call is dropped.
        match futures::future::select(seen, call).await {
            futures::future::Either::Left((seen, _call)) => assert!(seen.is_ok()),
            futures::future::Either::Right(_) => panic!("a hanging call ended"),
        }
    }
    let entries = env.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["error"], "timeout");
    assert_eq!(entries[0]["details"]["cancelled"], true);
}

/// The request has the trace context; the entry has no query string.
#[tokio::test]
async fn success_entry_is_complete_without_query() {
    let env = GitLabEnv::open().await;
    let events = env.client.label_events(&context(), &key()).await.unwrap();
    assert_eq!(events.known().map(Vec::len), Some(1));
    let entry = env.entries().remove(0);
    assert_eq!(entry["action"], "gitlab.api.get_mr_label_events");
    assert_eq!(
        entry["target"],
        json!({"resource_type": "merge_request", "instance": "main", "project_id": 77, "mr_iid": 12})
    );
    assert_eq!((&entry["outcome"], &entry["error"]), (&json!("success"), &json!(null)));
    assert_eq!(entry["correlation_id"], json!(context().correlation_id));
    assert_eq!(entry["details"]["http_status"], 200);
    assert!(entry["details"]["bytes"].as_u64().unwrap() > 0 && entry["duration_ms"].as_f64().unwrap() > 0.0);
    assert!(!entry.to_string().contains("per_page"));
    let request = env.double.requests().remove(0);
    assert_eq!(request.headers["traceparent"], TRACEPARENT);
    assert_eq!(request.headers["private-token"], GITLAB_TOKEN);
    assert_eq!(
        request.headers["user-agent"],
        concat!("countersign/", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn a_malformed_trace_is_not_passed_on() {
    let env = GitLabEnv::open().await;
    for traceparent in [
        "",
        "x",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-\n-",
    ] {
        let context = context().with_traceparent(Some(traceparent.to_owned()));
        env.client.label_events(&context, &key()).await.unwrap();
    }
    assert!(
        env.double
            .requests()
            .iter()
            .all(|request| !request.headers.contains_key("traceparent"))
    );
}
