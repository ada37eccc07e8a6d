//! The operator's command on decided reviews: lists, figures, explanations, and recomputed decisions.

use std::process::{Command, Output};

use doubles::payload::MergeRequest;
use serde_json::Value;

use super::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at};
use crate::program::built;

/// The local stack's rules, with other targets.
fn rules() -> String {
    let rules = include_str!("../rules.yaml");
    let targets = "targets: { critical: 4h, high: 1d, standard: 3d, low: 5d }";
    assert!(rules.contains(targets));
    rules.replace(targets, "targets: { high: 4h, critical: 1h }")
}

impl World {
    pub(super) fn countersign(&self, words: &[&str]) -> Output {
        let mut command = Command::new(built("countersign"));
        command.env("DATABASE_URL", &self.database.auditor_url);
        command.args(words).output().unwrap()
    }

    fn stdout_of(&self, words: &[&str]) -> String {
        let output = self.countersign(words);
        let (stdout, stderr) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(output.status.success(), "{words:?}: {stderr}{stdout}");
        stdout
    }

    fn rows(&self, words: &[&str]) -> Vec<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        self.stdout_of(&words)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// One approved, one merged without approval, one critical and approved after its target, one still open.
async fn world() -> World {
    let world = World::with_rules(&rules()).await;
    let labelled = |mr: &MergeRequest, with: &dyn Fn(&mut doubles::gitlab::MergeRequest)| {
        world.merged(mr, |shown| {
            shown.set("created_at", "2026-03-02T07:00:00.000Z");
            shown.label_event("add", &mr.labels[0], AUTHOR, "2026-03-02T08:00:00.000Z");
            with(shown);
        });
    };
    let approved = MergeRequest::new(PROJECT, 1, HIGH);
    labelled(&approved, &|shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        shown.set("state", "opened").set("merged_at", Value::Null);
    });
    world.deliver(&approved.event("approved", ALICE, at("10:00:00"))).await;
    world.gitlab.world(|world| {
        world
            .merge_request(approved.project, approved.iid)
            .merged(AUTHOR, "2026-03-02T12:00:00.000Z");
    });
    let exception = MergeRequest::new(PROJECT, 2, HIGH);
    labelled(&exception, &|_| ());
    let late = MergeRequest::new(PROJECT, 3, &["sec/critical"]);
    labelled(&late, &|shown| {
        shown.approved(ALICE, "2026-03-02T11:00:00.000Z");
    });
    for mr in [&approved, &exception, &late] {
        world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    }
    let open = MergeRequest::new(78, 4, HIGH);
    labelled(&open, &|shown| {
        shown.set("state", "opened").set("merged_at", Value::Null);
    });
    world.deliver(&open.event("update", AUTHOR, at("08:00:00"))).await;
    world
}

