//! Operator requests end to end: the command records one, the maintenance function executes it, the command shows its result.

use std::process::{Child, Command, Output, Stdio};

use doubles::Stub;
use doubles::payload::MergeRequest;
use doubles::postgres::config;
use model::{Clock as _, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::env::{ALICE, HIGH, PROJECT, TestEnv, key};
use crate::function::Function;
use crate::outbox::is_send_message;
use crate::program::built;

/// The environment, and merges that GitLab withholds at their deliveries.
async fn withheld(iids: &[u64]) -> (TestEnv, Vec<MergeRequest>) {
    let env = TestEnv::with_functions().await;
    let mut merges = Vec::new();
    for iid in iids {
        let mr = MergeRequest::new(PROJECT, *iid, HIGH);
        env.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        let path = format!("/api/v4/projects/{PROJECT}/merge_requests/{iid}");
        let denied = Stub::answering("GET", &path, 404, "not found");
        env.gitlab().stub(denied).unwrap();
        let report = env.deliver_merge(&mr).await;
        assert_eq!(report.outcome.as_str(), "exception");
        merges.push(mr);
    }
    (env, merges)
}

fn begin(url: &str, words: &[&str]) -> Child {
    let mut command = Command::new(built("countersign"));
    command.env("DATABASE_URL", url).args(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn run(url: &str, words: &[&str]) -> (Option<i32>, String, String) {
    ended(begin(url, words))
}

fn ended(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Runs a command that waits, and runs maintenance until the command has ended.
async fn executed(env: &TestEnv, maintenance: &Function, words: &[&str]) -> (Option<i32>, String, String) {
    let mut child = begin(&env.database().operator_url, words);
    while child.try_wait().unwrap().is_none() {
        maintenance.invoke(json!({"jobs": ["operator_requests"]})).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    ended(child)
}

/// The newest request.
async fn request(env: &TestEnv) -> Value {
    env.value("SELECT to_jsonb(request) FROM operator_requests AS request ORDER BY id DESC LIMIT 1")
        .await
}

#[tokio::test]
async fn reevaluate_confirms_a_decision_that_gitlab_withheld() {
    let (env, merges) = withheld(&[1]).await;
    let auditor = &env.database().auditor_url;
    let (code, listed, _) = run(auditor, &["unconfirmed", "--format", "json"]);
    let row: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(code, Some(0), "{listed}");
    assert_eq!((&row["state"], &row["mr_iid"]), (&json!("unconfirmed"), &json!(1)));
    assert!(row["age_seconds"].as_i64().unwrap() > 0);
    let (_, explained, _) = run(auditor, &["explain", "77!1"]);
    assert!(explained.contains("unconfirmed: a needed read"), "{explained}");

    env.gitlab().clear_stubs();
    let maintenance = env.function("maintenance").await;
    let (code, shown, progress) = executed(&env, &maintenance, &["reevaluate", "77!1"]).await;
    assert_eq!(code, Some(0), "{shown}{progress}");
    assert!(shown.starts_with("1 merge request read (1 approved)"), "{shown}");
    let decision = env.decision(&merges[0]).await.unwrap();
    assert!(decision.confirmed);
    let (code, _, _) = run(auditor, &["unconfirmed"]);
    assert_eq!(code, Some(1), "no unconfirmed decision is left");
    let (_, explained, _) = run(auditor, &["explain", "77!1"]);
    assert!(
        explained.contains("confirmed") && explained.contains("evaluator      version 2"),
        "{explained}"
    );

    let row = request(&env).await;
    assert_eq!(row["login"], config(&env.database().operator_url).user());
    let read = maintenance.entries("gitlab.api.get_mr_details", 1);
    assert_eq!(read[0]["actor"]["type"], "admin_action", "{read:#?}");
    assert_eq!(read[0]["correlation_id"], row["id"], "{read:#?}");

    let (code, shown, _) = executed(&env, &maintenance, &["reevaluate", "main/77!1"]).await;
    assert_eq!(code, Some(1), "a confirmed decision is final: {shown}");
    assert_eq!(run(&env.database().operator_url, &["reevaluate", "77!99"]).0, Some(1));
}

#[tokio::test]
async fn reevaluate_unconfirmed_reads_each_of_them() {
    let (env, merges) = withheld(&[1, 2, 3]).await;
    env.gitlab().clear_stubs();
    let maintenance = env.function("maintenance").await;
    let none = ["reevaluate", "--unconfirmed", "--since", "2026-04-01"];
    assert_eq!(executed(&env, &maintenance, &none).await.0, Some(1));
    let (code, shown, progress) = executed(&env, &maintenance, &["reevaluate", "--unconfirmed"]).await;
    assert_eq!(code, Some(0), "{shown}{progress}");
    assert!(shown.starts_with("3 merge requests read (3 approved)"), "{shown}");
    for mr in &merges {
        assert!(env.decision(mr).await.unwrap().confirmed);
    }
}

#[tokio::test]
async fn a_later_run_continues_where_one_stopped() {
    let (env, merges) = withheld(&[1, 2]).await;
    env.gitlab().clear_stubs();
    let operator = &env.database().operator_url;
    let (code, _, stderr) = run(operator, &["reevaluate", "--unconfirmed", "--no-wait"]);
    assert_eq!(code, Some(0), "{stderr}");
    let store = env.database().store();
    let now = SystemClock.now();
    let claimed = store
        .claim_operator_request(&["reevaluate"], now)
        .await
        .unwrap()
        .unwrap();
    let progress =
        json!({"read": 1, "outcomes": {"approved": 1}, "after": key(&merges[0]), "waits": "the next run continues"});
    assert!(
        store
            .put_operator_request_back(&claimed, Some(&progress))
            .await
            .unwrap()
    );
    let maintenance = env.function("maintenance").await;
    maintenance.invoke(json!({"jobs": ["operator_requests"]})).await;
    let finished = request(&env).await;
    assert_eq!(finished["result"]["outcomes"], json!({"approved": 2}), "{finished}");
    assert!(finished["result"]["waits"].is_null(), "{finished}");
    let confirmed = async |mr| env.decision(mr).await.unwrap().confirmed;
    assert_eq!(
        (confirmed(&merges[0]).await, confirmed(&merges[1]).await),
        (false, true)
    );
}

#[tokio::test]
async fn request_waits_for_the_next_minute_budget() {
    let (env, _) = withheld(&[1]).await;
    env.gitlab().clear_stubs();
    let sql = "INSERT INTO reread_budgets VALUES ('main', date_trunc('minute', now()) + interval '1 hour', 60)";
    env.as_owner(sql).await;
    let operator = &env.database().operator_url;
    let (code, _, stderr) = run(operator, &["reevaluate", "77!1", "--no-wait"]);
    assert_eq!(code, Some(0), "{stderr}");
    let maintenance = env.function("maintenance").await;
    let report = maintenance.invoke(json!({"jobs": ["operator_requests"]})).await;
    assert_eq!(
        (&report["operator_requests_finished"], &report["operator_requests_open"]),
        (&json!(0), &json!(1))
    );
    let waiting = request(&env).await;
    assert!(
        waiting["result"]["waits"].as_str().unwrap().contains("used up"),
        "{waiting}"
    );

    env.as_owner("DELETE FROM reread_budgets").await;
    let report = maintenance.invoke(json!({"jobs": ["operator_requests"]})).await;
    assert_eq!(report["operator_requests_finished"], 1);
    let finished = request(&env).await;
    assert_eq!(
        (&finished["exit_code"], &finished["result"]["read"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn a_login_without_the_role_learns_the_grant() {
    let (env, _) = withheld(&[1]).await;
    let auditor = &env.database().auditor_url;
    let (code, _, stderr) = run(auditor, &["reevaluate", "77!1"]);
    let grant = format!("GRANT countersign_operator TO {}", config(auditor).user());
    assert_eq!(code, Some(3));
    assert!(stderr.contains(&grant), "{stderr}");
    for words in [
        &["reevaluate"][..],
        &["reevaluate", "77!1", "--unconfirmed"],
        &["reevaluate", "77!1", "--since", "1h"],
        &["unconfirmed", "--since", "soon"],
    ] {
        assert_eq!(run(auditor, words).0, Some(2), "{words:?}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_executed_says_why() {
    let env = TestEnv::with_functions().await;
    let maintenance = env.function("maintenance").await;
    let operator = store::Store::new(config(&env.database().operator_url)).unwrap();
    let now = SystemClock.now();
    let long_ago = now - jiff::SignedDuration::from_hours(2);
    let key = json!(key(&MergeRequest::new(PROJECT, 1, HIGH)));
    let record = async |command: &str, arguments: Value, at| -> Uuid {
        operator.record_operator_request(command, &arguments, at).await.unwrap()
    };
    let newer = record("reconcile", json!({}), now).await;
    let forgotten = record("reconcile", json!({}), long_ago).await;
    let strange = record("reevaluate", json!({"merge_request": key, "deep": true}), now).await;
    let both = record("reevaluate", json!({"merge_request": key, "unconfirmed": true}), now).await;
    let report = maintenance.invoke(json!({"jobs": ["operator_requests"]})).await;
    assert_eq!(report["operator_requests_finished"], 3);
    assert_eq!(
        operator.operator_request(newer).await.unwrap().unwrap().started_at,
        None
    );
    for (id, reason) in [
        (forgotten, "unknown command reconcile"),
        (strange, "cannot parse the arguments"),
        (both, "either one merge request or all"),
    ] {
        let request = operator.operator_request(id).await.unwrap().unwrap();
        assert_eq!(request.exit_code, Some(2));
        let given = request.result.unwrap()["reason"].to_string();
        assert!(given.contains(reason), "{given}");
    }
}

#[tokio::test]
async fn failed_job_does_not_stop_the_next() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    env.make_due(effect.id).await;
    // The application's secret with the owner's login: migrations are rejected.
    let app = env.aws().secret("app", "AWSCURRENT").unwrap();
    let maintenance = env.function("maintenance").await;
    maintenance.invoke(json!({"jobs": ["audit_partitions"]})).await;
    let owner = env.aws().secret("owner", "AWSCURRENT").unwrap();
    env.aws().put_secret("app", "AWSCURRENT", owner);
    let failed = maintenance
        .fails(json!({"jobs": ["migrate", "of_a_newer_version", "relay_effects"]}))
        .await;
    assert!(failed.contains("separate login"), "{failed}");
    assert!(env.aws().requests().iter().any(is_send_message), "the relay ran");
    env.aws().put_secret("app", "AWSCURRENT", app);
    let report = maintenance.invoke(json!({"jobs": ["of_a_newer_version"]})).await;
    assert_eq!(report["effects_enqueued"], 0);
}
