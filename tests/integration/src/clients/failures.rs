//! Every failure of one reading call: its class, the advice, and the audit lines.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use audit::FailureClass;
use clients::http::Options;
use clients::{Advice, gitlab::GitLab};
use doubles::{Fault, Stub};
use model::Reading;
use secrecy::SecretString;
use serde_json::json;

use super::env::{BODY_LIMIT, GITLAB_TOKEN, GitLabEnv, UNREACHABLE, context, group, http, key, options, path};

const MEMBERS: &str = "/api/v4/groups/4242/members";

fn retry(seconds: Option<u64>) -> Advice {
    Advice::Retry {
        after: seconds.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn each_refusal_has_its_class_and_its_advice() {
    let plain = |status: u16| Stub::answering("GET", MEMBERS, status, "Retry later\n");
    for (stub, class, advice) in [
        (plain(401), FailureClass::AuthFailure, Advice::Permanent),
        (plain(403), FailureClass::AuthFailure, Advice::Permanent),
        (plain(404), FailureClass::NotFound, Advice::Permanent),
        (plain(400), FailureClass::InvalidResponse, Advice::Permanent),
        (plain(302), FailureClass::InvalidResponse, Advice::Permanent),
        (plain(429), FailureClass::RateLimit, retry(None)),
        (
            plain(429).header("retry-after", 30),
            FailureClass::RateLimit,
            retry(Some(30)),
        ),
        (
            plain(429).header("retry-after", "Mon, 02 Mar 2026 12:00:50 GMT"),
            FailureClass::RateLimit,
            retry(Some(50)),
        ),
        (
            plain(429).header("ratelimit-reset", 1_772_452_820),
            FailureClass::RateLimit,
            retry(Some(20)),
        ),
        (
            plain(429).header("retry-after", 999_999),
            FailureClass::RateLimit,
            retry(Some(3600)),
        ),
        (plain(500), FailureClass::ServerError, retry(None)),
        (plain(502), FailureClass::ServerError, retry(None)),
        (
            plain(503).header("retry-after", 5),
            FailureClass::ServerError,
            retry(Some(5)),
        ),
    ] {
        let env = GitLabEnv::with(&stub).await;
        let status = stub.status;
        let error = env.client.members(&context(), "main", &group()).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice, error.http_status, error.sent),
            (class, advice, status, true),
            "{stub:?}"
        );
        let entries = env.entries();
        assert_eq!(entries.len(), 1, "a rejected request is not repeated");
        assert_eq!(entries[0]["outcome"], "failure");
        assert_eq!(entries[0]["error"], class.as_str());
        assert_eq!(entries[0]["details"]["http_status"], json!(status));
        assert_eq!(
            entries[0]["details"]["retry_after_s"],
            json!(advice.after().map(|after| after.as_secs()))
        );
    }
}

#[tokio::test]
async fn broken_exchange_has_its_class_and_is_retryable() {
    let huge = json!([{"id": 1, "username": "x".repeat(BODY_LIMIT)}]);
    let answering = |body: serde_json::Value| Stub::answering("GET", MEMBERS, 200, body);
    let failing = |fault| Stub::failing("GET", MEMBERS, fault);
    for (stub, class, requests) in [
        (failing(Fault::Hang), FailureClass::Timeout, 1),
        // A broken connection is retried once, and both attempts are in the audit log.
        (failing(Fault::Reset), FailureClass::NetworkError, 2),
        (failing(Fault::Half), FailureClass::NetworkError, 2),
        (answering("[{\"id\":1,".into()), FailureClass::InvalidResponse, 1),
        (answering("<html>".into()), FailureClass::InvalidResponse, 1),
        (answering("".into()), FailureClass::InvalidResponse, 1),
        (answering(json!({"message": "?"})), FailureClass::InvalidResponse, 1),
        (answering(json!([{"no": "id"}])), FailureClass::InvalidResponse, 1),
        (answering("[".repeat(50_000).into()), FailureClass::InvalidResponse, 1),
        (answering(huge), FailureClass::InvalidResponse, 1),
    ] {
        let env = GitLabEnv::with(&stub).await;
        let error = env.client.members(&context(), "main", &group()).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice, error.sent),
            (class, retry(None), true),
            "{stub:?}"
        );
        let entries = env.entries();
        assert_eq!(entries.len(), requests, "{stub:?}");
        assert!(
            entries.iter().all(|entry| entry["error"] == class.as_str()),
            "{entries:#?}"
        );
        assert_eq!(
            entries.last().unwrap()["details"]["attempt"],
            json!((requests > 1).then_some(requests))
        );
    }
}

#[tokio::test]
async fn endless_answer_is_cut_off_at_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stopped, server) = futures::channel::oneshot::channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut [0; 16]).unwrap();
        // There is no length, and the chunks never end; writing fails as soon as the client stops reading.
        socket
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while socket.write_all(chunk.as_bytes()).is_ok() {}
        stopped.send(()).unwrap();
    });
    let (http, lines) = http(&options());
    let client = GitLab::new(http, &address, SecretString::from(GITLAB_TOKEN)).unwrap();
    let error = client.members(&context(), "main", &group()).await.unwrap_err();
    assert_eq!(error.class, FailureClass::InvalidResponse);
    server.await.unwrap();
    assert!(lines.entries()[0]["details"]["bytes"].as_u64().unwrap() <= BODY_LIMIT as u64);
}

#[tokio::test]
async fn connection_broken_once_does_not_fail_the_call() {
    for fault in [Fault::Reset, Fault::Half] {
        let env = GitLabEnv::with(&Stub::failing("GET", MEMBERS, fault).times(1)).await;
        assert_eq!(env.client.members(&context(), "main", &group()).await.unwrap().len(), 2);
        let outcomes: Vec<_> = env.entries().iter().map(|entry| entry["outcome"].clone()).collect();
        assert_eq!(outcomes, ["failure", "success"]);
    }
}

#[tokio::test]
async fn refused_connection_means_request_was_not_sent() {
    let (http, lines) = http(&options());
    let client = GitLab::new(http, UNREACHABLE, SecretString::from(GITLAB_TOKEN)).unwrap();
    let error = client.members(&context(), "main", &group()).await.unwrap_err();
    assert_eq!(
        (error.class, error.advice, error.sent),
        (FailureClass::NetworkError, retry(None), false)
    );
    assert!(lines.entries().iter().all(|entry| entry["error"] == "network_error"));
}

#[tokio::test]
async fn withheld_label_events_are_unknown_without_error() {
    for status in [403, 404] {
        let env = GitLabEnv::with(&Stub::answering("GET", &path("/resource_label_events"), status, "no")).await;
        let events = env.client.label_events(&context(), &key()).await.unwrap();
        assert!(matches!(events, Reading::Unknown(_)), "{status}");
    }
}

#[test]
fn the_settings_by_default_are_bounded() {
    let options = Options::default();
    assert!(options.timeout <= Duration::from_secs(10) && options.connect_timeout < options.timeout);
    assert!(options.idle_timeout <= Duration::from_secs(10) && options.body_limit <= 10 * 1024 * 1024);
}
