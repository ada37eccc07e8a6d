//! No token appears in any output, regardless of what the other side sends.

use clients::InvalidAddress;
use clients::gitlab::GitLab;
use clients::slack::Slack;
use doubles::{Fault, Stub};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use super::env::{GITLAB_TOKEN, GitLabEnv, SLACK_TOKEN, SlackEnv, context, http, options};
use super::slack_post::{EFFECT, alert};

/// The worst answers of a target, including one that returns the token.
fn worst(path: &str, token: &str) -> Vec<Stub> {
    let mut stubs = Vec::new();
    for status in [200, 301, 400, 401, 403, 404, 409, 429, 500, 503] {
        stubs.push(Stub::answering(
            "GET",
            path,
            status,
            json!({"message": token, "ok": false, "error": token}),
        ));
        stubs.push(Stub::answering(
            "GET",
            path,
            status,
            json!([{"id": token, "state": token}]),
        ));
        stubs.push(
            Stub::answering("GET", path, status, token).header("location", format!("https://{token}.example/{token}")),
        );
        stubs.push(
            Stub::answering("GET", path, status, "[]")
                .header("link", format!("<https://{token}.example>; rel=\"next\"")),
        );
        stubs.push(
            Stub::answering("GET", path, status, "[]")
                .header("x-next-page", token)
                .header("retry-after", token),
        );
    }
    stubs.extend([Fault::Reset, Fault::Half, Fault::PostThenReset].map(|fault| Stub::failing("GET", path, fault)));
    stubs.into_iter().map(|stub| Stub { method: None, ..stub }).collect()
}

#[tokio::test]
async fn gitlab_token_appears_in_no_output() {
    let env = GitLabEnv::open().await;
    for path in ["", "/approvals", "/resource_label_events", "/versions"].map(super::env::path) {
        for stub in worst(&path, GITLAB_TOKEN) {
            env.double.clear_stubs();
            env.double.stub(stub.clone()).unwrap();
            let facts = env.facts().await;
            let shown = match &facts {
                // A title or a name from GitLab is passed on; the worst cases put no token into them.
                model::GitLabAnswer::Full(answer) => format!("{:?} {:?}", answer.label_events, answer.versions),
                other => format!("{other:?}"),
            };
            assert!(!shown.contains("TopSecret"), "{stub:?}: {shown}");
        }
    }
    let lines = serde_json::Value::from(env.entries()).to_string();
    assert!(lines.len() > 10_000 && !lines.contains("TopSecret"));
    assert!(!format!("{:?}", env.client).contains("TopSecret"));
}

#[tokio::test]
async fn slack_token_appears_in_no_output() {
    let env = SlackEnv::open().await;
    let stubs = ["/api/chat.postMessage", "/api/conversations.history"].map(|path| worst(path, SLACK_TOKEN));
    for stub in stubs.concat() {
        env.double.clear_stubs();
        env.double.stub(stub.clone()).unwrap();
        let posted = env.client.post_message(&context(), &alert("C0SECLEAD", EFFECT)).await;
        let found = env
            .client
            .find_message(&context(), "C0SECLEAD", EFFECT, Timestamp::UNIX_EPOCH)
            .await;
        for error in [posted.err(), found.err()].into_iter().flatten() {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("TopSecret"), "{stub:?}: {shown}");
        }
    }
    let lines = serde_json::Value::from(env.entries()).to_string();
    assert!(lines.len() > 10_000 && !lines.contains("TopSecret"));
    assert!(!format!("{:?}", env.client).contains("TopSecret"));
}

#[test]
fn token_invalid_in_a_header_is_rejected_immediately() {
    let (http, _lines) = http(&options());
    let token = || SecretString::from("glpat-with-a-line-break\n");
    assert_eq!(
        GitLab::new(http.clone(), "https://gitlab.example.com", token()).unwrap_err(),
        InvalidAddress::Token
    );
    assert_eq!(
        Slack::new(http, "https://slack.com", token()).unwrap_err(),
        InvalidAddress::Token
    );
}
