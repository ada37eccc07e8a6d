//! The receiver down, slow, failing, truncating, and storing what it reported as failed: nothing is lost, nothing else is delayed.

use doubles::{Fault, Stub};
use jiff::SignedDuration;
use recorder::TurnEnd;
use serde_json::json;

use super::desk::Desk;
use super::producer::{Producer, log};

#[tokio::test]
async fn day_long_receiver_outage_loses_no_entry() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    desk.siem.stub(Stub::answering("POST", "/in", 503, "down")).unwrap();
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
        desk.clock.pass(SignedDuration::from_mins(7));
    }
    assert_eq!(tried, 205, "one attempt in a turn");
    let sizes = desk.siem.requests();
    assert!(
        sizes[1..]
            .iter()
            .all(|request| request.body.as_array().unwrap().len() == 1),
        "and of one entry"
    );
    let state = desk
        .rows("SELECT to_jsonb(d) FROM audit_destinations d")
        .await
        .remove(0);
    assert_eq!(
        (&state["failures"], &state["last_error_class"]),
        (&json!(205), &json!("server_error"))
    );
    assert!(recorder.measured("audit_destination_behind").last().unwrap() > &2050);
    assert!(recorder.measured("audit_destination_oldest_seconds").last().unwrap() > &80_000);

    desk.siem.clear_stubs();
    recorder.minute().await;
    desk.complete(&[&producer]).await;
    assert_eq!(recorder.measured("audit_deliveries_refused").iter().sum::<u64>(), 0);
}

#[tokio::test]
async fn every_failure_repeats_the_batch_without_loss() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
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
        desk.siem.stub(stub.clone()).unwrap();
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.errors, turn.end), (1, TurnEnd::Failed), "{stub:?}");
        desk.siem.clear_stubs();
        assert_eq!(
            recorder.minute().await.destinations["http"].end,
            TurnEnd::NotOurs,
            "not retried immediately: {stub:?}"
        );
        desk.clock.pass(SignedDuration::from_mins(6));
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.errors, turn.end), (0, TurnEnd::Done), "{stub:?}");
    }
    desk.complete(&[&producer]).await;
    let taken = desk
        .taken()
        .into_iter()
        .filter(|entry| entry["service"] == "webhook")
        .count();
    assert!(taken > 9 * 20, "some were taken twice: {taken}");
    // Each of its requests is in the audit log, with its result.
    let own = "SELECT count(*) FROM audit_events WHERE action = 'siem.api.post_events'";
    assert_eq!(
        desk.number(own).await,
        i64::try_from(desk.siem.requests().len()).unwrap()
    );
}

#[tokio::test]
async fn receiver_retry_after_is_respected() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    recorder.take(producer.print(3).log()).await;
    let stub = Stub::answering("POST", "/in", 429, "later").header("retry-after", "1800");
    desk.siem.stub(stub).unwrap();
    recorder.minute().await;
    desk.siem.clear_stubs();
    desk.clock.pass(SignedDuration::from_secs(1799));
    assert_eq!(recorder.minute().await.destinations["http"].end, TurnEnd::NotOurs);
    desk.clock.pass(SignedDuration::from_secs(1));
    assert_eq!(recorder.minute().await.destinations["http"].end, TurnEnd::Done);
    desk.complete(&[&producer]).await;
}

#[tokio::test]
async fn concurrent_environments_never_share_a_destination() {
    let desk = Desk::new().await;
    let (one, other) = (desk.recorder(), desk.recorder());
    let producer = Producer::new(&desk.clock);
    one.take(producer.print(1200).log()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 300;
    desk.siem.stub(slow).unwrap();
    let (first, second) = tokio::join!(one.minute(), other.minute());
    let ends = [first.destinations["http"].end, second.destinations["http"].end];
    assert!(
        ends.contains(&TurnEnd::Done) && ends.contains(&TurnEnd::NotOurs),
        "{ends:?}"
    );
    desk.complete(&[&producer]).await;
    let taken = desk
        .taken()
        .into_iter()
        .filter(|entry| entry["service"] == "webhook")
        .count();
    assert_eq!(taken, 1200, "each once");
}

#[tokio::test]
async fn turn_with_a_lost_lease_stops_sending() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    recorder.take(producer.print(1200).log()).await;
    let mut slow = Stub::on("POST", "/in");
    slow.delay_ms = 400;
    desk.siem.stub(slow).unwrap();
    let taken_over = async {
        let patience = std::time::Duration::from_secs(20);
        desk.siem.wait_for(patience, |seen| !seen.is_empty()).await.unwrap();
        let sql = "UPDATE audit_destinations SET lease = gen_random_uuid()";
        desk.superuser.batch_execute(sql).await.unwrap();
    };
    let (report, ()) = tokio::join!(recorder.minute(), taken_over);
    assert_eq!(report.destinations["http"].end, TurnEnd::LeaseLost);
    assert_eq!(desk.siem.requests().len(), 1);
    desk.siem.clear_stubs();
    desk.clock.pass(SignedDuration::from_mins(5));
    recorder.minute().await;
    desk.complete(&[&producer]).await;
}
