//! Months: created when entries arrive, detached when all destinations have them, and then left unchanged.

use doubles::postgres::{TestDatabase, config, connect, fresh_database};
use jiff::Timestamp;
use store::{DestinationEnd, detach_audit_partitions};
use tokio_postgres::Client;

use super::sample::{ALL, at, at_time, ids, line, number, order, record, release, seconds};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn months(client: &Client) -> Vec<String> {
    let sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1";
    client
        .query_typed(sql, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// Entries of three months across the end of a year, all with positions.
async fn across_a_year() -> TestDatabase {
    let database = fresh_database().await;
    let store = database.store();
    let times = [
        "2026-11-15T00:00:00Z",
        "2026-12-31T23:59:59.999Z",
        "2027-01-01T00:00:00Z",
        "2027-01-31T23:59:59.999Z",
    ];
    let lines: Vec<_> = (1..)
        .zip(times)
        .map(|(seq, at)| at_time(time(at), "year", Some(line(1, seq))))
        .collect();
    assert_eq!(
        record(&store, lines.clone(), time("2027-01-31T23:59:59.999Z"))
            .await
            .new
            .len(),
        4
    );
    release(&store, at(0), ALL).await;
    let client = connect(&database.auditor_url).await;
    assert_eq!(order(&client).await, ids(&lines));
    database
}

async fn deliver_up_to(database: &TestDatabase, name: &str, position: i64) {
    let store = database.store();
    let lease = store
        .lease_audit_destination(name, at(0), seconds(60))
        .await
        .unwrap()
        .unwrap();
    assert!(
        store
            .advance_audit_destination(&lease, position, &[], at(1))
            .await
            .unwrap()
    );
    assert!(
        store
            .finish_audit_destination(lease, DestinationEnd::Idle, at(0))
            .await
            .unwrap()
    );
}

async fn detach(database: &TestDatabase, older_than: &str) -> Vec<String> {
    detach_audit_partitions(&config(&database.owner_url), time(older_than))
        .await
        .unwrap()
}

#[tokio::test]
async fn months_are_created_for_and_hold_their_entries() {
    let database = across_a_year().await;
    let client = connect(&database.auditor_url).await;
    assert_eq!(
        months(&client).await,
        ["audit_events_2026_11", "audit_events_2026_12", "audit_events_2027_01"]
    );
    for (month, count) in [("2026_11", 1), ("2026_12", 1), ("2027_01", 2)] {
        assert_eq!(
            number(&client, &format!("SELECT count(*) FROM audit_events_{month}")).await,
            count,
            "{month}"
        );
    }
}

#[tokio::test]
async fn months_are_made_ahead_once_and_counted() {
    let database = fresh_database().await;
    let store = database.store();
    let now = time("2026-10-31T23:00:00Z");
    assert_eq!(store.audit_backlog(now).await.unwrap().partitions_ahead, 0);
    assert_eq!(store.make_audit_partitions(now, 3).await.unwrap(), 4);
    assert_eq!(store.make_audit_partitions(now, 3).await.unwrap(), 0);
    assert_eq!(store.audit_backlog(now).await.unwrap().partitions_ahead, 3);
    assert_eq!(
        store
            .make_audit_partitions(time("2027-03-01T00:00:00Z"), 0)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store.audit_backlog(now).await.unwrap().partitions_ahead,
        3,
        "counted up to the first that is missing"
    );
    let client = connect(&database.auditor_url).await;
    assert_eq!(months(&client).await.last().unwrap(), "audit_events_2027_03");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_recorders_create_a_month_once() {
    let database = fresh_database().await;
    let stores: Vec<_> = (1..=6).map(|number| (number, database.store())).collect();
    let work = stores.iter().map(|(number, store)| async move {
        let times = ["2026-03-31T00:00:00Z", "2026-02-01T00:00:00Z", "2025-12-31T00:00:00Z"];
        let lines = (1..)
            .zip(times)
            .map(|(seq, at)| at_time(time(at), &number.to_string(), Some(line(*number, seq))));
        record(store, lines.collect(), at(0)).await.new.len()
    });
    let recorded: usize = futures::future::join_all(work).await.into_iter().sum();
    assert_eq!(recorded, 18);
    let client = connect(&database.auditor_url).await;
    assert_eq!(months(&client).await.len(), 3);
}

#[tokio::test]
async fn month_is_detached_after_every_destination_has_it() {
    let database = across_a_year().await;
    let client = connect(&database.auditor_url).await;
    deliver_up_to(&database, "http", 4).await;
    deliver_up_to(&database, "file", 1).await;
    assert_eq!(
        detach(&database, "2026-11-30T23:59:59Z").await,
        Vec::<String>::new(),
        "November is not over"
    );
    assert_eq!(
        detach(&database, "2027-03-01T00:00:00Z").await,
        ["audit_events_2026_11"]
    );
    deliver_up_to(&database, "file", 2).await;
    assert_eq!(
        detach(&database, "2027-01-31T00:00:00Z").await,
        ["audit_events_2026_12"]
    );
    assert_eq!(detach(&database, "2027-01-31T00:00:00Z").await, Vec::<String>::new());
    assert_eq!(months(&client).await, ["audit_events_2027_01"]);
    let after = database.store().audit_entries_after(0, 100).await.unwrap();
    assert_eq!(after.iter().map(|entry| entry.position).collect::<Vec<_>>(), [3, 4]);
    let store = database.store();
    let late = store
        .lease_audit_destination("syslog", at(0), seconds(60))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        late.delivered, 2,
        "a destination that comes later begins with what is left"
    );
}

#[tokio::test]
async fn month_with_waiting_line_is_kept() {
    let database = across_a_year().await;
    let store = database.store();
    let waits = at_time(time("2026-11-20T00:00:00Z"), "waits", Some(line(2, 2)));
    record(&store, vec![waits], time("2027-01-01T00:00:00Z")).await;
    assert_eq!(detach(&database, "2027-03-01T00:00:00Z").await, Vec::<String>::new());
    let first = at_time(time("2026-11-20T00:00:00Z"), "first", Some(line(2, 1)));
    record(&store, vec![first], time("2027-01-01T00:00:00Z")).await;
    release(&store, at(0), ALL).await;
    assert_eq!(
        detach(&database, "2027-03-01T00:00:00Z").await.len(),
        3,
        "there is no destination to wait for"
    );
}

#[tokio::test]
async fn detached_month_is_immutable() {
    let database = across_a_year().await;
    assert_eq!(
        detach(&database, "2026-12-01T00:00:00Z").await,
        ["audit_events_2026_11"]
    );
    let auditor = connect(&database.auditor_url).await;
    assert_eq!(number(&auditor, "SELECT count(*) FROM audit_events_2026_11").await, 1);
    let owner = connect(&database.owner_url).await;
    for sql in [
        "UPDATE audit_events_2026_11 SET service = 'x'",
        "DELETE FROM audit_events_2026_11",
        "TRUNCATE audit_events_2026_11",
    ] {
        let error = owner.batch_execute(sql).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "23001", "{sql}");
    }
    let store = database.store();
    let again = at_time(time("2026-11-15T00:00:00Z"), "year", Some(line(1, 1)));
    let report = record(&store, vec![again], time("2027-01-01T00:00:00Z")).await;
    assert_eq!(
        (report.new.len(), report.quarantined),
        (0, 1),
        "its retention period has ended: kept, not recorded again"
    );
    assert_eq!(number(&auditor, "SELECT count(*) FROM audit_pending").await, 0);
    owner.batch_execute("DROP TABLE audit_events_2026_11").await.unwrap();
}

#[tokio::test]
async fn detach_waiting_for_reader_does_not_block_recorder() {
    let database = across_a_year().await;
    let reader = connect(&database.auditor_url).await;
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM audit_events")
        .await
        .unwrap();
    let owner = config(&database.owner_url);
    let detaching = detach_audit_partitions(&owner, time("2027-03-01T00:00:00Z"));
    let store = database.store();
    let recording = async {
        let line = at_time(time("2027-01-02T00:00:00Z"), "meanwhile", None);
        record(&store, vec![line], time("2027-01-02T00:00:00Z")).await.new.len()
    };
    let (detached, recorded) = futures::future::join(detaching, recording).await;
    assert!(detached.is_err_and(|error| matches!(error, store::StoreError::Conflict(_))));
    assert_eq!(recorded, 1);
    reader.batch_execute("COMMIT").await.unwrap();
    release(&store, at(0), ALL).await;
    assert_eq!(detach(&database, "2027-03-01T00:00:00Z").await.len(), 3);
}
