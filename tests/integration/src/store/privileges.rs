//! Append-only, by trigger and by privilege: every login tries, and is denied.

use doubles::postgres::{TestDatabase, connect, fresh_database};
use tokio_postgres::Client;

use super::sample::{
    alert, at, envelope, evaluation, event, exception, key, ledger_row, pending_review, record_exception, seconds,
};

const APPEND_ONLY: [&str; 7] = [
    "merge_request_events",
    "security_review_decisions",
    "effect_attempts",
    "quarantined_deliveries",
    "rules_files",
    "review_evidence",
    "effect_requeues",
];
const ALL: [&str; 10] = [
    "merge_request_events",
    "security_review_decisions",
    "effect_attempts",
    "quarantined_deliveries",
    "security_review_exceptions",
    "evaluations",
    "pending_reviews",
    "effects",
    "review_evidence",
    "effect_requeues",
];

/// A database with a row in every table, written by the application's own login through the store.
async fn with_rows() -> TestDatabase {
    let database = fresh_database().await;
    let store = database.store();
    let (_, effect) = record_exception(&store, &key(1), "d-1").await;
    store
        .lease_effect(effect.unwrap().id, 0, at(65), seconds(30))
        .await
        .unwrap();
    let odd = event(1, model::EventAction::Merge, 0);
    let mut tx = store.begin().await.unwrap();
    tx.quarantine(&envelope(&odd, "d-odd"), "odd", at(3)).await.unwrap();
    tx.keep_evaluation(&evaluation(&key(2)), at(61)).await.unwrap();
    tx.upsert_pending_review(&pending_review(&key(2)), at(61))
        .await
        .unwrap();
    tx.keep_rules(&"a".repeat(64), "version: 1", at(61)).await.unwrap();
    tx.write_ledger_row(&ledger_row(&key(1)), None, at(61)).await.unwrap();
    let record = serde_json::json!({"version": 1});
    let correlation_id = uuid::Uuid::now_v7();
    let record = store::NewEvidence::of(&record).unwrap();
    let id = uuid::Uuid::now_v7();
    tx.insert_evidence(&key(1), id, &record, Some(at(60)), at(61), correlation_id)
        .await
        .unwrap();
    let (_, effect) = second_effect(&mut tx).await;
    tx.commit().await.unwrap();
    store.requeue_effect(effect, None, at(62)).await.unwrap();
    database
}

/// A pending effect.
async fn second_effect(tx: &mut store::Tx<'_>) -> (uuid::Uuid, uuid::Uuid) {
    let id = tx.upsert_exception(&exception(&key(3))).await.unwrap();
    let effects = tx.insert_effects(&[alert(&key(3), id)]).await.unwrap();
    (id, effects[0].id)
}

/// A column to be changed.
fn column(table: &str) -> &'static str {
    if table == "rules_files" { "hash" } else { "id" }
}

/// SQLSTATE and message of the error.
async fn refusal(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
    (error.code().code().to_owned(), error.message().to_owned())
}

#[tokio::test]
async fn owner_cannot_change_append_only_tables() {
    let database = with_rows().await;
    let owner = connect(&database.owner_url).await;
    for table in APPEND_ONLY {
        for (verb, sql) in [
            ("UPDATE", format!("UPDATE {table} SET {0} = {0}", column(table))),
            ("DELETE", format!("DELETE FROM {table}")),
            ("TRUNCATE", format!("TRUNCATE {table} CASCADE")),
        ] {
            let (code, message) = refusal(&owner, &sql).await;
            assert_eq!(code, "23001", "{sql}: {message}");
            assert_eq!(message, format!("table {table} is append-only: {verb} refused"));
        }
    }
}

#[tokio::test]
async fn the_application_may_not_even_ask() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for table in APPEND_ONLY {
        for sql in [
            format!("UPDATE {table} SET {0} = {0}", column(table)),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            assert_eq!(refusal(&app, &sql).await.0, "42501", "{sql}");
        }
    }
    for table in ALL {
        assert_eq!(
            refusal(&app, &format!("DELETE FROM {table}")).await.0,
            "42501",
            "{table}"
        );
        assert_eq!(
            refusal(&app, &format!("TRUNCATE {table} CASCADE")).await.0,
            "42501",
            "{table}"
        );
        for sql in [
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} ADD COLUMN x text"),
            format!("CREATE INDEX ON {table} (correlation_id)"),
        ] {
            assert_eq!(refusal(&app, &sql).await.0, "42501", "{sql}");
        }
    }
}

#[tokio::test]
async fn the_application_gets_at_nothing_outside_its_tables() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for sql in [
        "UPDATE schema_history SET version = 0",
        "INSERT INTO schema_history VALUES (99, 'x', 'x', '1')",
        "CREATE TABLE mine (x text)",
        "CREATE ROLE friend",
        "SET ROLE countersign_test_owner",
        "CREATE OR REPLACE FUNCTION countersign_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
    ] {
        assert_eq!(refusal(&app, sql).await.0, "42501", "{sql}");
    }
}

