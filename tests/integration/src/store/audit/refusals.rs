//! Forbidden changes of the audit log: denied by privilege to the application, by trigger to the owner.

use doubles::postgres::{TestDatabase, connect, fresh_database};
use store::UndeliveredEntry;
use tokio_postgres::Client;

use super::sample::{ALL, at, batch, entries, intent, line, number, record, release, seconds, stream_entry};

const APPEND_ONLY: [&str; 4] = [
    "audit_events",
    "audit_positions",
    "audit_undelivered",
    "quarantined_audit_lines",
];
const OTHERS: [&str; 7] = [
    "audit_pending",
    "audit_sequence",
    "audit_streams",
    "audit_claims",
    "audit_gaps",
    "audit_intents",
    "audit_destinations",
];

/// A row in every table, written by the application's login through the store.
async fn with_rows() -> TestDatabase {
    let database = fresh_database().await;
    let store = database.store();
    record(&store, entries(1, [1, 3]), at(0)).await;
    super::sample::minute(&store, at(900)).await;
    let mut odd = batch(entries(1, [9]));
    odd.intents = vec![intent("open")];
    odd.malformed = vec![store::MalformedLine {
        line: "{".to_owned(),
        reason: "odd".to_owned(),
    }];
    store.record_audit_batch(&odd, at(900)).await.unwrap();
    release(&store, at(900), ALL).await;
    let mut tx = store.begin().await.unwrap();
    tx.claim_audit_lines(&[line(2, 1)], at(900)).await.unwrap();
    tx.commit().await.unwrap();
    let lease = store
        .lease_audit_destination("http", at(900), seconds(60))
        .await
        .unwrap()
        .unwrap();
    let refused = UndeliveredEntry {
        position: 1,
        event_id: stream_entry(1, 1).id,
        error_class: "invalid_response".to_owned(),
        error: "422".to_owned(),
    };
    assert!(
        store
            .advance_audit_destination(&lease, 1, &[refused], at(901))
            .await
            .unwrap()
    );
    database
}

async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.expect_err(sql);
    error
        .code()
        .unwrap_or_else(|| panic!("{sql}: {error}"))
        .code()
        .to_owned()
}

#[tokio::test]
async fn the_owner_cannot_change_what_is_recorded() {
    let database = with_rows().await;
    let owner = connect(&database.owner_url).await;
    for table in APPEND_ONLY.into_iter().chain(["audit_events_2026_03"]) {
        let column = if table.contains("events") { "source" } else { "position" };
        let column = if table.starts_with("quarantined") {
            "reason"
        } else {
            column
        };
        for sql in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            assert_eq!(refusal(&owner, &sql).await, "23001", "{sql}");
        }
    }
}

#[tokio::test]
async fn application_may_only_append() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for table in APPEND_ONLY {
        for sql in [
            format!(
                "UPDATE {table} SET {} = NULL",
                if table == "quarantined_audit_lines" {
                    "source"
                } else {
                    "position"
                }
            ),
            format!("DELETE FROM {table}"),
        ] {
            let code = refusal(&app, &sql).await;
            assert!(
                code == "42501" || (table == "audit_events" && code == "42703"),
                "{sql}: {code}"
            );
        }
    }
    assert_eq!(
        refusal(&app, "UPDATE audit_events SET service = service").await,
        "42501"
    );
    for table in APPEND_ONLY.into_iter().chain(OTHERS) {
        for sql in [
            format!("TRUNCATE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("DROP TABLE {table}"),
        ] {
            assert_eq!(refusal(&app, &sql).await, "42501", "{sql}");
        }
    }
    for sql in [
        "DELETE FROM audit_gaps",
        "DELETE FROM audit_streams",
        "DELETE FROM audit_sequence",
        "DELETE FROM audit_destinations",
        "UPDATE audit_sequence SET first_position = 9",
        "UPDATE audit_gaps SET first_seq = 1",
        "UPDATE audit_pending SET stream_seq = 1",
        "INSERT INTO audit_sequence VALUES (true, 1, 1)",
        // Only the trigger puts entries into the queue.
        "INSERT INTO audit_pending (event_id, service, arrived_at) VALUES (gen_random_uuid(), 'x', now())",
        "CREATE OR REPLACE FUNCTION countersign_enqueue_audit_events() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ] {
        assert_eq!(refusal(&app, sql).await, "42501", "{sql}");
    }
}

#[tokio::test]
async fn application_cannot_access_a_single_month() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for sql in [
        "SELECT FROM audit_events_2026_03",
        "INSERT INTO audit_events_2026_03 SELECT * FROM audit_events",
        "UPDATE audit_events_2026_03 SET service = 'x'",
        "DELETE FROM audit_events_2026_03",
        "TRUNCATE audit_events_2026_03",
        "DROP TABLE audit_events_2026_03",
        "ALTER TABLE audit_events DETACH PARTITION audit_events_2026_03",
        "CREATE TABLE mine PARTITION OF audit_events DEFAULT",
    ] {
        assert_eq!(refusal(&app, sql).await, "42501", "{sql}");
    }
    assert_eq!(
        number(&app, "SELECT count(*) FROM audit_events").await,
        3,
        "it reads them through the parent table"
    );
}

#[tokio::test]
async fn the_function_that_makes_months_makes_nothing_else() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for (months, code) in [("0", "22023"), ("37", "22023"), ("-1", "22023")] {
        let sql = format!("SELECT countersign_make_audit_partitions('2026-03-01Z', {months})");
        assert_eq!(refusal(&app, &sql).await, code, "{sql}");
    }
    for time in ["infinity", "-infinity", "1900-01-01Z", "12000-01-01Z"] {
        let sql = format!("SELECT countersign_make_audit_partitions('{time}', 1)");
        assert_eq!(refusal(&app, &sql).await, "22023", "{sql}");
    }
    let auditor = connect(&database.auditor_url).await;
    let sql = "SELECT countersign_make_audit_partitions('2026-03-01Z', 1)";
    assert_eq!(refusal(&auditor, sql).await, "42501");
}

#[tokio::test]
async fn auditor_reads_every_table_and_writes_none() {
    let database = with_rows().await;
    let auditor = connect(&database.auditor_url).await;
    auditor
        .batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    for table in APPEND_ONLY.into_iter().chain(OTHERS).chain(["audit_events_2026_03"]) {
        assert!(
            number(&auditor, &format!("SELECT count(*) FROM {table}")).await > 0,
            "{table}"
        );
        for sql in [
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("SELECT FROM {table} FOR UPDATE"),
        ] {
            assert_eq!(refusal(&auditor, &sql).await, "42501", "{sql}");
        }
    }
    assert_eq!(number(&auditor, "SELECT count(*) FROM audit_unsequenced").await, 0);
}

#[tokio::test]
async fn a_row_that_contradicts_itself_is_refused() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for sql in [
        "UPDATE audit_gaps SET closed_at = now()",
        "UPDATE audit_gaps SET missing_numbers = '{[1,100)}'",
        "UPDATE audit_destinations SET delivered = -1",
        "UPDATE audit_destinations SET lease = NULL",
        "INSERT INTO audit_claims VALUES (gen_random_uuid(), 0, now())",
        "INSERT INTO audit_positions VALUES (0, gen_random_uuid())",
    ] {
        assert_eq!(refusal(&app, sql).await, "23514", "{sql}");
    }
    for sql in [
        "INSERT INTO audit_positions VALUES (1, gen_random_uuid())",
        "INSERT INTO audit_positions SELECT 100, event_id FROM audit_positions LIMIT 1",
    ] {
        assert_eq!(refusal(&app, sql).await, "23505", "{sql}");
    }
}
