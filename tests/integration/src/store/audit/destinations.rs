//! Destinations: one sender at a time, a cursor that never goes back, no rejected entry is lost.

use doubles::postgres::{connect, fresh_database};
use store::{DestinationEnd, DestinationLease, Store, StoreError, UndeliveredEntry};

use super::sample::{ALL, at, entries, ids, number, record, release, seconds};

async fn lease(store: &Store, now: i64) -> Option<DestinationLease> {
    store
        .lease_audit_destination("http", at(now), seconds(60))
        .await
        .unwrap()
}

fn refused(position: i64) -> UndeliveredEntry {
    UndeliveredEntry {
        position,
        event_id: super::sample::stream_entry(1, u64::try_from(position).unwrap()).id,
        error_class: "invalid_response".to_owned(),
        error: "422".to_owned(),
    }
}

async fn with_entries(store: &Store, count: u64) {
    record(store, entries(1, 1..=count), at(0)).await;
    release(store, at(0), ALL).await;
}

#[tokio::test]
async fn entries_after_the_cursor_come_in_order() {
    let database = fresh_database().await;
    let store = database.store();
    with_entries(&store, 5).await;
    let cursor = lease(&store, 1).await.unwrap();
    assert_eq!(
        (cursor.delivered, cursor.failures),
        (0, 0),
        "a new destination gets everything"
    );
    let some = store.audit_entries_after(0, 3).await.unwrap();
    let rest = store.audit_entries_after(3, 100).await.unwrap();
    let all: Vec<_> = some.iter().chain(&rest).collect();
    assert_eq!(
        all.iter().map(|entry| entry.position).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    let expected = entries(1, 1..=5);
    assert_eq!(all.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids(&expected));
    for (found, expected) in all.iter().zip(&expected) {
        assert_eq!(
            (&found.line, &found.action, &found.service),
            (&expected.line, &expected.action, &expected.service)
        );
        assert_eq!(found.timestamp, expected.timestamp);
    }
    assert_eq!(store.audit_entries_after(5, 100).await.unwrap(), []);
}

#[tokio::test]
async fn destination_has_one_sender_until_lease_expires() {
    let database = fresh_database().await;
    let (one, other) = (database.store(), database.store());
    with_entries(&one, 5).await;
    let first = lease(&one, 0).await.unwrap();
    assert_eq!(lease(&other, 59).await, None);
    assert!(
        other
            .lease_audit_destination("file", at(59), seconds(60))
            .await
            .unwrap()
            .is_some(),
        "another is free"
    );
    assert!(one.advance_audit_destination(&first, 2, &[], at(59)).await.unwrap());
    let second = lease(&other, 60).await.unwrap();
    assert_eq!(second.delivered, 2);

    // No further action of the first changes anything.
    let before = state(&database.auditor_url).await;
    assert!(
        !one.advance_audit_destination(&first, 5, &[refused(5)], at(61))
            .await
            .unwrap()
    );
    assert!(
        !one.finish_audit_destination(first.clone(), DestinationEnd::Idle, at(61))
            .await
            .unwrap()
    );
    let failed = DestinationEnd::Failed {
        class: "timeout".to_owned(),
        error: "late".to_owned(),
        next_attempt_at: at(9999),
    };
    assert!(!one.finish_audit_destination(first, failed, at(61)).await.unwrap());
    assert_eq!(state(&database.auditor_url).await, before);

    assert!(other.advance_audit_destination(&second, 5, &[], at(62)).await.unwrap());
    assert!(
        other
            .finish_audit_destination(second, DestinationEnd::Idle, at(63))
            .await
            .unwrap()
    );
    assert_eq!(lease(&one, 64).await.unwrap().delivered, 5);
}

async fn state(url: &str) -> String {
    let sql = "SELECT (SELECT jsonb_agg(d ORDER BY name) FROM audit_destinations AS d)::text
        || (SELECT count(*) FROM audit_undelivered)";
    connect(url).await.query_typed_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn cursor_never_goes_back_or_past_the_end() {
    let database = fresh_database().await;
    let store = database.store();
    with_entries(&store, 5).await;
    let held = lease(&store, 0).await.unwrap();
    assert!(store.advance_audit_destination(&held, 4, &[], at(1)).await.unwrap());
    assert!(store.advance_audit_destination(&held, 3, &[], at(2)).await.unwrap());
    let error = store
        .advance_audit_destination(&held, 6, &[refused(5)], at(3))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Rejected(_)), "{error}");
    store
        .finish_audit_destination(held, DestinationEnd::Idle, at(4))
        .await
        .unwrap();
    assert_eq!(lease(&store, 5).await.unwrap().delivered, 4);
    let client = connect(&database.auditor_url).await;
    assert_eq!(number(&client, "SELECT count(*) FROM audit_undelivered").await, 0);
}

#[tokio::test]
async fn failing_destination_waits_for_its_next_attempt() {
    let database = fresh_database().await;
    let store = database.store();
    with_entries(&store, 5).await;
    let failed = |next| DestinationEnd::Failed {
        class: "server_error".to_owned(),
        error: "503".to_owned(),
        next_attempt_at: at(next),
    };
    let held = lease(&store, 0).await.unwrap();
    assert!(store.finish_audit_destination(held, failed(10), at(1)).await.unwrap());
    assert_eq!(lease(&store, 9).await, None);
    let held = lease(&store, 10).await.unwrap();
    assert_eq!(held.failures, 1);
    assert!(store.finish_audit_destination(held, failed(20), at(11)).await.unwrap());
    let behind = &store.audit_backlog(at(12)).await.unwrap().destinations[0];
    assert_eq!(
        (behind.behind, behind.failures, behind.failing_since),
        (5, 2, Some(at(1)))
    );
    assert_eq!(behind.oldest, Some(at(0)));

    // The first progress ends the failure.
    let held = lease(&store, 20).await.unwrap();
    assert!(
        store
            .advance_audit_destination(&held, 1, &[refused(1)], at(21))
            .await
            .unwrap()
    );
    let behind = &store.audit_backlog(at(22)).await.unwrap().destinations[0];
    assert_eq!(
        (behind.behind, behind.failures, behind.failing_since, behind.undelivered),
        (4, 0, None, 1)
    );
}

#[tokio::test]
async fn rejected_entry_is_kept_once_with_cursor_move() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    with_entries(&store, 5).await;
    let held = lease(&store, 0).await.unwrap();
    for _ in 0..2 {
        let refusals = [refused(3), refused(2)];
        assert!(
            store
                .advance_audit_destination(&held, 5, &refusals, at(1))
                .await
                .unwrap()
        );
    }
    let sql = "SELECT count(*) FROM audit_undelivered JOIN audit_positions USING (position, event_id) WHERE destination = 'http'";
    assert_eq!(number(&client, sql).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_lease_a_destination_once() {
    let database = fresh_database().await;
    let stores: Vec<_> = (0..8).map(|_| database.store()).collect();
    for round in 0..5 {
        let leases = futures::future::join_all(stores.iter().map(|store| lease(store, round * 100))).await;
        assert_eq!(leases.iter().flatten().count(), 1, "round {round}");
    }
}
