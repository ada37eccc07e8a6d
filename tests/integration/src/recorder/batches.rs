//! Deliveries repeated, out of order and interleaved; and the recorder's own lines, which must not loop.

use jiff::SignedDuration;
use serde_json::json;

use super::producer::{Producer, log, packed};
use crate::env::TestEnv;

#[tokio::test]
async fn repeated_delivery_is_stored_and_forwarded_once() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    producer.print(30);
    let first = recorder.take(producer.log()).await;
    assert_eq!((first.stored, first.duplicates, first.positions), (30, 0, 30));
    assert_eq!(recorder.measured("audit_log_entries_total")[0], 30);
    let again = recorder.take(producer.log()).await;
    assert_eq!((again.stored, again.duplicates), (0, 30));
    let minute = recorder.minute().await;
    assert_eq!(minute.destinations["http"].errors, 0);
    recorder.take(producer.log()).await;
    recorder.minute().await;
    env.complete(&[&producer]).await;
    let taken = env.taken();
    let once = taken.iter().filter(|entry| entry["service"] == "webhook").count();
    assert_eq!(once, 30);
}

#[tokio::test]
async fn shuffled_deliveries_keep_the_order_of_each_stream() {
    let env = TestEnv::with_recorder().await;
    let recorders = [env.recorder(), env.recorder()];
    let producers: Vec<Producer> = (0..5).map(|_| Producer::new(&env.clock)).collect();
    let mut deliveries = Vec::new();
    for producer in &producers {
        producer.print(60);
        deliveries.extend(producer.lines().chunks(7).map(<[String]>::to_vec));
    }
    // Two deliveries of different streams are merged in hash order.
    let mut shuffled: Vec<Vec<String>> = Vec::new();
    while let Some(delivery) = deliveries.pop() {
        let other = deliveries.len() * 7 / 11;
        let with = if deliveries.is_empty() {
            Vec::new()
        } else {
            deliveries.swap_remove(other)
        };
        shuffled.push(delivery.into_iter().rev().chain(with).collect());
    }
    for (number, lines) in shuffled.iter().enumerate() {
        recorders[number % 2].take(log(lines)).await;
        if number % 5 == 0 {
            recorders[number % 2].minute().await;
        }
    }
    recorders[0].minute().await;
    let printed: Vec<&Producer> = producers.iter().collect();
    env.complete(&printed).await;
}

/// They wait for lines of other services, or for an hour.
#[tokio::test]
async fn own_forwarding_lines_cause_no_endless_requests() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(1).log()).await;
    // The second brings the lines that the first printed about reading its secrets.
    recorder.minute().await;
    recorder.minute().await;
    let requests = env.siem().requests().len();
    for _ in 0..10 {
        env.clock.pass(SignedDuration::from_secs(20));
        assert_eq!(recorder.minute().await.destinations["http"].delivered, 0);
    }
    assert_eq!(env.siem().requests().len(), requests, "nothing new, no request");
    let own = "SELECT count(*) FROM audit_events WHERE service = 'recorder' AND action = 'siem.api.post_events'";
    assert_eq!(
        env.value::<i64>(own).await,
        i64::try_from(requests).unwrap(),
        "one entry for each request"
    );

    env.clock.pass(SignedDuration::from_mins(61));
    recorder.minute().await;
    assert_eq!(env.siem().requests().len(), requests + 1, "after an hour they go alone");
    let all = env
        .value::<i64>("SELECT count(*) FROM audit_events WHERE action = 'siem.api.post_events'")
        .await;
    let taken = env.taken();
    let arrived = taken
        .iter()
        .filter(|entry| entry["action"] == "siem.api.post_events")
        .count();
    assert_eq!(
        i64::try_from(arrived).unwrap(),
        all - 1,
        "all but the one about that request"
    );
    env.complete(&[&producer]).await;
}

#[tokio::test]
async fn deliveries_without_audit_lines_do_nothing() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let control = json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE"}]});
    assert_eq!(
        recorder.take(packed(&control)).await,
        recorder::InvocationReport::default()
    );
    let log_only = log(&["START RequestId: 1".to_owned(), r#"{"level":"INFO"}"#.to_owned()]);
    assert_eq!(recorder.take(log_only).await, recorder::InvocationReport::default());
    assert_eq!(env.aws().requests(), [], "not even the secret was read");
}
