//! Pages while the audit log grows, and the limits of what can be requested.

use doubles::postgres::fresh_database;
use store::{AuditFilter, AuditOrder};
use uuid::Uuid;

use super::stored_log::{at, line, printed, put, sample_entry};

/// They hide no other entry either.
#[tokio::test]
async fn entries_arriving_between_pages_are_never_doubled() {
    let database = fresh_database().await;
    let store = database.store();
    let numbers = 13_000..13_040_u64;
    put(&store, numbers.clone().map(sample_entry).collect()).await;
    let mut ids: Vec<Uuid> = numbers.clone().map(|number| sample_entry(number).id).collect();
    ids.sort_unstable();

    let everything = AuditFilter::default();
    let newest = store
        .search_audit(&everything, None, AuditOrder::NewestFirst, 10)
        .await
        .unwrap();
    let oldest = store
        .search_audit(&everything, None, AuditOrder::OldestFirst, 10)
        .await
        .unwrap();
    let later = printed(&line(20_000, at("2026-03-02T00:00:00Z")));
    put(
        &store,
        vec![later.clone(), printed(&line(20_001, at("2025-11-01T00:00:00Z")))],
    )
    .await;

    let rest = store
        .search_audit(&everything, Some(newest[9].id), AuditOrder::NewestFirst, 100)
        .await
        .unwrap();
    let backwards: Vec<_> = newest.iter().chain(&rest).map(|row| row.id).collect();
    assert_eq!(backwards[..40], ids.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(
        backwards.len(),
        41,
        "what arrived before the oldest is found at the end"
    );
    let rest = store
        .search_audit(&everything, Some(oldest[9].id), AuditOrder::OldestFirst, 100)
        .await
        .unwrap();
    let forwards: Vec<_> = oldest.iter().chain(&rest).map(|row| row.id).collect();
    assert_eq!(forwards, [ids, vec![later.id]].concat());
}

#[tokio::test]
async fn a_search_of_nothing_finds_nothing() {
    let database = fresh_database().await;
    let store = database.store();
    let everything = AuditFilter::default();
    assert_eq!(
        store
            .search_audit(&everything, None, AuditOrder::NewestFirst, 50)
            .await
            .unwrap(),
        []
    );
    put(&store, vec![sample_entry(13_000)]).await;
    assert_eq!(
        store
            .search_audit(&everything, None, AuditOrder::NewestFirst, 0)
            .await
            .unwrap(),
        []
    );
    let upside_down = AuditFilter {
        since: Some(at("2026-03-01T00:00:00Z")),
        until: Some(at("2026-02-01T00:00:00Z")),
        ..AuditFilter::default()
    };
    assert_eq!(
        store
            .search_audit(&upside_down, None, AuditOrder::NewestFirst, 50)
            .await
            .unwrap(),
        []
    );
    let prefix = AuditFilter {
        action: Some("nul \0".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(
        store
            .search_audit(&prefix, None, AuditOrder::NewestFirst, 50)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn entry_is_returned_as_printed() {
    let database = fresh_database().await;
    let store = database.store();
    let expected = sample_entry(13_005);
    put(&store, vec![expected.clone()]).await;
    let found = store
        .search_audit(&AuditFilter::default(), None, AuditOrder::NewestFirst, 1)
        .await
        .unwrap();
    assert_eq!(found[0].line, expected.line);
    assert_eq!((found[0].id, found[0].timestamp), (expected.id, expected.timestamp));
    assert_eq!(
        (&found[0].action, &found[0].target_key),
        (&expected.action, &expected.target_key)
    );
    assert_eq!(
        (found[0].error, found[0].outcome()),
        (expected.error, if expected.success { "success" } else { "failure" })
    );
}
