//! The Runtime API as a function's process sees it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::RuntimeApi;
use crate::loopback::{Reply, send};

const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the function on a separate thread: one poll, then one POST to the path that `answer` returns for the request id.
fn play(
    api: &RuntimeApi,
    body: &'static str,
    path: impl Fn(&str) -> String + Send + 'static,
) -> std::thread::JoinHandle<(Reply, Reply)> {
    let base = format!("http://{}", api.url_host_port());
    std::thread::spawn(move || {
        let polled = send(&base, "GET", "/2018-06-01/runtime/invocation/next", &[], "");
        let path = path(polled.header("lambda-runtime-aws-request-id").unwrap_or_default());
        let accepted = send(&base, "POST", &path, &[], body);
        (polled, accepted)
    })
}

#[tokio::test]
async fn invocation_is_polled_and_its_response_returned() {
    let api = RuntimeApi::start().await;
    let function = play(&api, r#"{"batchItemFailures":[]}"#, |id| {
        format!("/2018-06-01/runtime/invocation/{id}/response")
    });
    let outcome = api.invoke(json!({"Records": []})).await;
    let (polled, accepted) = function.join().unwrap();
    assert_eq!(outcome, Ok(json!({"batchItemFailures": []})));
    assert_eq!(polled.json(), json!({"Records": []}));
    assert_eq!(accepted.status, 202);
    let deadline: i64 = polled.header("lambda-runtime-deadline-ms").unwrap().parse().unwrap();
    assert!(deadline > 1_700_000_000_000, "{deadline} is not a time in milliseconds");
    assert!(
        polled
            .header("lambda-runtime-invoked-function-arn")
            .unwrap()
            .starts_with("arn:aws:lambda:")
    );
    assert!(polled.header("lambda-runtime-trace-id").unwrap().starts_with("Root=1-"));
}

#[tokio::test]
async fn handler_error_is_the_invocation_error() {
    let api = RuntimeApi::start().await;
    let body = r#"{"errorType":"Retryable","errorMessage":"the database is down"}"#;
    let function = play(&api, body, |id| format!("/2018-06-01/runtime/invocation/{id}/error"));
    let error = api.invoke(json!({})).await.unwrap_err();
    function.join().unwrap();
    assert_eq!(error["errorMessage"], "the database is down");
}

#[tokio::test]
async fn start_error_fails_invocations_before_and_after() {
    let api = RuntimeApi::start().await;
    let base = format!("http://{}", api.url_host_port());
    let function = std::thread::spawn(move || {
        let body = r#"{"errorType":"Config","errorMessage":"RULES_PATH is not set"}"#;
        send(&base, "POST", "/2018-06-01/runtime/init/error", &[], body)
    });
    let before = api.invoke(json!({})).await.unwrap_err();
    assert_eq!(function.join().unwrap().status, 202);
    assert_eq!(before["errorType"], "Config");
    assert_eq!(api.invoke(json!({})).await.unwrap_err()["errorType"], "Config");
    assert_eq!(
        api.wait_for_first_poll(PATIENCE).await.unwrap_err()["errorType"],
        "Config"
    );
}

#[tokio::test]
async fn only_the_first_poll_is_timed() {
    let api = RuntimeApi::start().await;
    assert_eq!(api.first_poll(), None);
    let started = Instant::now();
    let function = play(&api, "1", |id| format!("/2018-06-01/runtime/invocation/{id}/response"));
    let first = api.wait_for_first_poll(PATIENCE).await.unwrap();
    assert!(first >= started);
    api.invoke(Value::Null).await.unwrap();
    function.join().unwrap();
    let function = play(&api, "2", |id| format!("/2018-06-01/runtime/invocation/{id}/response"));
    api.invoke(Value::Null).await.unwrap();
    function.join().unwrap();
    assert_eq!(api.first_poll(), Some(first));
}

#[tokio::test]
async fn a_function_that_never_answers_times_out() {
    let api = RuntimeApi::with_timeout(Duration::from_millis(50)).await;
    assert_eq!(
        api.invoke(json!({})).await.unwrap_err()["errorType"],
        "Sandbox.Timedout"
    );
}

#[tokio::test]
async fn a_response_to_an_unknown_invocation_is_refused() {
    let api = RuntimeApi::start().await;
    let base = format!("http://{}", api.url_host_port());
    let reply = send(&base, "POST", "/2018-06-01/runtime/invocation/none/response", &[], "{}");
    assert_eq!(
        (reply.status, reply.json()["errorType"].clone()),
        (400, json!("InvalidRequestID"))
    );
}
