//! Edits after the approval: a description, an unrelated label, no change at all.

use serde_json::{Value, json};

use super::fixtures::{IVO, NOOR, hook, label, mr, open, row, shows};
use crate::env::{ALICE, HIGH, TestEnv, at};

/// Every edit fires an event; tools treated each as a new version.
#[tokio::test]
async fn edits_keep_the_approval() {
    let env = TestEnv::with_evaluator().await;
    let mr = mr(1, HIGH);
    shows(&env, &mr, |shown| {
        open(shown);
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let update = |time: &str, changes: Value| {
        let mut update = hook(&mr, "update", NOOR, time);
        assert!(update["object_attributes"].get("oldrev").is_none());
        update["changes"] = changes;
        update
    };
    let high = label(700, "security::high");
    let labelled = json!({"labels": {"previous": [high], "current": [high, label(711, "backend")]}});
    for (now, event) in [
        ("10:00:02", hook(&mr, "approved", ALICE, "10:00:00")),
        (
            "10:10:02",
            update(
                "10:10:00",
                json!({"description": {"previous": "Moves.", "current": "Moves them."}}),
            ),
        ),
        ("10:20:02", update("10:20:00", labelled)),
        ("10:30:02", update("10:30:00", json!({}))),
    ] {
        env.clock.set(at(now));
        env.deliver(&event).await;
    }
    env.gitlab().world(|shown| {
        let shown = shown.merge_request(mr.project, mr.iid);
        shown.merged(IVO, "2026-03-02T12:00:00.000Z");
        shown.set("labels", json!(["security::high", "backend"]));
        shown.label_event("add", "backend", NOOR, "2026-03-02T10:20:00.000Z");
    });
    env.clock.set(at("12:00:02"));
    let report = env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
    assert_eq!(report.outcome.as_str(), "approved");
    assert_eq!(env.exception(&mr).await, None);
    let ledger = row(&env, "security_review_ledger", &mr).await;
    assert_eq!(
        (&ledger["decision"], &ledger["proof"]),
        (&json!("merged"), &json!("both"))
    );
    // The review was approved once, then merged: no edit removed the approval.
    let decided = "security_review_decisions WHERE decision IN ('approved', 'merged')";
    assert_eq!(env.count(decided, &mr).await, 2);
    assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 2);
}
