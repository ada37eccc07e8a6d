//! Partitions for future months, and the end of retention: jobs of the maintenance function.

use serde_json::{Value, json};

use crate::env::TestEnv;

async fn partitions(env: &TestEnv) -> Vec<Value> {
    env.rows("SELECT to_jsonb(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1")
        .await
}

#[tokio::test]
async fn partitions_for_three_months_are_made_once() {
    let env = TestEnv::with_functions().await;
    let function = env.function("maintenance").await;
    let jobs = json!({"jobs": ["audit_partitions", "audit_retention"]});
    function.invoke(jobs.clone()).await;
    let months = partitions(&env).await;
    assert!(months.len() >= 4, "{months:?}");
    let again = function.invoke(jobs).await;
    assert_eq!(again["audit_partitions_made"], 0);
    assert_eq!(
        partitions(&env).await,
        months,
        "and nothing is detached unless that is asked for"
    );
}

#[tokio::test]
async fn owner_detaches_an_expired_month_and_records_it() {
    let env = TestEnv::with_functions().await;
    let old = "SELECT countersign_make_audit_partitions(now() - interval '5 months', 1)";
    env.as_superuser(old).await;
    let before = partitions(&env).await;
    let mut function = env
        .function_with("maintenance", &[("AUDIT_RETENTION_MONTHS", "3")])
        .await;
    let report = function.invoke(json!({"jobs": ["audit_retention"]})).await;
    let detached = report["audit_partitions_detached"].as_array().unwrap().clone();
    assert_eq!(detached.len(), 1, "{report}");
    let after = partitions(&env).await;
    assert_eq!(after.len(), before.len() - 1);
    function.kill();
    let entries = function.entries("audit.partition.detach", 1);
    assert_eq!(entries[0]["details"]["retention_months"], 3);
    let table = entries[0]["target"]["id"].as_str().unwrap();
    assert!(detached[0].as_str().unwrap().ends_with(table), "{detached:?} {table}");
}
