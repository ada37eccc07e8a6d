//! The one transaction of a delivery: all or nothing, despite concurrent writers and interruptions.

use doubles::postgres::{TestDatabase, connect, fresh_database};
use model::ExceptionKind;
use store::StoreError;

use super::sample::{decision, exception, exception_verdict, key, record_exception};

/// Rows in the tables that one delivery writes.
async fn counts(database: &TestDatabase) -> [i64; 4] {
    let rows = connect(&database.auditor_url).await;
    let mut counts = [0; 4];
    let tables = [
        "merge_request_events",
        "security_review_decisions",
        "security_review_exceptions",
        "effects",
    ];
    for (count, table) in counts.iter_mut().zip(tables) {
        *count = rows
            .query_typed_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await
            .unwrap()
            .get(0);
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_concurrent_writers_make_one_exception_and_effect() {
    let database = fresh_database().await;
    let writers = (0..8).map(|number| {
        let store = database.store();
        async move { record_exception(&store, &key(1), &format!("d-{number}")).await }
    });
    let written = futures::future::join_all(writers).await;
    assert_eq!(counts(&database).await, [8, 1, 1, 1]);
    assert_eq!(
        written.iter().filter(|(_, effect)| effect.is_some()).count(),
        1,
        "one of them enqueues"
    );
    assert!(
        written.iter().all(|(id, _)| *id == written[0].0),
        "all describe the same row"
    );
}

#[tokio::test]
async fn the_same_delivery_ten_times_changes_nothing() {
    let database = fresh_database().await;
    let store = database.store();
    for _ in 0..10 {
        record_exception(&store, &key(1), "d-1").await;
    }
    assert_eq!(counts(&database).await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn interrupted_transaction_leaves_nothing_and_is_repeatable() {
    let database = fresh_database().await;
    let store = database.store();
    for steps in 1..=3 {
        let mut tx = store.begin().await.unwrap();
        tx.lock_merge_request(&key(1)).await.unwrap();
        if steps > 1 {
            let new = decision(&key(1), exception_verdict(ExceptionKind::NoApproval), None);
            tx.append_decision(&new).await.unwrap();
        }
        if steps > 2 {
            tx.upsert_exception(&exception(&key(1))).await.unwrap();
        }
        drop(tx);
        assert_eq!(counts(&database).await, [0, 0, 0, 0], "cut off after step {steps}");
    }
    // The lock is free again, and the connection is the same as before.
    record_exception(&store, &key(1), "d-1").await;
    assert_eq!(counts(&database).await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_transaction_rolled_back_leaves_nothing() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(counts(&database).await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn commit_after_ignored_failure_is_an_error() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).await.unwrap();
    let orphan = decision(
        &key(1),
        exception_verdict(ExceptionKind::NoApproval),
        Some(uuid::Uuid::now_v7()),
    );
    assert!(tx.append_decision(&orphan).await.is_err());
    assert!(matches!(tx.commit().await, Err(StoreError::Rejected(_))));
    assert_eq!(counts(&database).await, [0, 0, 0, 0]);
    record_exception(&store, &key(1), "d-1").await;
}

#[tokio::test]
async fn lock_timeout_on_merge_request_is_retryable() {
    let database = fresh_database().await;
    let (holder, waiter) = (database.store(), database.store());
    let mut holding = holder.begin().await.unwrap();
    holding.lock_merge_request(&key(1)).await.unwrap();

    let mut tx = waiter.begin().await.unwrap();
    tx.lock_merge_request(&key(2)).await.unwrap();
    let refusal = tx.lock_merge_request(&key(1)).await.unwrap_err();
    assert!(
        matches!(refusal, StoreError::Conflict(_)) && refusal.is_retryable(),
        "{refusal}"
    );
    drop(tx);

    holding.commit().await.unwrap();
    let mut tx = waiter.begin().await.unwrap();
    tx.lock_merge_request(&key(1)).await.unwrap();
}

#[tokio::test]
async fn errors_name_constraints_and_never_values() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let new = decision(&key(1), exception_verdict(ExceptionKind::NoApproval), None);
    tx.append_decision(&new).await.unwrap();
    let second = decision(&key(1), exception_verdict(ExceptionKind::NoApproval), None);
    let refusal = tx.append_decision(&second).await.unwrap_err();
    let text = format!("{refusal} {refusal:?}");
    assert!(text.contains("security_review_decisions_root"), "{text}");
    assert!(!text.contains("gitlab.example"), "{text}");
}

#[tokio::test]
async fn unreadable_row_is_reported_as_corrupt() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let id = tx.upsert_exception(&exception(&key(1))).await.unwrap();
    tx.commit().await.unwrap();
    let owner = connect(&database.owner_url).await;
    let spoil =
        format!("UPDATE security_review_exceptions SET reasons = '[{{\"kind\": \"bored\"}}]' WHERE id = '{id}'");
    owner.batch_execute(&spoil).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let error = tx.exception(&key(1)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt(column) if column.contains("reasons")),
        "{error}"
    );
    assert!(error.is_retryable(), "another version may read it");
}

#[tokio::test]
async fn a_queued_statement_that_fails_fails_the_commit() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).later().unwrap();
    let orphan = decision(
        &key(1),
        exception_verdict(ExceptionKind::NoApproval),
        Some(uuid::Uuid::now_v7()),
    );
    tx.append_decision(&orphan).later().unwrap();
    let refusal = tx.commit().await.unwrap_err();
    assert!(matches!(refusal, StoreError::Rejected(_)), "{refusal}");
    assert_eq!(counts(&database).await, [0, 0, 0, 0]);
    record_exception(&store, &key(1), "d-1").await;
}

#[tokio::test]
async fn answers_of_a_failed_transaction_are_errors() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let orphan = decision(
        &key(1),
        exception_verdict(ExceptionKind::NoApproval),
        Some(uuid::Uuid::now_v7()),
    );
    let written = tx.append_decision(&orphan).later().unwrap();
    let found = tx.exception(&key(1)).later().unwrap();
    assert!(tx.take(written).await.is_err());
    assert!(tx.take(found).await.is_err(), "a missing answer is not an empty answer");
}

#[tokio::test]
async fn a_dropped_wait_rolls_back_what_was_sent() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).later().unwrap();
    let mut sent = Box::pin(tx.send());
    assert!(futures::poll!(sent.as_mut()).is_pending());
    drop(sent);
    drop(tx);
    assert_eq!(counts(&database).await, [0, 0, 0, 0]);
    record_exception(&store, &key(1), "d-1").await;
    assert_eq!(counts(&database).await, [1, 1, 1, 1]);
}
