//! The receiver down, slow, failing, truncating, and storing what it reported as failed: nothing is lost, nothing else is delayed.

use doubles::{Fault, Stub};
use jiff::SignedDuration;
use recorder::TurnEnd;
use serde_json::json;

use super::producer::{Producer, log};
use crate::env::TestEnv;

#[tokio::test]
async fn day_long_receiver_outage_loses_no_entry() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    env.siem().stub(Stub::answering("POST", "/in", 503, "down")).unwrap();
    let mut printed = 0;
    let mut tried = 0;
    // Every seven minutes of the day, which is longer than any backoff.
    for _ in 0..205 {
        let lines = producer.print(10).lines();
        recorder.take(log(&lines[printed..])).await;
        printed = lines.len();
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.delivered, turn.end), (0, TurnEnd::Failed));
        tried += turn.errors;
        env.clock.pass(SignedDuration::from_mins(7));
    }
    assert_eq!(tried, 205, "one attempt in a turn");
    let sizes = env.siem().requests();
    assert!(
        sizes[1..]
            .iter()
            .all(|request| request.body.as_array().unwrap().len() == 1),
        "and of one entry"
    );
    let state = env.rows("SELECT to_jsonb(d) FROM audit_destinations d").await.remove(0);
    assert_eq!(
        (&state["failures"], &state["last_error_class"]),
        (&json!(205), &json!("server_error"))
    );
    assert!(recorder.measured("audit_destination_behind").last().unwrap() > &2050);
    assert!(recorder.measured("audit_destination_oldest_seconds").last().unwrap() > &80_000);

    env.siem().clear_stubs();
    recorder.minute().await;
    env.complete(&[&producer]).await;
    assert_eq!(recorder.measured("audit_deliveries_refused").iter().sum::<u64>(), 0);
}

#[tokio::test]
async fn every_failure_repeats_the_batch_without_loss() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let answering = |status| Stub::answering("POST", "/in", status, "no");
    let failing = |fault| Stub::failing("POST", "/in", fault);
    let ways = [
        answering(500),
        answering(502),
        answering(429),
        answering(401),
        answering(404),
        answering(301),
        failing(Fault::Reset),
        failing(Fault::Half),          // the answer breaks off
        failing(Fault::PostThenReset), // taken, and the connection broke before the answer: taken twice in the end
    ];
    for stub in ways {
        let from = producer.lines().len();
        recorder.take(log(&producer.print(20).lines()[from..])).await;
        env.siem().stub(stub.clone()).unwrap();
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.errors, turn.end), (1, TurnEnd::Failed), "{stub:?}");
        env.siem().clear_stubs();
        assert_eq!(
            recorder.minute().await.destinations["http"].end,
            TurnEnd::NotOurs,
            "not retried immediately: {stub:?}"
        );
        env.clock.pass(SignedDuration::from_mins(6));
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.errors, turn.end), (0, TurnEnd::Done), "{stub:?}");
    }
    env.complete(&[&producer]).await;
    let taken = env
        .taken()
        .into_iter()
        .filter(|entry| entry["service"] == "webhook")
        .count();
    assert!(taken > 9 * 20, "some were taken twice: {taken}");
    // Each of its requests is in the audit log, with its result.
    let own = "SELECT count(*) FROM audit_events WHERE action = 'siem.api.post_events'";
    assert_eq!(
        env.value::<i64>(own).await,
        i64::try_from(env.siem().requests().len()).unwrap()
    );
}

#[tokio::test]
async fn receiver_retry_after_is_respected() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(3).log()).await;
    let stub = Stub::answering("POST", "/in", 429, "later").header("retry-after", "1800");
    env.siem().stub(stub).unwrap();
    recorder.minute().await;
    env.siem().clear_stubs();
    env.clock.pass(SignedDuration::from_secs(1799));
    assert_eq!(recorder.minute().await.destinations["http"].end, TurnEnd::NotOurs);
    env.clock.pass(SignedDuration::from_secs(1));
    assert_eq!(recorder.minute().await.destinations["http"].end, TurnEnd::Done);
    env.complete(&[&producer]).await;
}

#[tokio::test]
async fn concurrent_environments_never_share_a_destination() {
    let env = TestEnv::with_recorder().await;
    let (one, other) = (env.recorder(), env.recorder());
    let producer = Producer::new(&env.clock);
    one.take(producer.print(1200).log()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 300;
    env.siem().stub(slow).unwrap();
    let (first, second) = tokio::join!(one.minute(), other.minute());
    let ends = [first.destinations["http"].end, second.destinations["http"].end];
    assert!(
        ends.contains(&TurnEnd::Done) && ends.contains(&TurnEnd::NotOurs),
        "{ends:?}"
    );
    env.complete(&[&producer]).await;
    let taken = env
        .taken()
        .into_iter()
        .filter(|entry| entry["service"] == "webhook")
        .count();
    assert_eq!(taken, 1200, "each once");
}

#[tokio::test]
async fn turn_with_a_lost_lease_stops_sending() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(1200).log()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 400;
    env.siem().stub(slow).unwrap();
    let taken_over = async {
        let patience = std::time::Duration::from_secs(20);
        env.siem().wait_for(patience, |seen| !seen.is_empty()).await.unwrap();
        let sql = "UPDATE audit_destinations SET lease = gen_random_uuid()";
        env.as_superuser(sql).await;
    };
    let (report, ()) = tokio::join!(recorder.minute(), taken_over);
    assert_eq!(report.destinations["http"].end, TurnEnd::LeaseLost);
    assert_eq!(env.siem().requests().len(), 1);
    env.siem().clear_stubs();
    env.clock.pass(SignedDuration::from_mins(5));
    recorder.minute().await;
    env.complete(&[&producer]).await;
}
