//! Migrations: on an empty database, on one with data, concurrently, and on one they must not change.

use std::path::Path;

use doubles::postgres::{TestDatabase, config, connect, empty_database, fresh_database};
use refinery::{Runner, Target, load_sql_migrations};
use store::{MigrationError, SchemaError, Store, known_schema_version, schema_version};

use super::sample::{exception, key};

/// Folder with a file of rows for each migration, inserted after it: the next one then runs on a database with data.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/samples");
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/store/migrations");

#[tokio::test]
async fn empty_database_gets_the_whole_schema_once() {
    let database = empty_database().await;
    let owner = config(&database.owner_url);
    assert_eq!(schema_version(&owner).await.unwrap(), 0);
    let first = store::migrate(&owner).await.unwrap();
    assert_eq!((first.from, first.to), (0, known_schema_version()));
    assert_eq!(first.applied.len(), usize::try_from(known_schema_version()).unwrap());
    assert_eq!(schema_version(&owner).await.unwrap(), known_schema_version());
    let second = store::migrate(&owner).await.unwrap();
    assert_eq!(
        (second.from, second.to, second.applied),
        (first.to, first.to, Vec::new())
    );
}

#[tokio::test]
async fn every_migration_runs_on_existing_data() {
    let database = empty_database().await;
    let mut owner = connect(&database.owner_url).await;
    let mut migrations = load_sql_migrations(MIGRATIONS).unwrap();
    migrations.sort();
    for migration in &migrations {
        let mut runner = Runner::new(&migrations).set_target(Target::Version(migration.version()));
        runner.set_migration_table_name("schema_history");
        runner.run_async(&mut owner).await.unwrap();
        let sample = Path::new(SAMPLES).join(format!("{migration}.sql"));
        let rows = std::fs::read_to_string(&sample)
            .unwrap_or_else(|_| panic!("write {}: rows for the tables of this migration", sample.display()));
        owner
            .batch_execute(&rows)
            .await
            .unwrap_or_else(|error| panic!("{}: {error:?}", sample.display()));
    }
    let deploy = store::migrate(&config(&database.owner_url)).await.unwrap();
    assert_eq!(
        (deploy.from, deploy.applied),
        (known_schema_version(), Vec::new()),
        "the files are the ones built in"
    );
    database.provision_logins().await;
    database.store().check_schema().await.unwrap();
    assert_every_table_has_rows(&owner).await;
}

async fn assert_every_table_has_rows(owner: &tokio_postgres::Client) {
    let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    for row in owner.query_typed(sql, &[]).await.unwrap() {
        let table: String = row.get(0);
        let count = owner
            .query_typed_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await
            .unwrap();
        assert!(count.get::<_, i64>(0) > 0, "table {table} has no sample rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_deploys_apply_each_migration_once() {
    let database = empty_database().await;
    let owner = config(&database.owner_url);
    let reports = futures::future::join_all((0..4).map(|_| store::migrate(&owner))).await;
    let applied: usize = reports.into_iter().map(|report| report.unwrap().applied.len()).sum();
    assert_eq!(applied, usize::try_from(known_schema_version()).unwrap());
}

#[tokio::test]
async fn migration_changed_after_being_applied_is_rejected() {
    let database = fresh_database().await;
    let owner = connect(&database.owner_url).await;
    owner
        .batch_execute("UPDATE schema_history SET checksum = '1' WHERE version = 1")
        .await
        .unwrap();
    let error = store::migrate(&config(&database.owner_url)).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::Divergent(_)) && !error.is_retryable(),
        "{error}"
    );
    assert!(error.to_string().contains("V1__foundation"), "{error}");
}

/// A database left by a later version, whose last migration has this name.
async fn migrated_later(name: &str) -> (TestDatabase, i32) {
    let database = fresh_database().await;
    let owner = connect(&database.owner_url).await;
    let later = known_schema_version() + 1;
    let sql = format!("INSERT INTO schema_history VALUES ({later}, '{name}', '2026-03-02T12:00:00Z', '1')");
    owner.batch_execute(&sql).await.unwrap();
    (database, later)
}

/// During a gradual rollout of a new version, and after its rollback.
#[tokio::test]
async fn previous_version_works_on_a_later_schema() {
    let (database, later) = migrated_later("further_columns").await;
    let report = store::migrate(&config(&database.owner_url)).await.unwrap();
    assert_eq!((report.from, report.to, report.applied.len()), (later, later, 0));
    database.store().check_schema().await.unwrap();
}

#[tokio::test]
async fn incompatible_later_schema_is_rejected() {
    let (database, later) = migrated_later("other_columns_incompatible").await;
    let error = store::migrate(&config(&database.owner_url)).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::Newer { database, .. } if database == later),
        "{error}"
    );
    let error = database.store().check_schema().await.unwrap_err();
    assert!(matches!(error, SchemaError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("upgrade the functions"), "{error}");
}

#[tokio::test]
async fn a_function_does_not_start_before_the_migration() {
    let database = empty_database().await;
    let store = Store::new(config(&database.owner_url)).unwrap();
    let error = store.check_schema().await.unwrap_err();
    assert!(matches!(error, SchemaError::Older { database: 0, .. }), "{error}");
    assert!(error.to_string().contains("run the migration"), "{error}");
    store::migrate(&config(&database.owner_url)).await.unwrap();
    store.check_schema().await.unwrap();
}

#[tokio::test]
async fn next_migration_restores_lost_privileges() {
    let database = fresh_database().await;
    let owner = connect(&database.owner_url).await;
    owner
        .batch_execute(
            "REVOKE ALL ON security_review_exceptions FROM countersign_application;
             GRANT DELETE ON security_review_exceptions TO countersign_application",
        )
        .await
        .unwrap();
    store::migrate(&config(&database.owner_url)).await.unwrap();
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).await.unwrap();
    tx.commit().await.unwrap();
    let app = connect(&database.app_url).await;
    assert!(
        app.batch_execute("DELETE FROM security_review_exceptions")
            .await
            .is_err()
    );
}
