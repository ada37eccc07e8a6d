//! The real binary, killed at each step of a batch: the platform's recovery leads to the same rows and the same deliveries.

use std::time::Duration;

use doubles::{Fault, Stub};
use serde_json::{Value, json};

use super::env::wait_for_lock_waiter;
use super::producer::Producer;
use crate::env::TestEnv;
use crate::function::Function;

const PATIENCE: Duration = Duration::from_secs(20);
const MINUTE: [&str; 2] = ["sequence", "forward"];

/// Invokes a function, and kills it when `reached` completes.
async fn kill_when(mut function: Function, event: Value, reached: impl Future<Output = ()>) {
    tokio::select! {
        answer = function.invoke(event) => panic!("answered before it was killed: {answer}"),
        () = reached => (),
    }
    function.kill();
}

/// The platform's recovery: the same event again, in a new environment, and the next minute.
async fn recover(env: &TestEnv, event: &Value, producer: &Producer) {
    // The lease of the killed process has expired.
    let sql =
        "UPDATE audit_destinations SET lease = NULL, lease_until = NULL, next_attempt_at = now() - interval '1 second'";
    env.as_superuser(sql).await;
    let fresh = env.function("recorder").await;
    fresh.invoke(event.clone()).await;
    fresh.invoke(json!({"jobs": MINUTE})).await;
    env.complete(&[producer]).await;
}

/// Kills it when it waits for what `lock` locks while it handles `event`.
async fn killed_at(lock: &str, of_jobs: bool) {
    let env = TestEnv::with_recorder().await;
    let producer = Producer::new(&env.clock);
    let logs = producer.print(50).log();
    let function = env.function("recorder").await;
    let event = if of_jobs {
        // Stored, without positions: the minute's run has work to do.
        let recorder = env.recorder_with(&[("AUDIT_LOG_DESTINATION", "stdout")]);
        recorder.take(logs.clone()).await;
        env.as_superuser("DELETE FROM audit_destinations").await;
        json!({"jobs": MINUTE})
    } else {
        logs.clone()
    };
    env.as_superuser(&format!("BEGIN; {lock}")).await;
    let waits = async { wait_for_lock_waiter(&env).await };
    kill_when(function, event.clone(), waits).await;
    env.as_superuser("ROLLBACK").await;
    recover(&env, &logs, &producer).await;
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
    let env = TestEnv::with_recorder().await;
    let producer = Producer::new(&env.clock);
    let logs = producer.print(700).log();
    let function = env.function("recorder").await;
    function.invoke(logs.clone()).await;
    env.siem()
        .stub(Stub::failing("POST", "/in", Fault::PostThenHang))
        .unwrap();
    let taken = async { drop(env.siem().wait_for(PATIENCE, |seen| !seen.is_empty()).await.unwrap()) };
    kill_when(function, json!({"jobs": MINUTE}), taken).await;
    env.siem().clear_stubs();
    recover(&env, &logs, &producer).await;
    let count = env.taken().iter().filter(|entry| entry["service"] == "webhook").count();
    assert!(count > 700, "the batch was repeated: {count}");
}

#[tokio::test]
async fn killed_before_the_cursor_moved() {
    let env = TestEnv::with_recorder().await;
    let producer = Producer::new(&env.clock);
    let logs = producer.print(50).log();
    let function = env.function("recorder").await;
    function.invoke(logs.clone()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 1000;
    env.siem().stub(slow).unwrap();
    let reached = async {
        env.siem().wait_for(PATIENCE, |seen| !seen.is_empty()).await.unwrap();
        env.as_superuser("BEGIN; SELECT FROM audit_destinations FOR UPDATE")
            .await;
        wait_for_lock_waiter(&env).await;
    };
    kill_when(function, json!({"jobs": MINUTE}), reached).await;
    env.as_superuser("ROLLBACK").await;
    env.siem().clear_stubs();
    let delivered = "SELECT delivered FROM audit_destinations";
    assert_eq!(env.value::<i64>(delivered).await, 0);
    recover(&env, &logs, &producer).await;
}
