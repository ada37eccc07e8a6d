//! A batch is stored once, whole and exactly; malformed lines are quarantined.

use std::collections::HashSet;

use doubles::postgres::{connect, fresh_database};
use store::MalformedLine;

use super::sample::{
    ALL, SOURCE, at, at_time, batch, changed, entries, ids, keyed_entry, line, number, order, record, release, seconds,
    stream_entry,
};

#[tokio::test]
async fn a_batch_twice_is_stored_once() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let lines = entries(1, 1..=5);
    let first = record(&store, lines.clone(), at(1)).await;
    assert_eq!(first.new.iter().collect::<HashSet<_>>(), ids(&lines).iter().collect());
    assert_eq!((first.duplicates, first.quarantined), (0, 0));
    for _ in 0..2 {
        let again = record(&store, lines.clone(), at(2)).await;
        assert_eq!((again.new.len(), again.duplicates), (0, 5));
        release(&store, at(3), ALL).await;
    }
    assert_eq!(order(&client).await, ids(&lines));
    assert_eq!(number(&client, "SELECT count(*) FROM audit_pending").await, 0);
}

/// Both of its lines count as arrived.
#[tokio::test]
async fn entry_twice_in_batch_is_stored_once() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let twice = vec![
        keyed_entry("same", Some(line(1, 1))),
        keyed_entry("same", Some(line(1, 2))),
        stream_entry(1, 3),
    ];
    let report = record(&store, twice, at(1)).await;
    assert_eq!((report.new.len(), report.duplicates), (2, 1));
    let released = release(&store, at(2), ALL).await;
    assert_eq!((released.lines, released.positions, released.waiting), (3, 2, 0));
    assert_eq!(
        order(&client).await,
        [keyed_entry("same", None).id, stream_entry(1, 3).id]
    );
}

#[tokio::test]
async fn batch_larger_than_one_statement_is_recorded() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let lines = entries(1, 1..=2500);
    assert_eq!(record(&store, lines.clone(), at(1)).await.new.len(), 2500);
    assert_eq!(release(&store, at(2), ALL).await.positions, 2500);
    assert_eq!(order(&client).await, ids(&lines));
}

#[tokio::test]
async fn line_fills_every_column_and_is_kept_exactly() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let failed = changed(at(0), "failed", Some(line(1, 1)), |value| {
        value["outcome"] = "failure".into();
        value["error"] = "rate_limit".into();
        value["trace_id"] = "4bf92f3577b34da6a3ce929d0e0e4736".into();
    });
    record(&store, vec![failed.clone()], at(7)).await;
    let row = client
        .query_typed_one(
            "SELECT to_jsonb(audit_events) - 'entry' AS row, entry FROM audit_events",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>("entry"), failed.line);
    let expected = serde_json::json!({
        "id": failed.id, "timestamp": "2026-03-02T12:00:00+00:00", "action": "gitlab.api.get_mr_details",
        "actor_type": "webhook_event", "actor_id": failed.actor_id,
        "target": {"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811},
        "target_key": "merge_request:main/7301!811", "outcome": "failure", "error": "rate_limit",
        "correlation_id": failed.correlation_id, "service": "processor", "stream_id": line(1, 1).stream_id, "stream_seq": 1,
        "duration_ms": 12.5, "details": {"status": 200}, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "source": SOURCE,
        "recorded_at": "2026-03-02T12:00:07+00:00",
    });
    assert_eq!(row.get::<_, serde_json::Value>("row"), expected);
}

#[tokio::test]
async fn malformed_line_is_quarantined_once() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let malformed = |line: &str| MalformedLine {
        line: line.to_owned(),
        reason: "it is not complete JSON (column 9)".to_owned(),
    };
    let mut odd = batch(vec![stream_entry(1, 1)]);
    odd.malformed = vec![
        malformed("{\"event_type\":\"audit\""),
        malformed("nul \0 in it"),
        malformed("nul \0 in it"),
    ];
    let report = store.record_audit_batch(&odd, at(1)).await.unwrap();
    assert_eq!((report.new.len(), report.quarantined), (1, 2));
    let report = store.record_audit_batch(&odd, at(2)).await.unwrap();
    assert_eq!((report.new.len(), report.quarantined), (0, 0));
    odd.source = "elsewhere".to_owned();
    assert_eq!(store.record_audit_batch(&odd, at(3)).await.unwrap().quarantined, 2);
    let kept = "SELECT count(*) FROM quarantined_audit_lines WHERE line = E'nul \\uFFFD in it' AND length(id) = 64";
    assert_eq!(number(&client, kept).await, 2);
}

#[tokio::test]
async fn entry_of_unfit_time_is_quarantined_without_blocking() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let lines = vec![
        stream_entry(1, 1),
        at_time("2020-01-01T00:00:00Z".parse().unwrap(), "old", Some(line(1, 2))),
        at_time("2026-09-01T00:00:00Z".parse().unwrap(), "ahead", Some(line(1, 3))),
        stream_entry(1, 4),
    ];
    for repeated in [false, true] {
        let report = record(&store, lines.clone(), at(1)).await;
        let expected = if repeated { (0, 2, 0) } else { (2, 0, 2) };
        assert_eq!((report.new.len(), report.duplicates, report.quarantined), expected);
    }
    let released = release(&store, at(2), ALL).await;
    assert_eq!(
        (released.lines, released.positions, released.waiting),
        (4, 2, 0),
        "their numbers have arrived"
    );
    assert_eq!(order(&client).await, ids(&entries(1, [1, 4])));
    assert_eq!(number(&client, "SELECT count(*) FROM quarantined_audit_lines").await, 2);
}

/// The longest that the reader accepts; its key then uses most of an index entry's limit.
#[tokio::test]
async fn the_longest_target_is_stored_and_found() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    // Random digits: Postgres cannot compress them.
    let long: String = (0..)
        .map(|number| {
            uuid::Uuid::from_u128(number * 0x0000_79B9_7F4A_7C15_F39C_C060_5CED_C835)
                .simple()
                .to_string()
        })
        .take(76)
        .collect();
    let odd = changed(at(0), "long", None, |value| {
        value["target"]["id"] = long.as_str().into();
    });
    assert!(odd.target_key.len() > 2450);
    assert_eq!(record(&store, vec![odd], at(1)).await.new.len(), 1);
    let sql =
        "SELECT length(target ->> 'id')::bigint FROM audit_events WHERE starts_with(target_key, 'merge_request:main')";
    assert_eq!(number(&client, sql).await, i64::try_from(long.len()).unwrap());
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    let database = fresh_database().await;
    let store = database.store();
    assert_eq!(record(&store, Vec::new(), at(1)).await, store::BatchReport::default());
    assert_eq!(release(&store, at(1), ALL).await, store::Released::default());
    assert_eq!(super::sample::minute(&store, at(1) + seconds(10_000)).await.0, []);
}
