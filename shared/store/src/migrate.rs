//! Migrations: run by the database's owner at each deploy, safe to run concurrently, applied whole or not at all.

use refinery::error::Kind;
use serde::Serialize;

use crate::connection::Connection;
use crate::schema::{is_incompatible, known_schema_version, read_version, runner};
use crate::sql::column;
use crate::{DatabaseConfig, StoreError, roles};

/// The oldest supported server, as `server_version_num`. Before 15 every user may create tables in schema `public`.
const OLDEST_SERVER: i32 = 150_000;

/// The result of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationReport {
    /// Schema version before; 0: an empty database.
    pub from: i32,
    pub to: i32,
    /// Names of the migrations applied, in order; empty if there was nothing to do.
    pub applied: Vec<String>,
}

impl std::fmt::Display for MigrationReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.applied.as_slice() {
            [] => write!(f, "schema version {}, nothing to do", self.to),
            applied => write!(f, "schema version {} to {}: {}", self.from, self.to, applied.join(", ")),
        }
    }
}

/// Why the schema could not be migrated. A failed step leaves nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The server is too old.
    #[error("the Postgres server has version {0}; 15 or later is needed")]
    Server(i32),
    /// A later version migrated the database in a way that is incompatible with this one.
    #[error(
        "the database has schema version {database}, which this version (schema {known}) does not support; deploy the later version"
    )]
    Newer { database: i32, known: i32 },
    /// A migration was changed after it had been applied.
    #[error(
        "migration {0} differs from the one that was applied: migrations are append-only; restore its file and add a new one"
    )]
    Divergent(String),
    /// An applied migration is not in this build, or an earlier one was never applied.
    #[error("migration {0} is missing in the database or in this version: the database comes from another branch")]
    Missing(String),
    /// A migration's own SQL failed.
    #[error("the migration failed and was rolled back: {0}")]
    Failed(StoreError),
    /// The database is unreachable, or its owner lacks a privilege.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MigrationError {
    /// Whether running it again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) | Self::Failed(error) if error.is_retryable())
    }
}

/// Brings the database to this code's schema version, and grants the group roles their privileges.
///
/// `owner` must own the database (or have CREATE on schema `public`) and have the attribute CREATEROLE; it need not be a superuser.
/// Concurrent runs are safe: the second waits for the first and finds nothing to do.
///
/// # Errors
/// [`MigrationError`] states what to do.
pub async fn migrate(owner: &DatabaseConfig) -> Result<MigrationReport, MigrationError> {
    let tls = crate::tls::connector(owner)?;
    let guard = Connection::open(owner, tls.as_ref()).await?;
    let mut worker = Connection::open(owner, tls.as_ref()).await?;
    check_server(&worker).await?;

    // The lock is in a separate transaction: the migration library commits on the other connection. If this one breaks, a second
    // run still cannot apply a migration twice: its row in the history is unique.
    guard.command("BEGIN").await?;
    guard
        .command_unbounded("SELECT pg_advisory_xact_lock(hashtextextended('countersign.migrate', 0))")
        .await?;

    let from = read_version(&worker).await?;
    let known = known_schema_version();
    if from > known {
        if is_incompatible(&worker, known).await? {
            return Err(MigrationError::Newer { database: from, known });
        }
        // A version that was rolled back ran here, and its changes may stay.
        tracing::warn!(
            database = from,
            known,
            "the schema is newer than this version; left unchanged"
        );
        return Ok(MigrationReport {
            from,
            to: from,
            applied: Vec::new(),
        });
    }
    roles::ensure_groups(&worker).await?;
    let report = runner()
        .run_async(&mut worker.client)
        .await
        .map_err(|error| sort(&error))?;
    roles::grant_privileges(&worker).await?;
    if let Err(error) = guard.command("COMMIT").await {
        tracing::warn!(%error, "lost the migration lock early; the migration itself is complete");
    }
    Ok(MigrationReport {
        from,
        to: known,
        applied: report.applied_migrations().iter().map(ToString::to_string).collect(),
    })
}

async fn check_server(connection: &Connection) -> Result<(), MigrationError> {
    let rows = connection
        .query("SELECT current_setting('server_version_num')::integer AS version", &[])
        .await?;
    let version = rows.first().map(|row| column(row, "version")).transpose()?.unwrap_or(0);
    if version < OLDEST_SERVER {
        Err(MigrationError::Server(version))
    } else {
        Ok(())
    }
}

fn sort(error: &refinery::Error) -> MigrationError {
    match error.kind() {
        Kind::DivergentVersion(applied, _) => MigrationError::Divergent(applied.to_string()),
        Kind::MissingVersion(migration) => MigrationError::Missing(migration.to_string()),
        Kind::Connection(_, cause) => MigrationError::Failed(match cause.downcast_ref() {
            Some(error) => StoreError::from_driver(error),
            None => StoreError::Rejected(cause.to_string()),
        }),
        other => MigrationError::Failed(StoreError::Rejected(other.to_string())),
    }
}