#[tokio::test]
async fn the_ledger_is_listed_by_each_filter() {
    let world = world().await;
    let iids = |words: &[&str]| {
        let mut iids: Vec<_> = world
            .rows(words)
            .iter()
            .map(|row| row["mr_iid"].as_i64().unwrap())
            .collect();
        iids.sort_unstable();
        iids
    };
    // 1. Each filter.
    let cases: [(&[&str], &[i64]); 9] = [
        (&["ledger"], &[1, 2, 3, 4]),
        (&["ledger", "--decision", "merged"], &[1, 3]),
        (&["ledger", "--decision", "open"], &[4]),
        (&["ledger", "--tier", "critical"], &[3]),
        (&["ledger", "--reviewer", "sec-alice"], &[1, 3]),
        (&["ledger", "--project", "78"], &[4]),
        (&["ledger", "--project", "group/project-7"], &[1, 2, 3, 4]),
        (
            &["ledger", "--since", "2026-03-02", "--until", "2026-03-02"],
            &[1, 2, 3],
        ),
        (&["exceptions", "--kind", "no_approval"], &[2]),
    ];
    for (words, expected) in cases {
        assert_eq!(iids(words), expected, "{words:?}");
    }
    // 2. Service level, exit codes and formats.
    let row = &world.rows(&["ledger", "--tier", "critical"])[0];
    assert_eq!(
        (&row["sla_met"], &row["sla_elapsed"], &row["time_to_approval"]),
        (&Value::from(false), &"03:00:00".into(), &"03:00:00".into())
    );
    for (words, code) in [
        (vec!["ledger", "--tier", "low"], 1),
        (vec!["ledger", "--decision", "maybe"], 2),
        (vec!["exceptions", "--status", "gone"], 2),
        (vec!["exceptions", "--since", "1h", "--until", "2h"], 2),
    ] {
        assert_eq!(world.countersign(&words).status.code(), Some(code), "{words:?}");
    }
    let table = world.stdout_of(&["ledger"]);
    assert!(
        table.contains("merged_without_approval") && table.contains("missed"),
        "{table}"
    );
    let csv = world.stdout_of(&["ledger", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 5, "{csv}");
}

#[tokio::test]
async fn stats_match_the_reviews() {
    let world = world().await;
    let figures: Value = serde_json::from_str(&world.stdout_of(&["stats", "--format", "json"])).unwrap();
    let high = figures["tiers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["tier"] == "high")
        .unwrap();
    assert_eq!(
        (&high["reviews"], &high["approved"], &high["without_approval"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(high["approval_rate_percent"].as_f64(), Some(50.0));
    assert_eq!(
        (high["approval_p50_s"].as_f64(), high["decision_p50_s"].as_f64()),
        (Some(7200.0), Some(14400.0))
    );
    assert_eq!(
        high["sla_adherence_percent"].as_f64(),
        Some(100.0),
        "two and four hours meet a target of four"
    );
    assert_eq!(figures["reviewers"][0]["reviewer"], "sec-alice");
    assert_eq!(figures["reviewers"][0]["sla_missed"], 1);
    assert_eq!(figures["exceptions"][0]["kind"], "no_approval");
    assert_eq!(figures["open"][0]["open"], 1);
    let csv = world.stdout_of(&["stats", "--format", "csv"]);
    assert!(csv.contains("tiers,high,approval_rate_percent,50.0"), "{csv}");
    assert!(csv.contains("exceptions,no_approval,exceptions,1"), "{csv}");
    let text = world.stdout_of(&["stats"]);
    assert!(
        text.contains("By tier") && text.contains("50.0 %") && text.contains("4 h 0 min"),
        "{text}"
    );
    assert_eq!(
        world.countersign(&["stats", "--project", "nowhere/"]).status.code(),
        Some(1)
    );
}

#[tokio::test]
async fn every_view_answers() {
    let world = world().await;
    let store = store::Store::new(doubles::postgres::config(&world.database.auditor_url)).unwrap();
    for (view, rows) in [
        ("security_review_volume", 2),
        ("security_review_approval_rate", 2),
        ("security_review_times", 2),
        ("security_review_sla", 3),
        ("security_review_open", 1),
        ("security_review_exception_counts", 1),
    ] {
        let found = store.view(view).await.unwrap();
        assert_eq!(found.len(), rows, "{view}: {found:#?}");
    }
    let times = store.view("security_review_times").await.unwrap();
    let critical = times.iter().find(|row| row["risk_tier"] == "critical").unwrap();
    assert_eq!(
        (&critical["approval_p50"], &critical["decision_p99"]),
        (&"03:00:00".into(), &"04:00:00".into())
    );
}

#[tokio::test]
async fn explain_shows_rule_checks_and_source_differences() {
    let world = world().await;
    let approved = world.stdout_of(&["explain", "77!1"]);
    for line in [
        "decision       merged",
        "reviewer       sec-alice",
        "counts",
        "ok the approver belongs to the security team",
        "shown by both sources",
        "superseded",
    ] {
        assert!(approved.contains(line), "{line:?} in {approved}");
    }
    let exception = world.stdout_of(&["explain", "main/77!2"]);
    for line in [
        "no valid approval: no_approval",
        "slack_exception_alert",
        "approvals      0 valid of 0, 1 needed",
    ] {
        assert!(exception.contains(line), "{line:?} in {exception}");
    }
    let late = world.stdout_of(&["explain", "group/project-77!3"]);
    assert!(late.contains("no event reported it"), "{late}");
    let document: Value = serde_json::from_str(&world.stdout_of(&["explain", "77!1", "--format", "json"])).unwrap();
    assert_eq!(document["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(document["decisions"][1]["explanation"]["approvals"][0]["valid"], true);
    assert_eq!(world.countersign(&["explain", "77!99"]).status.code(), Some(1));
    assert_eq!(world.countersign(&["explain", "77"]).status.code(), Some(2));
}

#[tokio::test]
async fn replay_reproduces_decisions_and_detects_a_changed_one() {
    let world = world().await;
    let output = world.countersign(&["replay", "--verify"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.as_str()),
        (Some(0), "4 decisions verified, 0 mismatched\n")
    );

    // The control: a decision that contradicts its facts. Only the owner can insert it, by disabling the triggers.
    let owner = doubles::postgres::connect(&world.database.owner_url).await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET verdict = jsonb_set(verdict, '{outcome}', '\"not_carried\"') WHERE mr_iid = 2";
    owner.batch_execute(sql).await.unwrap();
    let output = world.countersign(&["replay", "--verify"]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("main/77!2: recomputed verdict differs"), "{stdout}");
}

#[tokio::test]
async fn decisions_of_another_evaluator_are_only_reported() {
    let world = world().await;
    let owner = doubles::postgres::connect(&world.database.owner_url).await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET evaluator = 1 WHERE mr_iid IN (1, 2);
        UPDATE security_review_decisions SET verdict = jsonb_set(verdict, '{outcome}', '\"not_carried\"') WHERE mr_iid = 2";
    owner.batch_execute(sql).await.unwrap();
    let output = world.countersign(&["replay", "--verify"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    for line in [
        "3 decisions by another version",
        "2 unchanged, 1 different",
        "1: not_carried, now exception: no_approval",
    ] {
        assert!(stderr.contains(line), "{line:?} in {stderr}");
    }

    // Their digests are still checked.
    let sql = "ALTER TABLE review_evidence DISABLE TRIGGER append_only_row, DROP CONSTRAINT review_evidence_sha256;
        UPDATE review_evidence SET content = replace(content, 'sec-alice', 'sec-mallory') WHERE mr_iid = 1";
    owner.batch_execute(sql).await.unwrap();
    let output = world.countersign(&["replay", "--verify"]);
    assert_eq!(output.status.code(), Some(1));
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(
        found.contains("main/77!1: evidence does not match the decision"),
        "{found}"
    );
}

#[tokio::test]
async fn simulate_reads_whole_label_lists_of_events() {
    let world = World::with_rules(&rules()).await;
    let mut mr = MergeRequest::new(PROJECT, 1, &["privacy"]);
    world.deliver(&mr.event("update", AUTHOR, at("10:00:00"))).await;
    mr.labels = Vec::new();
    world.merged(&mr, |_| ());
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    // As stored by an evaluator that omits lists which its rules do not need.
    let owner = doubles::postgres::connect(&world.database.owner_url).await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET inputs = jsonb_set(inputs, '{history}', (
            SELECT jsonb_agg(event || '{\"labels\": []}') FROM jsonb_array_elements(inputs -> 'history') AS event))";
    owner.batch_execute(sql).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wider.yaml");
    std::fs::write(
        &file,
        rules().replace(
            "labels:\n  - \"security::*\"",
            "labels:\n  - \"privacy*\"\n  - \"security::*\"",
        ),
    )
    .unwrap();
    let rows = world.rows(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["stored"], "not_carried");
    assert_ne!(rows[0]["simulated"], "not_carried");
    std::fs::write(&file, rules()).unwrap();
    let same = world.countersign(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(same.status.code(), Some(1), "the stored rules do not match it");
}

#[tokio::test]
async fn simulate_shows_what_other_rules_would_have_decided() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stricter.yaml");
    std::fs::write(
        &file,
        rules().replace("minimum_access_level: 30", "minimum_access_level: 30\n  minimum: 2"),
    )
    .unwrap();
    let rows = world.rows(&["simulate", "--rules", file.to_str().unwrap()]);
    let simulated: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["merge_request"].as_str().unwrap(),
                row["simulated"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        simulated,
        [
            ("main/77!1", "exception: insufficient_approvals"),
            ("main/77!3", "exception: insufficient_approvals")
        ]
    );
    std::fs::write(&file, rules()).unwrap();
    let same = world.countersign(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(same.status.code(), Some(1), "no difference");
    assert!(
        String::from_utf8(same.stderr)
            .unwrap()
            .contains("3 merges checked, 0 would change")
    );
    std::fs::write(&file, "version: 7").unwrap();
    assert_eq!(
        world
            .countersign(&["simulate", "--rules", file.to_str().unwrap()])
            .status
            .code(),
        Some(2)
    );
}
