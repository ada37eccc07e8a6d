//! Announced calls: removed when their entry arrives, reported once if it does not.

use audit::line_schema::ParsedIntent;
use doubles::postgres::{connect, fresh_database};
use jiff::Timestamp;
use store::{AuditBatch, Store};

use super::sample::{SOURCE, at, batch, intent, keyed_entry, number, record};

async fn announce(store: &Store, intents: Vec<ParsedIntent>, now: Timestamp) {
    let batch = AuditBatch {
        source: SOURCE.to_owned(),
        intents,
        ..AuditBatch::default()
    };
    store.record_audit_batch(&batch, now).await.unwrap();
}

async fn open(store: &Store, before: Timestamp) -> Vec<ParsedIntent> {
    let mut tx = store.begin().await.unwrap();
    let open = tx.open_audit_intents(before, 100).await.unwrap();
    tx.commit().await.unwrap();
    open
}

#[tokio::test]
async fn call_without_entry_is_open_and_reported_once() {
    let database = fresh_database().await;
    let store = database.store();
    announce(&store, vec![intent("lost")], at(5)).await;
    announce(&store, vec![intent("lost")], at(50)).await;
    assert_eq!(open(&store, at(4)).await, []);
    assert_eq!(
        open(&store, at(5)).await,
        [intent("lost")],
        "by the first time it was recorded"
    );
    let mut tx = store.begin().await.unwrap();
    tx.mark_audit_intents_reported(&[intent("lost").id], at(6))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(open(&store, at(100)).await, []);
    let backlog = store.audit_backlog(at(100)).await.unwrap();
    assert_eq!((backlog.waiting_intents, backlog.open_intents), (0, 1));
    // It arrives late.
    record(&store, vec![keyed_entry("lost", None)], at(101)).await;
    assert_eq!(store.audit_backlog(at(102)).await.unwrap().open_intents, 0);
}

#[tokio::test]
async fn announcement_and_entry_meet_in_any_order() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let both = AuditBatch {
        intents: vec![intent("together")],
        ..batch(vec![keyed_entry("together", None)])
    };
    store.record_audit_batch(&both, at(1)).await.unwrap();
    announce(&store, vec![intent("before")], at(1)).await;
    record(&store, vec![keyed_entry("before", None)], at(2)).await;
    record(&store, vec![keyed_entry("after", None)], at(1)).await;
    announce(&store, vec![intent("after")], at(2)).await;
    assert_eq!(number(&client, "SELECT count(*) FROM audit_intents").await, 0);
    announce(&store, vec![intent("alone")], at(2)).await;
    assert_eq!(open(&store, at(9)).await, [intent("alone")], "and the check can fail");
}

/// Two recorders; neither sees the other's uncommitted rows.
#[tokio::test]
async fn concurrently_recorded_announcement_and_entry_leave_nothing_open() {
    let database = fresh_database().await;
    let (one, other) = (database.store(), database.store());
    let mut tx = one.begin().await.unwrap();
    tx.record_audit_lines(&[keyed_entry("both", None)], "one", at(1))
        .await
        .unwrap();
    announce(&other, vec![intent("both"), intent("open")], at(1)).await;
    tx.commit().await.unwrap();
    assert_eq!(open(&one, at(9)).await, [intent("open")]);
}

#[tokio::test]
async fn open_calls_are_listed_oldest_first_and_limited() {
    let database = fresh_database().await;
    let store = database.store();
    for (key, second) in [("c", 3), ("a", 1), ("b", 2)] {
        announce(&store, vec![intent(key)], at(second)).await;
    }
    let mut tx = store.begin().await.unwrap();
    let open = tx.open_audit_intents(at(9), 2).await.unwrap();
    assert_eq!(open, [intent("a"), intent("b")]);
}
