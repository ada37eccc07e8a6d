//! What other rules would have decided.

use doubles::payload::MergeRequest;

use super::{four_reviews, rules_with_other_targets};
use crate::env::{AUTHOR, PROJECT, TestEnv, at};

#[tokio::test]
async fn simulate_reads_whole_label_lists_of_events() {
    let env = TestEnv::with_rules(&rules_with_other_targets()).await;
    let mut mr = MergeRequest::new(PROJECT, 1, &["privacy"]);
    env.deliver(&mr.event("update", AUTHOR, at("10:00:00"))).await;
    mr.labels = Vec::new();
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    // As stored by an evaluator that omits lists which its rules do not need.
    let owner = env.owner().await;
    let sql = "ALTER TABLE security_review_decisions DISABLE TRIGGER append_only_row;
        UPDATE security_review_decisions SET inputs = jsonb_set(inputs, '{history}', (
            SELECT jsonb_agg(event || '{\"labels\": []}') FROM jsonb_array_elements(inputs -> 'history') AS event))";
    owner.batch_execute(sql).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wider.yaml");
    std::fs::write(
        &file,
        rules_with_other_targets().replace(
            "labels:\n  - \"security::*\"",
            "labels:\n  - \"privacy*\"\n  - \"security::*\"",
        ),
    )
    .unwrap();
    let rows = env.json_rows(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["stored"], "not_carried");
    assert_ne!(rows[0]["simulated"], "not_carried");
    std::fs::write(&file, rules_with_other_targets()).unwrap();
    let same = env.countersign(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(same.status.code(), Some(1), "the stored rules do not match it");
}

#[tokio::test]
async fn simulate_shows_what_other_rules_would_have_decided() {
    let env = four_reviews().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stricter.yaml");
    std::fs::write(
        &file,
        rules_with_other_targets().replace("minimum_access_level: 30", "minimum_access_level: 30\n  minimum: 2"),
    )
    .unwrap();
    let rows = env.json_rows(&["simulate", "--rules", file.to_str().unwrap()]);
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
    std::fs::write(&file, rules_with_other_targets()).unwrap();
    let same = env.countersign(&["simulate", "--rules", file.to_str().unwrap()]);
    assert_eq!(same.status.code(), Some(1), "no difference");
    assert!(
        String::from_utf8(same.stderr)
            .unwrap()
            .contains("3 merges checked, 0 would change")
    );
    std::fs::write(&file, "version: 7").unwrap();
    assert_eq!(
        env.countersign(&["simulate", "--rules", file.to_str().unwrap()])
            .status
            .code(),
        Some(2)
    );
}
