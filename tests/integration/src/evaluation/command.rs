//! The operator's command on decided reviews: lists, figures, explanations, and recomputed decisions.

mod replay;
mod reports;
mod simulate;

use doubles::payload::MergeRequest;
use serde_json::Value;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at};

/// The local stack's rules, with other targets.
fn rules_with_other_targets() -> String {
    let rules = include_str!("../rules.yaml");
    let targets = "targets: { critical: 4h, high: 1d, standard: 3d, low: 5d }";
    assert!(rules.contains(targets));
    rules.replace(targets, "targets: { high: 4h, critical: 1h }")
}

impl TestEnv {
    fn stdout_of(&self, words: &[&str]) -> String {
        let output = self.countersign(words);
        let (stdout, stderr) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(output.status.success(), "{words:?}: {stderr}{stdout}");
        stdout
    }

    fn json_rows(&self, words: &[&str]) -> Vec<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        self.stdout_of(&words)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// One approved, one merged without approval, one critical and approved after its target, one still open.
async fn four_reviews() -> TestEnv {
    let env = TestEnv::with_rules(&rules_with_other_targets()).await;
    let labelled = |mr: &MergeRequest, with: &dyn Fn(&mut doubles::gitlab::MergeRequest)| {
        env.merged(mr, |shown| {
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
    env.deliver(&approved.event("approved", ALICE, at("10:00:00"))).await;
    env.gitlab().world(|world| {
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
        env.deliver_merge(mr).await;
    }
    let open = MergeRequest::new(78, 4, HIGH);
    labelled(&open, &|shown| {
        shown.set("state", "opened").set("merged_at", Value::Null);
    });
    env.deliver(&open.event("update", AUTHOR, at("08:00:00"))).await;
    env
}
