//! `countersign effects` and `countersign evidence`: applied effects, retries, and the evidence of a decision.

use doubles::Stub;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::env::{KINDS, secret};
use crate::env::TestEnv;
use crate::outbox::relay;
use crate::program::countersign;

fn decode_text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The effects that the command lists.
fn listed(env: &TestEnv, words: &[&str]) -> Vec<Value> {
    let output = env.countersign(&[&["effects"], words, &["--format", "json"]].concat());
    let lines = decode_text(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn effects_are_listed_by_each_filter() {
    let env = TestEnv::with_connectors().await;
    env.gitlab()
        .patch(json!({"projects": {"77": {"path_with_namespace": "payments/gateway"}}}))
        .unwrap();
    let effects = env.approved(1).await;
    env.unapproved(2).await;
    let notifier = env.function("notifier").await;
    env.attempt(&notifier, &effects["linear_issue"]).await;
    // 1. Each filter, and filters together.
    for (words, expected) in [
        (&[][..], 9),
        (&["--merge-request", "77!1"], 4),
        (&["--merge-request", "main/77!2"], 5),
        (&["--merge-request", "payments/gateway!1"], 4),
        (&["--kind", "jira_issue"], 2),
        (&["--state", "done"], 1),
        (&["--state", "done,pending"], 9),
        (&["--state", "dead"], 0),
        (&["--project", "payments/"], 9),
        (&["--project", "platform/"], 0),
        (&["--merge-request", "77!404"], 0),
    ] {
        assert_eq!(listed(&env, words).len(), expected, "{words:?}");
    }
    // 2. A row as JSON, and the same in a table.
    let row = &listed(&env, &["--state", "done"])[0];
    assert_eq!(
        (&row["kind"], &row["external_id"], &row["attempts"]),
        (&json!("linear_issue"), &json!("ENG-123"), &json!(1))
    );
    let table = decode_text(&env.countersign(&["effects", "--state", "done"]).stdout);
    for part in [
        "MERGE REQUEST",
        "payments/gateway!1",
        "linear_issue",
        "done",
        "ENG-123",
        row["id"].as_str().unwrap(),
    ] {
        assert!(table.contains(part), "{part} is missing in {table}");
    }
    // 3. Exit codes.
    for (words, code) in [
        (&["effects", "--state", "dead"][..], 1),
        (&["effects", "--state", "lost"], 2),
        (&["effects", "--kind", "fax"], 2),
    ] {
        assert_eq!(env.countersign(words).status.code(), Some(code), "{words:?}");
    }
}

#[tokio::test]
async fn dead_effect_is_queued_and_resolved_before_repeating() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    env.linear()
        .world(|world| world.token = Some("lin_api_other".to_owned()));
    let owner = &env.database().owner_url;
    let notifier = env.function("notifier").await;
    let effect = &effects["linear_issue"];
    let id = effect.id.to_string();
    assert_eq!(env.until_ended(&notifier, effect).await.state, "dead");
    env.linear()
        .world(|world| world.token = Some("lin_api_test".to_owned()));

    // 1. A dry run changes nothing, and an auditor may not retry.
    let listed = countersign(owner, &["effects", "retry", "--state", "dead", "--dry-run"]);
    assert!(decode_text(&listed.stdout).contains("would be queued"), "{listed:?}");
    let rejected = env.countersign(&["effects", "retry", &id]);
    assert_eq!(rejected.status.code(), Some(3), "{rejected:?}");
    assert_eq!(env.effect_row(effect.id).await.state, "dead");

    // 2. The owner queues it again, with a note.
    let note = "the key was rotated";
    let words = [
        "effects",
        "retry",
        "--state",
        "dead",
        "--kind",
        "linear_issue",
        "--note",
        note,
    ];
    let queued = countersign(owner, &words);
    assert_eq!(queued.status.code(), Some(0), "{queued:?}");
    assert!(
        decode_text(&queued.stdout).contains("linear_issue linear group/project-77!1: queued again"),
        "{queued:?}"
    );
    assert_eq!(env.effect_row(effect.id).await.state, "ambiguous");
    let sql = "SELECT state_before || ' ' || attempts || ' ' || note || ' ' || (login = 'other') FROM effect_requeues";
    let kept: String = env.value(sql).await;
    assert_eq!(kept, "dead 4 the key was rotated false");

    // 3. It is enqueued once, and its target is checked first. Other effects are also due: only this one has four attempts.
    let maintenance = env.function("maintenance").await;
    maintenance.invoke(relay()).await;
    let sent = env
        .aws()
        .messages()
        .into_iter()
        .filter(|message| message.body.contains(&id))
        .count();
    assert_eq!(sent, 1);
    assert_eq!(env.attempt(&notifier, effect).await.state, "done");
    assert_eq!(env.linear().issue("ENG-123").unwrap().comments.len(), 1);
    assert_retries_are_rejected(owner, &id);
}

/// A done or unknown effect is not queued, and a retry needs ids or a state that can be queued.
fn assert_retries_are_rejected(owner: &str, done: &str) {
    for (words, expected) in [
        (vec!["effects", "retry", done], "skipped: already done"),
        (
            vec!["effects", "retry", "0195a000-0000-7000-8000-000000000000"],
            "unknown effect",
        ),
    ] {
        let output = countersign(owner, &words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(decode_text(&output.stdout).contains(expected), "{output:?}");
    }
    for words in [
        &["effects", "retry"][..],
        &["effects", "retry", "--state", "done"],
        &["effects", "retry", "--kind", "jira_issue"],
    ] {
        assert_eq!(countersign(owner, words).status.code(), Some(2), "{words:?}");
    }
}

#[tokio::test]
async fn retry_finds_message_posted_before_the_effect_died() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let effect = &effects["slack_pod_confirmation"];
    let notifier = env.function("notifier").await;
    let (post, history) = ("/api/chat.postMessage", "/api/conversations.history");
    let lost = doubles::Fault::PostThenReset;
    env.slack().stub(Stub::failing("POST", post, lost).times(1)).unwrap();
    let hidden = json!({"ok": false, "error": "missing_scope"});
    env.slack().stub(Stub::answering("GET", history, 200, hidden)).unwrap();
    assert_eq!(env.until_ended(&notifier, effect).await.state, "dead");
    env.slack().clear_stubs();
    let owner = &env.database().owner_url;
    countersign(owner, &["effects", "retry", &effect.id.to_string()]);
    assert_eq!(env.attempt(&notifier, effect).await.state, "done");
    assert_eq!(env.confirmations().len(), 1);
}

#[tokio::test]
async fn effects_suppressed_by_dry_run_can_be_retried() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let dry = env.function_with("notifier", &[("DRY_RUN", "true")]).await;
    for kind in KINDS {
        env.attempt(&dry, &effects[kind]).await;
    }
    let owner = &env.database().owner_url;
    let queued = countersign(owner, &["effects", "retry", "--state", "suppressed"]);
    assert!(
        decode_text(&queued.stderr).contains("4 effects queued again"),
        "{queued:?}"
    );
    let live = env.function("notifier").await;
    for kind in KINDS {
        assert_eq!(env.attempt(&live, &effects[kind]).await.state, "done", "{kind}");
    }
    assert_eq!(
        (listed(&env, &["--state", "done"]).len(), env.confirmations().len()),
        (4, 1)
    );
}

