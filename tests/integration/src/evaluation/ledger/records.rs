//! What is recorded with a row, and that no row is lost: audit entries, rules, revisions.

use std::sync::Arc;

use doubles::payload::MergeRequest;
use serde_json::Value;
use uuid::Uuid;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};

#[tokio::test]
async fn redelivery_repeats_the_same_ledger_audit_entry() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let delivery = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), "one");
    app::process_delivery(env.app(), &delivery).await.unwrap();
    app::process_delivery(env.app(), &delivery).await.unwrap();
    let entries = env.entries("ledger.record.upsert");
    assert_eq!(entries.len(), 2);
    let same = |entry: &Value| {
        let mut entry = entry.clone();
        entry["stream"] = Value::Null;
        entry
    };
    assert_eq!(same(&entries[0]), same(&entries[1]));
    let (entry, row) = (&entries[0], env.ledger_row(&mr).await.unwrap());
    assert_eq!(entry["correlation_id"], delivery.correlation_id.to_string());
    assert_eq!(entry["target"]["mr_iid"], 1);
    let details = &entry["details"];
    assert_eq!(details["decision"], "merged");
    assert_eq!(details["deciding_reviewer"], "sec-alice");
    assert_eq!(details["revision"], row.revision);
    assert_eq!(details["decision_id"], row.row.decision_id.unwrap().to_string());
}

#[tokio::test]
async fn deciding_rules_are_kept_exactly() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    let sql = "SELECT content FROM rules_files JOIN security_review_decisions ON hash = rules_hash";
    let rows = env.auditor().query_typed(sql, &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, String>(0), include_str!("../../rules.yaml"));
}

#[tokio::test]
async fn concurrently_written_row_is_not_overwritten() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    let standing = env.ledger_row(&mr).await.unwrap();
    let store = Arc::new(env.database().store());
    let mut row = standing.row.clone();
    row.title = "Another".to_owned();
    row.correlation_id = Uuid::now_v7();
    for expected in [Ok(2), Err(())] {
        let mut tx = store.begin().await.unwrap();
        let written = tx.write_ledger_row(&row, Some(&standing), env.now()).await;
        assert_eq!(
            written
                .as_ref()
                .map(|written| written.revision)
                .map_err(|error| assert!(error.is_retryable())),
            expected
        );
        if written.is_ok() {
            tx.commit().await.unwrap();
        }
    }
}
