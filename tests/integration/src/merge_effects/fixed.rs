//! Problems that need manual intervention, and what happens after the fix.

use std::time::Duration;

use crate::env::TestEnv;
use crate::local_stack::eventually;
use doubles::{Fault, Stub};
use serde_json::json;

use super::env::{KINDS, secret};
use crate::outbox::message;

/// The rules of a deployment without Linear, Jira and Confluence.
const OLD_RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules.yaml");

#[tokio::test]
async fn missing_credential_is_reported_and_other_targets_continue() {
    let env = TestEnv::with_connectors().await;
    let mut without = secret();
    without.as_object_mut().unwrap().remove("linear");
    without["jira"] = json!({"user": "wrong form"});
    without["confluence"] = json!({"email": "a@b.example", "api_token": "line\nbreak"});
    env.put_outbound_secret(without);
    let effects = env.approved(1).await;
    let notifier = env.function("notifier").await;
    assert_eq!(
        env.attempt(&notifier, &effects["slack_pod_confirmation"]).await.state,
        "done"
    );
    for (kind, reason) in [
        ("linear_issue", "`linear` is missing (see docs/reference/connectors.md)"),
        ("jira_issue", "`jira` is malformed (see docs/reference/connectors.md)"),
    ] {
        let row = env.until_ended(&notifier, &effects[kind]).await;
        assert_eq!(
            (row.state.as_str(), row.error_class.as_deref(), row.attempts),
            ("dead", Some("auth_failure"), 4),
            "{kind}"
        );
        assert!(row.reason.as_ref().unwrap().contains(reason), "{row:?}");
    }
    assert_eq!(env.linear().requests(), []);
}

#[tokio::test]
async fn a_target_that_is_down_delays_no_other() {
    let env = TestEnv::with_connectors().await;
    for (double, path) in [("linear", "/graphql"), ("jira", "/rest/api/2/issue/PAY-7")] {
        let down = Stub::answering(if double == "linear" { "POST" } else { "GET" }, path, 503, "down");
        match double {
            "linear" => env.linear().stub(down).unwrap(),
            _ => env.jira().stub(down).unwrap(),
        }
    }
    let effects = env.approved(1).await;
    let notifier = env.function("notifier").await;
    let rows: Vec<_> = futures::future::join_all(KINDS.map(|kind| env.attempt(&notifier, &effects[kind]))).await;
    let states: Vec<_> = rows
        .iter()
        .map(|row| (row.state.as_str(), row.error_class.as_deref()))
        .collect();
    assert_eq!(
        states,
        [
            ("done", None),
            ("pending", Some("server_error")),
            ("pending", Some("server_error")),
            ("done", None)
        ],
        "Confluence and Slack are done"
    );
    env.linear().clear_stubs();
    env.jira().clear_stubs();
    for kind in KINDS {
        let row = env.until_ended(&notifier, &effects[kind]).await;
        assert_eq!(row.state, "done", "{kind}");
    }
    assert_eq!(env.linear().issue("ENG-123").unwrap().comments.len(), 1);
}

#[tokio::test]
async fn hanging_target_delays_no_other_in_its_batch() {
    let env = TestEnv::with_connectors().await;
    env.linear()
        .stub(Stub::failing("POST", "/graphql", Fault::Hang))
        .unwrap();
    let effects = env.approved(1).await;
    let notifier = env.function("notifier").await;
    let records: Vec<_> = ["linear_issue", "jira_issue", "confluence_row", "slack_pod_confirmation"]
        .iter()
        .map(|kind| message(&effects[kind], 0)["Records"][0].clone())
        .collect();
    let batch = notifier.invoke(json!({"Records": records}));
    let others = eventually(Duration::from_secs(9), "the others to be done", async || {
        for kind in ["jira_issue", "confluence_row", "slack_pod_confirmation"] {
            if env.effect_row(effects[kind].id).await.state != "done" {
                return None;
            }
        }
        Some(env.effect_row(effects["linear_issue"].id).await.state)
    });
    tokio::select! {
        answer = batch => panic!("Linear was not waited for: {answer}"),
        linear = others => assert_eq!(linear, "leased"),
    }
}

#[tokio::test]
async fn effect_waits_until_rules_name_its_target() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let old = env.function_with("notifier", &[("RULES_PATH", OLD_RULES)]).await;
    let row = env.attempt(&old, &effects["linear_issue"]).await;
    assert_eq!(
        (row.state.as_str(), row.reason.as_deref()),
        ("ambiguous", Some("the rules do not name Linear"))
    );
    let new = env.function("notifier").await;
    assert_eq!(env.until_ended(&new, &effects["linear_issue"]).await.state, "done");
    let row = env.until_ended(&old, &effects["jira_issue"]).await;
    assert_eq!((row.state.as_str(), row.attempts), ("dead", 4));
}

#[tokio::test]
async fn closed_slack_channel_ends_only_its_own_effect() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let path = "/api/chat.postMessage";
    let archived = Stub::answering("POST", path, 200, json!({"ok": false, "error": "is_archived"}));
    env.slack().stub(archived).unwrap();
    let notifier = env.function("notifier").await;
    let row = env.attempt(&notifier, &effects["slack_pod_confirmation"]).await;
    assert_eq!(
        (row.state.as_str(), row.reason.as_deref()),
        ("dead", Some("Slack answered is_archived"))
    );
    assert_eq!(env.attempt(&notifier, &effects["linear_issue"]).await.state, "done");
}

#[tokio::test]
async fn dry_run_changes_nothing_and_finds_existing_row() {
    let env = TestEnv::with_connectors().await;
    let (first, second) = (env.approved(1).await, env.approved(2).await);
    let live = env.function("notifier").await;
    // The row was written, but the answer was lost.
    let lost = Fault::PostThenReset;
    env.confluence()
        .stub(Stub::failing("POST", "/wiki/api/v2/pages", lost).times(1))
        .unwrap();
    assert_eq!(env.attempt(&live, &first["confluence_row"]).await.state, "ambiguous");

    let dry = env.function_with("notifier", &[("DRY_RUN", "true")]).await;
    env.make_due(first["confluence_row"].id).await;
    assert_eq!(
        env.attempt(&dry, &first["confluence_row"]).await.state,
        "done",
        "the row exists"
    );
    for kind in KINDS {
        assert_eq!(env.attempt(&dry, &second[kind]).await.state, "suppressed", "{kind}");
    }
    assert_eq!((env.confluence_rows(), env.confirmations().len()), (1, 0));
    assert_eq!(env.linear().requests(), []);
}