#[tokio::test]
async fn evidence_is_printed_exactly_and_forgery_is_detected() {
    let env = TestEnv::with_connectors().await;
    env.put_outbound_secret(secret());
    env.approved(1).await;
    let output = env.countersign(&["evidence", "77!1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let digest = Sha256::digest(&output.stdout)
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert!(
        decode_text(&output.stderr).contains(&format!("sha256:{digest}")),
        "{output:?}"
    );
    assert_eq!(env.countersign(&["evidence", "77!404"]).status.code(), Some(1));
    assert_eq!(env.countersign(&["replay", "--verify"]).status.code(), Some(0));
    let explained = decode_text(&env.countersign(&["explain", "77!1"]).stdout);
    assert!(explained.contains(&format!("sha256:{digest}")), "{explained}");

    // A database with a malicious owner: another record under its own correct digest.
    let owner = env.owner().await;
    let forge = "
        ALTER TABLE review_evidence DISABLE TRIGGER USER;
        ALTER TABLE security_review_decisions DISABLE TRIGGER USER;
        ALTER TABLE security_review_ledger DISABLE TRIGGER USER;
        ALTER TABLE security_review_ledger DROP CONSTRAINT security_review_ledger_evidence;
        ALTER TABLE security_review_decisions DROP CONSTRAINT security_review_decisions_evidence;
        UPDATE review_evidence SET content = replace(content, 'sec-alice', 'sec-mallory'),
            sha256 = encode(sha256(convert_to(replace(content, 'sec-alice', 'sec-mallory'), 'UTF8')), 'hex');
        UPDATE security_review_decisions SET evidence_sha256 = (SELECT sha256 FROM review_evidence);";
    owner.batch_execute(forge).await.unwrap();
    let output = env.countersign(&["evidence", "77!1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        decode_text(&output.stderr).contains("MISMATCH: the evidence"),
        "{output:?}"
    );
    let replayed = env.countersign(&["replay", "--verify"]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(
        decode_text(&replayed.stdout).contains("evidence does not match the decision"),
        "{replayed:?}"
    );
    let take_away = "
        ALTER TABLE security_review_decisions DROP CONSTRAINT security_review_decisions_evidence_kept;
        UPDATE security_review_decisions SET evidence_id = NULL, evidence_sha256 = NULL;";
    owner.batch_execute(take_away).await.unwrap();
    let replayed = env.countersign(&["replay", "--verify"]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(decode_text(&replayed.stdout).contains("no evidence"), "{replayed:?}");
}
