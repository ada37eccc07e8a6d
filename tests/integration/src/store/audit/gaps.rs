//! Gaps: detected after the time limit, never before; closed when all lines have arrived; a lost tail is found by claims in rows.

use doubles::postgres::{connect, empty_database, fresh_database};
use model::AuditLine;
use store::{AuditGap, GapReason, Store};

use super::sample::{
    ALL, GAP_AFTER, at, entries, ids, keyed_entry, line, minute, number, order, record, release, seconds, stream,
    stream_entry,
};

fn gap(number: u8, first_seq: u64, last_seq: u64, reason: GapReason) -> AuditGap {
    AuditGap {
        stream_id: stream(number),
        service: Some("processor".to_owned()),
        first_seq,
        last_seq,
        missing: last_seq - first_seq + 1,
        reason,
    }
}

async fn claim(store: &Store, lines: &[AuditLine], now: jiff::Timestamp) {
    let mut tx = store.begin().await.unwrap();
    tx.claim_audit_lines(lines, now).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn missing_numbers_become_a_gap_after_the_limit() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [1, 2, 5, 6, 8]), at(0)).await;
    let (due, released) = minute(&store, at(899)).await;
    assert_eq!((due, released.positions, released.waiting), (Vec::new(), 2, 3));
    let (due, released) = minute(&store, at(900)).await;
    assert_eq!(
        due,
        [gap(1, 3, 4, GapReason::Missing), gap(1, 7, 7, GapReason::Missing)]
    );
    assert_eq!(
        (released.positions, released.waiting, released.closed),
        (3, 0, Vec::new())
    );
    assert_eq!(order(&client).await, ids(&entries(1, [1, 2, 5, 6, 8])));
    assert_eq!(minute(&store, at(5000)).await.0, [], "reported once");
}

#[tokio::test]
async fn late_lines_get_positions_and_close_their_gap() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [1, 5]), at(0)).await;
    minute(&store, at(900)).await;
    record(&store, entries(1, [3]), at(1000)).await;
    // A repeated line counts once.
    for _ in 0..3 {
        record(
            &store,
            vec![stream_entry(1, 3), keyed_entry("1/3", Some(line(1, 3)))],
            at(1000),
        )
        .await;
        assert_eq!(release(&store, at(1001), ALL).await.closed, []);
    }
    assert_eq!(number(&client, "SELECT missing FROM audit_gaps").await, 2);
    assert_eq!(store.audit_backlog(at(1001)).await.unwrap().open_gaps, 1);
    record(&store, entries(1, [4, 2]), at(1002)).await;
    let released = release(&store, at(1003), ALL).await;
    let closed = AuditGap {
        missing: 0,
        ..gap(1, 2, 4, GapReason::Missing)
    };
    assert_eq!((released.positions, released.closed), (2, vec![closed]));
    assert_eq!(order(&client).await, ids(&entries(1, [1, 5, 3, 2, 4])));
    let backlog = store.audit_backlog(at(1004)).await.unwrap();
    assert_eq!((backlog.open_gaps, backlog.missing_lines), (0, 0));
}

/// The late line repeats a known entry, and arrives twice: only a set of numbers counts that correctly.
#[tokio::test]
async fn late_line_of_known_entry_fills_number_once() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [1, 4]), at(0)).await;
    record(&store, vec![stream_entry(2, 1)], at(0)).await;
    minute(&store, at(900)).await;
    for _ in 0..2 {
        record(&store, vec![keyed_entry("2/1", Some(line(1, 2)))], at(901)).await;
        release(&store, at(902), ALL).await;
    }
    assert_eq!(number(&client, "SELECT missing FROM audit_gaps").await, 1);
    record(&store, vec![stream_entry(1, 3)], at(903)).await;
    assert_eq!(release(&store, at(904), ALL).await.closed.len(), 1);
}

#[tokio::test]
async fn stream_first_seen_midway_reports_earlier_lines_missing() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [1_000_000_000_000]), at(0)).await;
    let (due, released) = minute(&store, at(900)).await;
    assert_eq!(due, [gap(1, 1, 999_999_999_999, GapReason::Missing)]);
    assert_eq!(released.positions, 1);
    assert_eq!(number(&client, "SELECT missing FROM audit_gaps").await, 999_999_999_999);
    record(&store, entries(1, [500, 9]), at(901)).await;
    release(&store, at(902), ALL).await;
    assert_eq!(number(&client, "SELECT missing FROM audit_gaps").await, 999_999_999_997);
}

