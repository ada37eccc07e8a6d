//! The real binary, killed at each step of a batch: the platform's recovery leads to the same rows and the same deliveries.

use std::time::Duration;

use doubles::{Fault, Stub};
use serde_json::{Value, json};

use super::desk::{Desk, wait_for_lock_waiter};
use super::producer::Producer;
use crate::function::Function;

const PATIENCE: Duration = Duration::from_secs(20);
const MINUTE: [&str; 2] = ["sequence", "forward"];

async fn start(desk: &Desk) -> Function {
    let variables = desk.variables(&[]);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let function = Function::start("recorder", &variables).await;
    function.started().await;
    function
}

/// Invokes a function, and kills it when `reached` completes.
async fn kill_when(mut function: Function, event: Value, reached: impl Future<Output = ()>) {
    tokio::select! {
        answer = function.invoke(event) => panic!("answered before it was killed: {answer}"),
        () = reached => (),
    }
    function.kill();
}

/// The platform's recovery: the same event again, in a new environment, and the next minute.
async fn recover(desk: &Desk, event: &Value, producer: &Producer) {
    // The lease of the killed process has expired.
    let sql =
        "UPDATE audit_destinations SET lease = NULL, lease_until = NULL, next_attempt_at = now() - interval '1 second'";
    desk.superuser.batch_execute(sql).await.unwrap();
    let fresh = start(desk).await;
    fresh.invoke(event.clone()).await;
    fresh.invoke(json!({"jobs": MINUTE})).await;
    desk.complete(&[producer]).await;
}

/// Kills it when it waits for what `lock` locks while it handles `event`.
async fn killed_at(lock: &str, of_jobs: bool) {
    let desk = Desk::new().await;
    let producer = Producer::new(&desk.clock);
    let logs = producer.print(50).log();
    let function = start(&desk).await;
    let event = if of_jobs {
        // Stored, without positions: the minute's run has work to do.
        let recorder = desk.recorder_with(&[("AUDIT_LOG_DESTINATION", "stdout")]);
        recorder.take(logs.clone()).await;
        desk.superuser
            .batch_execute("DELETE FROM audit_destinations")
            .await
            .unwrap();
        json!({"jobs": MINUTE})
    } else {
        logs.clone()
    };
    desk.superuser.batch_execute(&format!("BEGIN; {lock}")).await.unwrap();
    let waits = async { wait_for_lock_waiter(&desk).await };
    kill_when(function, event.clone(), waits).await;
    desk.superuser.batch_execute("ROLLBACK").await.unwrap();
    recover(&desk, &logs, &producer).await;
}

#[tokio::test]
async fn killed_before_anything_is_stored() {
    killed_at("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE", false).await;
}

#[tokio::test]
async fn killed_between_the_entries_and_the_commit() {
    killed_at("LOCK TABLE audit_intents IN ACCESS EXCLUSIVE MODE", false).await;
}

#[tokio::test]
async fn killed_after_the_storing_and_before_the_order() {
    killed_at("SELECT FROM audit_sequence FOR UPDATE", false).await;
}

#[tokio::test]
async fn killed_within_the_order() {
    killed_at("LOCK TABLE audit_positions IN ACCESS EXCLUSIVE MODE", false).await;
}

#[tokio::test]
async fn killed_before_a_destination_is_leased() {
    killed_at("LOCK TABLE audit_destinations IN ACCESS EXCLUSIVE MODE", true).await;
}

#[tokio::test]
async fn killed_before_the_claim_of_its_next_line() {
    killed_at("LOCK TABLE audit_claims IN SHARE ROW EXCLUSIVE MODE", true).await;
}

#[tokio::test]
async fn killed_before_the_answer_of_the_receiver() {
    let desk = Desk::new().await;
    let producer = Producer::new(&desk.clock);
    let logs = producer.print(700).log();
    let function = start(&desk).await;
    function.invoke(logs.clone()).await;
    desk.siem
        .stub(Stub::failing("POST", "/in", Fault::PostThenHang))
        .unwrap();
    let taken = async { drop(desk.siem.wait_for(PATIENCE, |seen| !seen.is_empty()).await.unwrap()) };
    kill_when(function, json!({"jobs": MINUTE}), taken).await;
    desk.siem.clear_stubs();
    recover(&desk, &logs, &producer).await;
    let count = desk
        .taken()
        .iter()
        .filter(|entry| entry["service"] == "webhook")
        .count();
    assert!(count > 700, "the batch was repeated: {count}");
}

#[tokio::test]
async fn killed_before_the_cursor_moved() {
    let desk = Desk::new().await;
    let producer = Producer::new(&desk.clock);
    let logs = producer.print(50).log();
    let function = start(&desk).await;
    function.invoke(logs.clone()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 1000;
    desk.siem.stub(slow).unwrap();
    let reached = async {
        desk.siem.wait_for(PATIENCE, |seen| !seen.is_empty()).await.unwrap();
        desk.superuser
            .batch_execute("BEGIN; SELECT FROM audit_destinations FOR UPDATE")
            .await
            .unwrap();
        wait_for_lock_waiter(&desk).await;
    };
    kill_when(function, json!({"jobs": MINUTE}), reached).await;
    desk.superuser.batch_execute("ROLLBACK").await.unwrap();
    desk.siem.clear_stubs();
    let delivered = "SELECT delivered FROM audit_destinations";
    assert_eq!(desk.number(delivered).await, 0);
    recover(&desk, &logs, &producer).await;
}
