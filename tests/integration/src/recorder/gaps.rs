//! Missing lines are detected: a line, a tail, the end of a call. Late lines are still stored.

use audit::{Action, Entry, Outcome, Target};
use jiff::SignedDuration;
use model::AuditLine;
use serde_json::{Value, json};

use super::producer::{Producer, log};
use crate::env::TestEnv;

const AFTER: SignedDuration = SignedDuration::from_secs(901);

async fn entries_of(env: &TestEnv, action: &str) -> Vec<Value> {
    let sql = format!(
        "SELECT entry::jsonb FROM audit_positions JOIN audit_events ON id = event_id WHERE action = '{action}'
        ORDER BY position"
    );
    env.rows(&sql).await
}

#[tokio::test]
async fn missing_line_becomes_a_gap_until_it_arrives() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let lines = producer.print(6).lines();
    recorder.take(log(&[&lines[..2], &lines[4..]].concat())).await;
    env.clock.pass(SignedDuration::from_secs(600));
    assert_eq!(recorder.minute().await.gaps, 0);
    assert_eq!(
        env.value::<i64>("SELECT count(*) FROM audit_pending WHERE stream_seq >= 5")
            .await,
        2
    );

    // 1. The gap is reported once it is old enough.
    env.clock.pass(AFTER);
    let report = recorder.minute().await;
    assert_eq!(report.gaps, 1);
    assert_eq!(recorder.measured("audit_gaps_detected"), [0, 1]);
    let [gap] = &entries_of(&env, "audit.gap_detected").await[..] else {
        panic!("expected one gap")
    };
    let stream = &producer.entries()[0]["stream"]["id"];
    assert_eq!(gap["target"], json!({"resource_type": "stream", "id": stream}));
    assert_eq!(
        (&gap["outcome"], &gap["error"]),
        (&json!("failure"), &json!("not_found"))
    );
    assert_eq!(
        gap["details"],
        json!({"first_seq": 3, "last_seq": 4, "missing": 2, "reason": "missing", "service": "webhook"})
    );
    assert_eq!(recorder.measured("audit_gaps_open").last(), Some(&1));
    let arrived = env.taken();
    assert!(arrived.contains(&producer.entries()[5]), "the rest continues");
    assert!(arrived.contains(gap), "and the gap is reported in the same run");

    // 2. The late lines close it.
    recorder.take(log(&lines[2..3])).await;
    assert_eq!(entries_of(&env, "audit.gap_closed").await.len(), 0);
    recorder.take(log(&lines[3..4])).await;
    assert_eq!(entries_of(&env, "audit.gap_closed").await.len(), 1);
    recorder.minute().await;
    let arrived = env.taken();
    assert!(producer.entries().iter().all(|entry| arrived.contains(entry)));
    env.clock.pass(AFTER);
    assert_eq!(recorder.minute().await.gaps, 0, "reported once");
    assert_eq!(recorder.measured("audit_gaps_open").last(), Some(&0));
}

#[tokio::test]
async fn lost_tail_is_detected_by_a_later_claim() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let lines = producer.print(3).lines();
    recorder.take(log(&lines[..1])).await;
    let claim = producer.writer.position().unwrap();
    assert_eq!(claim.seq, 3);
    let store = env.database().store();
    let mut tx = store.begin().await.unwrap();
    tx.claim_audit_lines(&[claim], super::producer::start_time())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    env.clock.pass(AFTER);
    assert_eq!(recorder.minute().await.gaps, 1);
    let gaps = entries_of(&env, "audit.gap_detected").await;
    assert_eq!(gaps[0]["details"]["reason"], "lost_tail");
    assert_eq!(
        (&gaps[0]["details"]["first_seq"], &gaps[0]["details"]["last_seq"]),
        (&json!(2), &json!(3))
    );
}

#[tokio::test]
async fn open_call_is_reported_under_its_correlation_id() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let (ended, lost) = (producer.begin(), producer.begin());
    let entry = Entry::new(
        Action::SqsSendMessage,
        &audit::Context::new(audit::ActorType::WebhookEvent, uuid::Uuid::now_v7()),
        Target::other("queue", "deliveries.fifo"),
        Outcome::Success,
    );
    producer.writer.write(&entry.completes(ended));
    recorder.take(producer.log()).await;
    assert_eq!(recorder.minute().await.open_calls, 0);
    env.clock.pass(AFTER);
    assert_eq!(recorder.minute().await.open_calls, 1);
    assert_eq!(recorder.minute().await.open_calls, 0, "reported once");
    let [open] = &entries_of(&env, "audit.intent_open").await[..] else {
        panic!("expected one open call")
    };
    assert_eq!(open["correlation_id"], producer.correlation_id());
    assert_eq!(
        open["actor"],
        json!({"type": "webhook_event", "id": producer.correlation_id()})
    );
    assert_eq!(
        open["target"],
        json!({"resource_type": "queue", "id": "deliveries.fifo"})
    );
    assert_eq!(
        (&open["outcome"], &open["error"]),
        (&json!("failure"), &json!("timeout"))
    );
    assert_eq!(open["details"]["intent_id"], lost.id().to_string());
    assert_eq!(open["details"]["call"], "sqs.api.send_message");
}

#[tokio::test]
async fn recorder_killed_after_a_call_leaves_a_gap() {
    let env = TestEnv::with_recorder().await;
    let store = env.database().store();
    {
        let dying = env.recorder();
        let producer = Producer::new(&env.clock);
        dying.take(producer.print(1).log()).await;
        dying.minute().await; // prints the entry about its call, and stores it
    }
    recorder_claims_nothing_false(&env).await;
    // As if one died between the call and storing its lines: only its claim exists.
    let line = AuditLine {
        stream_id: uuid::Uuid::now_v7(),
        seq: 2,
    };
    let mut tx = store.begin().await.unwrap();
    tx.claim_audit_lines(&[line], model::Clock::now(&env.clock))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let claims = format!(
        "SELECT count(*) FROM audit_claims WHERE stream_id = '{}'",
        line.stream_id
    );
    assert_eq!(env.value::<i64>(&claims).await, 1);
    env.clock.pass(AFTER);
    assert_eq!(env.recorder().minute().await.gaps, 1);
}

/// Every claim of the recorder about its own lines is finally true.
async fn recorder_claims_nothing_false(env: &TestEnv) {
    let recorder = env.recorder();
    recorder.minute().await;
    env.clock.pass(AFTER);
    assert_eq!(recorder.minute().await.gaps, 0);
}