#[tokio::test]
async fn lost_tail_is_detected_by_claims_in_rows() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [1, 2]), at(0)).await;
    claim(&store, &[line(1, 2), line(1, 4), line(2, 3), line(1, 4)], at(0)).await;
    assert_eq!(minute(&store, at(899)).await.0, []);
    assert_eq!(
        number(&client, "SELECT count(*) FROM audit_claims").await,
        2,
        "the claim up to 2 is fulfilled"
    );
    let (mut due, _) = minute(&store, at(900)).await;
    due.sort_by_key(|gap| gap.first_seq != 3);
    let unseen = AuditGap {
        service: None,
        ..gap(2, 1, 3, GapReason::LostTail)
    };
    assert_eq!(due, [gap(1, 3, 4, GapReason::LostTail), unseen]);
    assert_eq!(number(&client, "SELECT count(*) FROM audit_claims").await, 0);
    // They arrive late, and the following ones continue.
    record(&store, entries(2, [3, 1, 2, 4]), at(901)).await;
    let closed = release(&store, at(902), ALL).await.closed;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].service.as_deref(), Some("processor"), "known by now");
}

#[tokio::test]
async fn claim_fulfilled_in_time_is_not_a_gap() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    claim(&store, &[line(1, 3)], at(0)).await;
    record(&store, entries(1, 1..=3), at(800)).await;
    assert_eq!(
        minute(&store, at(900)).await.0,
        [],
        "they wait for the sequencer, no more"
    );
    claim(&store, &[line(1, 2), line(1, 3)], at(901)).await;
    assert_eq!(number(&client, "SELECT count(*) FROM audit_claims").await, 0);
    claim(&store, &[], at(901)).await;
}

#[tokio::test]
async fn claim_below_waiting_line_has_its_own_limit() {
    let database = fresh_database().await;
    let store = database.store();
    claim(&store, &[line(1, 2)], at(0)).await;
    record(&store, entries(1, [4]), at(600)).await;
    let (due, released) = minute(&store, at(900)).await;
    assert_eq!(due, [gap(1, 1, 2, GapReason::Missing)]);
    assert_eq!(released.waiting, 1, "3 has waited for five minutes only");
    assert_eq!(minute(&store, at(1500)).await.0, [gap(1, 3, 3, GapReason::Missing)]);
}

#[tokio::test]
async fn gaps_of_an_aborted_run_are_found_again() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    record(&store, entries(1, [2]), at(0)).await;
    for _ in 0..2 {
        let mut tx = store.begin().await.unwrap();
        tx.lock_audit_sequence().await.unwrap();
        let due = tx.due_audit_gaps(at(900), GAP_AFTER).await.unwrap();
        assert_eq!(due, [gap(1, 1, 1, GapReason::Missing)]);
        tx.record_audit_gap(&due[0], at(900)).await.unwrap();
        drop(tx);
    }
    assert_eq!(number(&client, "SELECT count(*) FROM audit_gaps").await, 0);
    assert_eq!(minute(&store, at(901)).await.0.len(), 1);
}

#[tokio::test]
async fn line_arriving_during_gap_recording_closes_the_gap() {
    let database = fresh_database().await;
    let (store, other) = (database.store(), database.store());
    record(&store, entries(1, [2]), at(0)).await;
    let mut tx = store.begin().await.unwrap();
    tx.lock_audit_sequence().await.unwrap();
    let due = tx.due_audit_gaps(at(900), GAP_AFTER).await.unwrap();
    record(&other, entries(1, [1]), at(900)).await;
    tx.record_audit_gap(&due[0], at(900)).await.unwrap();
    let released = tx.release_audit_lines(at(900), ALL).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((released.positions, released.closed.len()), (2, 1));
    let client = connect(&database.auditor_url).await;
    assert_eq!(order(&client).await, ids(&entries(1, [1, 2])));
}

/// Environments from before the recorder: their deliveries report how far they had printed, and that is not a gap.
#[tokio::test]
async fn lines_printed_before_the_recorder_are_no_gap() {
    let database = empty_database().await;
    let owner = connect(&database.owner_url).await;
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/samples");
    let migrations = refinery::load_sql_migrations(store_migrations()).unwrap();
    let first: Vec<_> = migrations
        .into_iter()
        .filter(|migration| migration.version() == 1)
        .collect();
    let mut client = connect(&database.owner_url).await;
    let mut runner = refinery::Runner::new(&first);
    runner.set_migration_table_name("schema_history");
    runner.run_async(&mut client).await.unwrap();
    owner
        .batch_execute(&std::fs::read_to_string(format!("{files}/V1__foundation.sql")).unwrap())
        .await
        .unwrap();
    store::migrate(&doubles::postgres::config(&database.owner_url))
        .await
        .unwrap();
    database.provision_logins().await;
    let store = database.store();

    let environment = "0195a000-0000-7000-8000-0000000000a1".parse().unwrap();
    let entry_on = |seq| {
        let line = AuditLine {
            stream_id: environment,
            seq,
        };
        keyed_entry(&format!("old/{seq}"), Some(line))
    };
    record(&store, vec![entry_on(9), entry_on(11)], at(0)).await;
    assert_eq!(release(&store, at(1), ALL).await.positions, 1, "it had printed 8 lines");
    let (due, _) = minute(&store, at(0) + seconds(900)).await;
    assert_eq!(
        due.iter().map(|gap| (gap.first_seq, gap.last_seq)).collect::<Vec<_>>(),
        [(10, 10)]
    );
}

fn store_migrations() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/store/migrations")
}
