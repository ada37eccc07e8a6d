//! A real Postgres for tests: each test gets its own migrated database with its own logins.
#![expect(
    clippy::expect_used,
    reason = "a test without its database must stop with the reason"
)]

use std::path::Path;

use secrecy::SecretString;
use store::{DatabaseConfig, Group, Store};
use tokio_postgres::{Client, NoTls};
use url::Url;
use uuid::Uuid;

/// Owner of every test database. Not a superuser, as on managed servers: it may only create databases and roles.
const OWNER: &str = "countersign_test_owner";

/// A database for one test. Dropped with its logins at the test's end.
pub struct TestDatabase {
    name: String,
    /// The server's superuser: reads what no other login may.
    pub superuser_url: String,
    /// The owner: migrates, and may not change append-only data either.
    pub owner_url: String,
    /// The application's login.
    pub app_url: String,
    /// The auditor's login.
    pub auditor_url: String,
    /// The operator's login.
    pub operator_url: String,
}

/// Creates a database, migrates it, and creates its three logins.
///
/// # Panics
/// If no server is reachable; the message says how to start one.
pub async fn fresh_database() -> TestDatabase {
    let database = empty_database().await;
    store::migrate(&config(&database.owner_url))
        .await
        .expect("the migration of a fresh database");
    database.provision_logins().await;
    database
}

/// Creates an empty database with an owner; its logins do not exist yet.
///
/// # Panics
/// If no server is reachable; the message says how to start one.
pub async fn empty_database() -> TestDatabase {
    let superuser_url = superuser_url();
    let server = match connect_once(&superuser_url).await {
        Ok(server) => server,
        Err(error) => panic!("the tests have no Postgres ({error}): run `make stack` first, or `make test`"),
    };
    let owner_password = "owner of test databases on this machine";
    ensure_owner(&server, owner_password).await;

    let suffix = Uuid::now_v7().simple().to_string();
    let name = format!("test_{suffix}");
    server
        .batch_execute(&format!("CREATE DATABASE {name} OWNER {OWNER}"))
        .await
        .expect("CREATE DATABASE");
    let url = |user: &str, password: &str| {
        let mut url = Url::parse(&superuser_url).expect("the superuser's URL");
        url.set_path(&name);
        url.set_username(user).expect("a URL with a host");
        url.set_password(Some(password)).expect("a URL with a host");
        url.to_string()
    };
    TestDatabase {
        owner_url: url(OWNER, owner_password),
        app_url: url(&format!("app_{suffix}"), "app password"),
        auditor_url: url(&format!("auditor_{suffix}"), "auditor password"),
        operator_url: url(&format!("operator_{suffix}"), "operator password"),
        name,
        superuser_url,
    }
}

/// Parses a URL as the functions do.
///
/// # Panics
/// If it is invalid.
#[must_use]
pub fn config(url: &str) -> DatabaseConfig {
    DatabaseConfig::from_url(&SecretString::from(url)).expect("a database URL")
}

/// A plain connection, to read rows and to try statements that must be rejected.
///
/// # Panics
/// If the login is rejected.
pub async fn connect(url: &str) -> Client {
    connect_once(url).await.expect("a login")
}

impl TestDatabase {
    /// A store with the application's login.
    ///
    /// # Panics
    /// Never, for a URL created here.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(config(&self.app_url)).expect("a store")
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates the logins of the application, the auditor and the operator.
    ///
    /// # Panics
    /// If the server rejects it.
    pub async fn provision_logins(&self) {
        for (url, group) in [
            (&self.app_url, Group::Application),
            (&self.auditor_url, Group::Auditor),
            (&self.operator_url, Group::Operator),
        ] {
            let login = config(url);
            let password = login.password().expect("a password");
            store::provision_login(&config(&self.owner_url), login.user(), password, group)
                .await
                .expect("a login");
        }
    }

    /// Ends every other connection to this database, as a restart or a fail-over of the server does.
    ///
    /// # Panics
    /// If the server rejects it.
    pub async fn disconnect_everybody(&self) {
        let server = connect(&self.superuser_url).await;
        let name = &self.name;
        let sql = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
        server.batch_execute(&sql).await.expect("pg_terminate_backend");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, name) = (self.superuser_url.clone(), self.name.clone());
        let suffix = name.trim_start_matches("test_").to_owned();
        // A dedicated runtime: the test's may be ending. Best effort: a leftover database is acceptable.
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let Ok(server) = connect_once(&url).await else { return };
                let _ = server
                    .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                    .await;
                let _ = server
                    .batch_execute(&format!(
                        "DROP ROLE IF EXISTS app_{suffix}, auditor_{suffix}, operator_{suffix}"
                    ))
                    .await;
            });
        });
        let _ = cleaner.join();
    }
}

/// Creates the owner role once per server. Group roles may already exist with another owner; then this owner needs the right to
/// grant them to its logins (required by Postgres 16 and later).
async fn ensure_owner(server: &Client, password: &str) {
    let groups = [Group::Application, Group::Auditor, Group::Operator].map(Group::role);
    let made: Vec<String> = groups
        .iter()
        .map(|role| {
            format!(
                "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;
                IF NOT EXISTS (SELECT FROM pg_auth_members WHERE admin_option AND member = '{OWNER}'::regrole
                               AND roleid = '{role}'::regrole) THEN
                    GRANT {role} TO {OWNER} WITH ADMIN OPTION;
                END IF;
                "
            )
        })
        .collect();
    let sql = format!(
        "DO $do$ BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('{OWNER}', 0));
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN
                CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';
            END IF;
            {}
        END $do$",
        made.concat()
    );
    server.batch_execute(&sql).await.expect("the owner of test databases");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task ends with its client; tests are not frozen between invocations"
)]
async fn connect_once(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[expect(clippy::disallowed_methods, reason = "the test run's own setting")]
fn superuser_url() -> String {
    if let Ok(url) = std::env::var("COUNTERSIGN_TEST_POSTGRES") {
        return url;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/postgres.json");
    let url = std::fs::read(&file).ok().and_then(|text| {
        let settings: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(settings.get("superuser_url")?.as_str()?.to_owned())
    });
    url.unwrap_or_else(|| panic!("the tests have no Postgres: run `make stack` first, or `make test`"))
}