#[tokio::test]
async fn owner_cannot_remove_or_reidentify_an_exception() {
    let database = with_rows().await;
    let owner = connect(&database.owner_url).await;
    for sql in [
        "DELETE FROM security_review_exceptions",
        "TRUNCATE security_review_exceptions CASCADE",
    ] {
        let (code, message) = refusal(&owner, sql).await;
        assert_eq!(code, "23001", "{sql}");
        assert!(message.contains("never removed"), "{message}");
    }
    let identity = [
        "id = gen_random_uuid()",
        "instance = 'x'",
        "project_id = 0",
        "mr_id = 0",
        "mr_iid = 0",
        "recorded_at = recorded_at - interval '1 day'",
        "correlation_id = gen_random_uuid()",
    ];
    for change in identity {
        // The effect's foreign key would also reject a new id; the trigger comes first.
        let (code, message) = refusal(&owner, &format!("UPDATE security_review_exceptions SET {change}")).await;
        assert_eq!(code, "23001", "{change}");
        assert!(message.contains("identity"), "{message}");
    }
}

#[tokio::test]
async fn unknown_exception_status_or_kind_is_rejected() {
    let database = with_rows().await;
    let app = connect(&database.app_url).await;
    for change in ["status = 'forgotten'", "kind = 'bored'", "reasons = '{}'"] {
        assert_eq!(
            refusal(&app, &format!("UPDATE security_review_exceptions SET {change}"))
                .await
                .0,
            "23514",
            "{change}"
        );
    }
}

#[tokio::test]
async fn the_auditor_reads_everything_and_writes_nothing() {
    let database = with_rows().await;
    let auditor = connect(&database.auditor_url).await;
    for table in ALL {
        let count = auditor
            .query_typed_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await
            .unwrap();
        assert!(count.get::<_, i64>(0) > 0, "{table}");
    }
    // Not only because the session is read-only by default.
    auditor
        .batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    for table in ALL {
        for sql in [
            format!("INSERT INTO {table} SELECT * FROM {table}"),
            format!("UPDATE {table} SET correlation_id = NULL"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("SELECT FROM {table} FOR UPDATE"),
        ] {
            let code = refusal(&auditor, &sql).await.0;
            assert!(code == "42501" || code == "42703", "{sql}: {code}"); // 42703: effect_attempts has no such column
        }
    }
}

#[tokio::test]
async fn the_auditor_reads_tables_of_later_versions_too() {
    let database = with_rows().await;
    let owner = connect(&database.owner_url).await;
    owner
        .batch_execute("CREATE TABLE of_a_later_version (x text)")
        .await
        .unwrap();
    let auditor = connect(&database.auditor_url).await;
    auditor
        .query_typed("SELECT * FROM of_a_later_version", &[])
        .await
        .unwrap();
    let app = connect(&database.app_url).await;
    assert_eq!(refusal(&app, "SELECT * FROM of_a_later_version").await.0, "42501");
}

/// It is never removed; both rules also apply to the owner.
#[tokio::test]
async fn ledger_row_changes_only_by_its_next_revision() {
    let database = with_rows().await;
    let (owner, app) = (connect(&database.owner_url).await, connect(&database.app_url).await);
    // 1. The owner removes no row and skips no revision.
    for sql in [
        "DELETE FROM security_review_ledger",
        "TRUNCATE security_review_ledger CASCADE",
    ] {
        let (code, message) = refusal(&owner, sql).await;
        assert_eq!(code, "23001", "{sql}");
        assert!(message.contains("never removed"), "{message}");
        assert_eq!(refusal(&app, sql).await.0, "42501", "{sql}");
    }
    for change in [
        "mr_iid = 9, revision = revision + 1",
        "recorded_at = now(), revision = revision + 1",
        "title = 'another'",
        "revision = revision + 2",
        "revision = revision - 1",
    ] {
        let (code, message) = refusal(&owner, &format!("UPDATE security_review_ledger SET {change}")).await;
        assert_eq!(code, "23001", "{change}");
        assert!(message.contains("its next revision"), "{message}");
    }
    // 2. The application changes only the columns that may change.
    app.batch_execute("UPDATE security_review_ledger SET read_at = now()")
        .await
        .expect("read again without a change");
    for change in ["instance = 'x'", "recorded_at = now()", "id = gen_random_uuid()"] {
        assert_eq!(
            refusal(&app, &format!("UPDATE security_review_ledger SET {change}"))
                .await
                .0,
            "42501",
            "{change}"
        );
    }
    let missing = "time_unknown_reason = NULL, approved_at = NULL, revision = revision + 1";
    let refused = refusal(&app, &format!("UPDATE security_review_ledger SET {missing}")).await;
    assert_eq!(refused.0, "23514", "a time that is missing has its reason");
    // 3. The auditor changes nothing.
    let auditor = connect(&database.auditor_url).await;
    auditor
        .batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    assert_eq!(
        refusal(&auditor, "UPDATE security_review_ledger SET title = 'x'")
            .await
            .0,
        "42501"
    );
}
