//! The database is down: the lines wait in the queue, and are stored when it is back.

use doubles::{Fault, Stub};
use serde_json::json;

use super::producer::{Producer, log, messages};
use crate::env::{AUDIT_RETRY_QUEUE, TestEnv};

#[tokio::test]
async fn lines_wait_on_the_queue_during_database_outage() {
    let mut env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(5).log()).await;
    // 1. The database is down: lines go to the queue.
    env.database_goes_down().await;
    let before = producer.lines().len();
    let down = &producer.print(400).lines()[before..];
    let report = recorder.take(log(down)).await;
    assert_eq!((report.stored, report.put_off), (0, 1));
    recorder.take(log(&producer.print(2).lines()[before + 400..])).await;
    let queued = env.aws().messages();
    assert_eq!(queued.len(), 2);
    assert!(
        queued
            .iter()
            .all(|message| message.queue_url == AUDIT_RETRY_QUEUE && message.body.len() < 200 * 1024)
    );
    assert!(
        queued
            .iter()
            .all(|message| message.group_id.is_none() && message.deduplication_id.is_none())
    );

    // 2. It is still down: the messages stay in the queue.
    let bodies = || queued.iter().map(|message| message.body.clone());
    assert_eq!(
        recorder.messages(messages(bodies())).await,
        ["message-0", "message-1"],
        "still down"
    );
    assert_eq!(
        env.aws().messages().len(),
        2,
        "messages from the queue are not sent to the queue again"
    );
    assert!(recorder.invoke(json!({"jobs": ["sequence"]})).await.is_err());

    // 3. It is back: everything is stored once.
    env.database_comes_back().await;
    assert_eq!(recorder.messages(messages(bodies().rev())).await, Vec::<String>::new());
    assert_eq!(
        recorder.messages(messages(bodies())).await,
        Vec::<String>::new(),
        "and once more, to be sure"
    );
    recorder.minute().await;
    env.complete(&[&producer]).await;
    let sent = env.value::<i64>(
        "SELECT count(*) FROM audit_events WHERE service = 'recorder' AND action = 'sqs.api.send_message'",
    );
    assert_eq!(sent.await, 2, "the recorder's own lines were kept meanwhile");
}

#[tokio::test]
async fn failed_invocation_record_is_processed_after_both_outages() {
    let mut env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let event = producer.print(3).log();
    env.database_goes_down().await;
    env.aws().stub(Stub::failing("POST", "/", Fault::Reset)).unwrap();
    assert!(recorder.invoke(event.clone()).await.is_err());
    env.aws().clear_stubs();
    assert_eq!(env.aws().messages(), []);
    env.database_comes_back().await;
    env.clock.pass(jiff::SignedDuration::from_secs(5));
    let record = |payload| {
        json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": payload, "responseContext": {"functionError": "Unhandled"}, "responsePayload": {}})
    };
    let jobs = record(json!({"jobs": ["sequence", "forward"]}));
    let bodies = [record(event).to_string(), jobs.to_string(), "{}".to_owned()];
    assert_eq!(recorder.messages(messages(bodies)).await, ["message-2"]);
    recorder.minute().await;
    env.complete(&[&producer]).await;
}

/// It reads its secret no more often than otherwise.
#[tokio::test]
async fn function_starts_without_the_database() {
    let mut env = TestEnv::with_recorder().await;
    env.database_goes_down().await;
    let function = env.function("recorder").await;
    let producer = Producer::new(&env.clock);
    for _ in 0..3 {
        let from = producer.lines().len();
        let answer = function.invoke(log(&producer.print(2).lines()[from..])).await;
        assert_eq!(answer["put_off"], 1, "{answer}");
    }
    let reads = env
        .aws()
        .requests()
        .into_iter()
        .filter(|request| request.body["SecretId"] == "app");
    assert_eq!(reads.count(), 1);
    env.database_comes_back().await;
    let bodies = env.aws().messages().into_iter().map(|message| message.body);
    let answer = function.invoke(messages(bodies)).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    function.invoke(json!({"jobs": ["sequence", "forward"]})).await;
    env.complete(&[&producer]).await;
}
