//! The order: dense, in each stream by number, across streams by arrival; a line waits for its predecessors.

use doubles::postgres::{connect, fresh_database};

use super::sample::{ALL, at, entries, ids, keyed_entry, line, number, order, record, release, stream_entry};

#[tokio::test]
async fn lines_arriving_out_of_order_get_ordered_positions() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [3, 4]), at(1)).await;
    let held = release(&store, at(2), ALL).await;
    assert_eq!(
        (held.lines, held.positions, held.waiting),
        (0, 0, 2),
        "1 and 2 are missing"
    );
    record(&store, entries(1, [2]), at(3)).await;
    assert_eq!(release(&store, at(4), ALL).await.waiting, 3);
    record(&store, entries(1, [1]), at(5)).await;
    assert_eq!(release(&store, at(6), ALL).await.positions, 4);
    assert_eq!(order(&client).await, ids(&entries(1, 1..=4)));
}

#[tokio::test]
async fn across_streams_the_order_is_that_of_arrival() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    for lines in [
        entries(2, [1]),
        entries(1, [2]),
        vec![keyed_entry("of no stream", None)],
        entries(2, [2]),
        entries(1, [1]),
        entries(3, [2]),
    ] {
        record(&store, lines, at(1)).await;
    }
    assert_eq!(
        release(&store, at(2), ALL).await.waiting,
        1,
        "stream 3 waits for its first"
    );
    let expected = [
        stream_entry(2, 1),
        keyed_entry("of no stream", None),
        stream_entry(2, 2),
        stream_entry(1, 1),
        stream_entry(1, 2),
    ];
    assert_eq!(order(&client).await, ids(&expected));
}

#[tokio::test]
async fn limit_reduces_the_work_not_the_order() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, (1..=10).rev()), at(1)).await;
    record(&store, entries(2, 1..=10), at(1)).await;
    let mut rounds = 0;
    while release(&store, at(2), 3).await.lines == 3 {
        rounds += 1;
    }
    assert_eq!(rounds, 6);
    let expected = [entries(1, 1..=10), entries(2, 1..=10)].concat();
    assert_eq!(order(&client).await, ids(&expected));
}

/// Once under its own line and once under another: its own line determines its position; the other only counts as arrived.
#[tokio::test]
async fn entry_repeated_in_another_stream_keeps_its_position() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let own = keyed_entry("same", Some(line(1, 2)));
    record(&store, vec![own.clone()], at(1)).await;
    record(
        &store,
        vec![keyed_entry("same", Some(line(2, 1))), stream_entry(2, 2)],
        at(2),
    )
    .await;
    let released = release(&store, at(3), ALL).await;
    assert_eq!((released.lines, released.positions, released.waiting), (2, 1, 1));
    assert_eq!(
        order(&client).await,
        [stream_entry(2, 2).id],
        "stream 1 still waits for its first line"
    );
    record(&store, vec![stream_entry(1, 1)], at(4)).await;
    release(&store, at(5), ALL).await;
    assert_eq!(
        order(&client).await,
        [stream_entry(2, 2).id, stream_entry(1, 1).id, own.id]
    );
    record(&store, vec![keyed_entry("same", Some(line(2, 1)))], at(6)).await;
    assert_eq!(
        number(&client, "SELECT count(*) FROM audit_pending").await,
        0,
        "accounted for: no work is left"
    );
}

#[tokio::test]
async fn two_entries_claiming_one_line_are_kept() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let (one, other) = (
        keyed_entry("one", Some(line(1, 1))),
        keyed_entry("other", Some(line(1, 1))),
    );
    record(&store, vec![one.clone()], at(1)).await;
    record(&store, vec![other.clone()], at(1)).await;
    assert_eq!(release(&store, at(2), ALL).await.positions, 2);
    let third = keyed_entry("third", Some(line(1, 1)));
    record(&store, vec![third.clone()], at(3)).await;
    assert_eq!(release(&store, at(4), ALL).await.positions, 1);
    assert_eq!(order(&client).await, [one.id, other.id, third.id]);
}

#[tokio::test]
async fn recorder_killed_before_commit_leaves_nothing() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    for step in 0..4 {
        let mut tx = store.begin().await.unwrap();
        tx.record_audit_lines(&entries(1, 1..=5), "own", at(1)).await.unwrap();
        if step > 0 {
            tx.lock_audit_sequence().await.unwrap();
        }
        if step > 1 {
            assert_eq!(tx.release_audit_lines(at(1), 3).await.unwrap().positions, 3);
        }
        if step > 2 {
            database.disconnect_everybody().await;
            assert!(tx.commit().await.is_err());
        } else {
            drop(tx);
        }
        let left = connect(&database.auditor_url).await;
        assert!(order(&left).await.is_empty(), "after step {step}");
        assert_eq!(number(&left, "SELECT count(*) FROM audit_events").await, 0);
    }
    drop(client);
    let client = connect(&database.auditor_url).await;
    record(&store, entries(1, 1..=5), at(2)).await;
    release(&store, at(3), ALL).await;
    assert_eq!(order(&client).await, ids(&entries(1, 1..=5)));
}

#[tokio::test]
async fn recorder_sequences_own_lines_in_one_transaction() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let mut tx = store.begin().await.unwrap();
    tx.lock_audit_sequence().await.unwrap();
    let report = tx.record_audit_lines(&entries(9, 1..=2), "own", at(1)).await.unwrap();
    assert_eq!(report.new.len(), 2);
    assert_eq!(tx.release_audit_lines(at(1), ALL).await.unwrap().positions, 2);
    tx.commit().await.unwrap();
    assert_eq!(order(&client).await, ids(&entries(9, 1..=2)));
}

#[tokio::test]
async fn completeness_view_shows_entry_removed_from_queue() {
    let database = fresh_database().await;
    let (store, client) = (
        database.store(),
        connect(
            &database
                .superuser_url
                .replace("/postgres?", &format!("/{}?", database.name())),
        )
        .await,
    );
    record(&store, vec![stream_entry(1, 1)], at(1)).await;
    let missed = "SELECT count(*) FROM audit_unsequenced";
    assert_eq!(number(&client, missed).await, 0);
    client.batch_execute("DELETE FROM audit_pending").await.unwrap();
    assert_eq!(number(&client, missed).await, 1);
}
