//! The processor killed before its commit, and between commit and queue.

use doubles::{Fault, Stub};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::env::TestEnv;
use crate::outbox::{HISTORY, POST, batch, delivery, relay, unapproved};

const TABLES: [&str; 7] = [
    "merge_request_events",
    "security_review_decisions",
    "security_review_exceptions",
    "evaluations",
    "quarantined_deliveries",
    "effects",
    "effect_attempts",
];

/// Every complete row that the auditor sees.
async fn rows(env: &TestEnv) -> Value {
    let mut found = serde_json::Map::new();
    for table in TABLES {
        let sql = format!("SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text), '[]') FROM {table} t");
        let row = env.auditor().query_typed(&sql, &[]).await.unwrap().remove(0);
        found.insert(table.to_owned(), row.get(0));
    }
    found.into()
}

fn counts(rows: &Value) -> [usize; TABLES.len()] {
    TABLES.map(|table| rows[table].as_array().unwrap().len())
}

#[tokio::test]
async fn killed_after_commit_relay_sends_the_alert_once() {
    let env = TestEnv::with_functions().await;
    let mr = unapproved(1);
    env.merged(&mr, |_| ());
    let delivery = delivery(&mr);

    let mut killed = env.function("processor").await;
    env.queue_fails(Fault::Hang);
    env.kill_when(&mut killed, delivery.clone(), env.queue_asked()).await;
    env.aws().clear_stubs();
    let committed = rows(&env).await;
    assert_eq!(counts(&committed), [1, 1, 1, 0, 0, 1, 0]);
    let effect = &committed["effects"][0];
    assert_eq!((&effect["state"], &effect["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!(env.aws().messages(), []);

    let fresh = env.function("processor").await;
    fresh.completes(delivery).await;
    fresh.entries("webhook.delivery.duplicate", 1);
    // The killed process may not have written the entry: its successor writes it again, as the same entry.
    let entries = [&killed, &fresh].map(|function| function.entries("exception.record.insert", 1).remove(0));
    for field in ["id", "timestamp", "details", "correlation_id"] {
        assert_eq!(entries[0][field], entries[1][field], "{field}");
    }
    assert_eq!(rows(&env).await, committed, "the delivery sent again changes nothing");
    assert_eq!(env.aws().messages(), []);

    let id: Uuid = serde_json::from_value(effect["id"].clone()).unwrap();
    env.make_due(id).await;
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    let [message] = &env.aws().messages()[..] else {
        panic!("one message expected")
    };
    assert_eq!(message.group_id.as_deref(), Some("slack:C0SECLEAD"));
    let named = message.deduplication_id.as_deref();
    assert!(
        named.is_some_and(|named| named.starts_with(&format!("{id}-0-"))),
        "{named:?}"
    );

    let notifier = env.function("notifier").await;
    notifier.completes(batch(&message.body, "slack:C0SECLEAD", 1)).await;
    let [posted] = &env.slack().messages()[..] else {
        panic!("one message expected")
    };
    let row = env.effect_row(id).await;
    assert_eq!(
        (row.state.as_str(), row.external_id),
        ("done", Some(posted.ts.to_string()))
    );
    assert_eq!(env.attempts(id).await, ["1 begun", "1 ended: done"]);
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (1, 0));
    env.audited([notifier]);
}

#[tokio::test]
async fn killed_before_the_commit_redelivery_does_everything() {
    let env = TestEnv::with_functions().await;
    let mr = unapproved(1);
    env.merged(&mr, |_| ());
    let delivery = delivery(&mr);

    let mut killed = env.function("processor").await;
    let path = "/api/v4/projects/77/merge_requests/1";
    let hang = Stub::failing("GET", path, Fault::Hang);
    env.gitlab().stub(hang).unwrap();
    env.kill_when(&mut killed, delivery.clone(), env.gitlab_asked(path))
        .await;
    env.gitlab().clear_stubs();
    assert_eq!(counts(&rows(&env).await), [0; TABLES.len()]);
    assert_eq!(env.aws().messages(), []);

    let fresh = env.function("processor").await;
    fresh.completes(delivery).await;
    let stored = rows(&env).await;
    assert_eq!(counts(&stored), [1, 1, 1, 0, 0, 1, 0]);
    let [message] = &env.aws().messages()[..] else {
        panic!("one message expected")
    };
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["effect_id"], stored["effects"][0]["id"]);
}

#[tokio::test]
async fn killed_after_the_queue_accepted_relay_adds_none() {
    let env = TestEnv::with_functions().await;
    let mr = unapproved(1);
    env.merged(&mr, |_| ());
    let mut killed = env.function("processor").await;
    env.queue_fails(Fault::PostThenHang);
    env.kill_when(&mut killed, delivery(&mr), env.queue_asked()).await;
    env.aws().clear_stubs();
    let before = env.aws().messages();
    assert_eq!(before.len(), 1);

    let id: Uuid = serde_json::from_value(rows(&env).await["effects"][0]["id"].clone()).unwrap();
    env.make_due(id).await;
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    assert_eq!(env.aws().messages(), before, "SQS knows the deduplication id");
}
