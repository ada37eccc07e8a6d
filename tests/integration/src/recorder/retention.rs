//! Partitions for future months, and the end of retention: jobs of the maintenance function.

use serde_json::{Value, json};

use super::desk::Desk;
use crate::function::Function;

async fn maintenance(desk: &Desk, more: &[(&str, &str)]) -> Function {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/rules.yaml");
    let mut variables = desk.variables(&[
        ("DATABASE_OWNER_SECRET_ID", "owner"),
        ("EFFECTS_QUEUE_URL", "http://127.0.0.1:9/000000000000/effects.fifo"),
        ("RULES_PATH", rules),
        ("GITLAB_API_URL", "http://127.0.0.1:1"),
    ]);
    variables.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let outbound = json!({"gitlab": {"main": {"token": "glpat-test"}}});
    desk.aws.put_secret("outbound", "AWSCURRENT", outbound);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let function = Function::start("maintenance", &variables).await;
    function.started().await;
    function
}

async fn partitions(desk: &Desk) -> Vec<Value> {
    desk.rows("SELECT to_jsonb(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1")
        .await
}

#[tokio::test]
async fn partitions_for_three_months_are_made_once() {
    let desk = Desk::new().await;
    let function = maintenance(&desk, &[]).await;
    let jobs = json!({"jobs": ["audit_partitions", "audit_retention"]});
    function.invoke(jobs.clone()).await;
    let months = partitions(&desk).await;
    assert!(months.len() >= 4, "{months:?}");
    let again = function.invoke(jobs).await;
    assert_eq!(again["audit_partitions_made"], 0);
    assert_eq!(
        partitions(&desk).await,
        months,
        "and nothing is detached unless that is asked for"
    );
}

#[tokio::test]
async fn owner_detaches_an_expired_month_and_records_it() {
    let desk = Desk::new().await;
    let old = "SELECT countersign_make_audit_partitions(now() - interval '5 months', 1)";
    desk.superuser.batch_execute(old).await.unwrap();
    let before = partitions(&desk).await;
    let mut function = maintenance(&desk, &[("AUDIT_RETENTION_MONTHS", "3")]).await;
    let report = function.invoke(json!({"jobs": ["audit_retention"]})).await;
    let detached = report["audit_partitions_detached"].as_array().unwrap().clone();
    assert_eq!(detached.len(), 1, "{report}");
    let after = partitions(&desk).await;
    assert_eq!(after.len(), before.len() - 1);
    function.kill();
    let entries = function.entries("audit.partition.detach", 1);
    assert_eq!(entries[0]["details"]["retention_months"], 3);
    let table = entries[0]["target"]["id"].as_str().unwrap();
    assert!(detached[0].as_str().unwrap().ends_with(table), "{detached:?} {table}");
}
