//! The schema version: what this code knows, what the database has, and whether they are compatible.

use refinery::Runner;
use tokio_postgres::types::Type;

use crate::connection::Connection;
use crate::sql::column;
use crate::{DatabaseConfig, Store, StoreError};

/// The table of applied migrations.
pub(crate) const HISTORY_TABLE: &str = "schema_history";

/// Suffix of a migration's name if earlier code cannot work on its schema.
pub(crate) const INCOMPATIBLE: &str = "_incompatible";

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The migrations built into this binary.
pub(crate) fn runner() -> Runner {
    let mut runner = embedded::migrations::runner().set_grouped(true);
    runner.set_migration_table_name(HISTORY_TABLE);
    runner
}

/// Why this code must not work on this database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A later version migrated the database in a way that is incompatible with this code.
    #[error(
        "the database has schema version {database}, which this version (schema {known}) does not support; upgrade the functions"
    )]
    Newer { database: i32, known: i32 },
    /// The migration has not run.
    #[error("the database has schema version {database}, but this version needs {known}; run the migration")]
    Older {
        /// The database's version; 0: no schema.
        database: i32,
        known: i32,
    },
    /// The version could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The schema version that this code knows: the number of its last migration.
#[must_use]
pub fn known_schema_version() -> i32 {
    runner()
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .max()
        .unwrap_or(0)
}

/// The schema version of a database; 0 without a schema.
pub async fn schema_version(config: &DatabaseConfig) -> Result<i32, StoreError> {
    let tls = crate::tls::connector(config)?;
    read_version(&Connection::open(config, tls.as_ref()).await?).await
}

pub(crate) async fn read_version(connection: &Connection) -> Result<i32, StoreError> {
    let exists = "SELECT to_regclass('public.' || $1) IS NOT NULL AS found";
    let found = connection.query(exists, &[(&HISTORY_TABLE, Type::TEXT)]).await?;
    if !found
        .first()
        .map(|row| column(row, "found"))
        .transpose()?
        .unwrap_or(false)
    {
        return Ok(0);
    }
    let rows = connection.query(VERSION, &[]).await?;
    rows.first()
        .map(|row| column(row, "version"))
        .transpose()
        .map(|version| version.unwrap_or(0))
}

const VERSION: &str = "SELECT coalesce(max(version), 0) AS version FROM public.schema_history";

const INCOMPATIBLE_LATER: &str = "
    SELECT EXISTS (SELECT FROM public.schema_history WHERE version > $1 AND right(name, length($2)) = $2) AS found";

/// Whether the database was migrated past version `known` in a way that is incompatible with its code.
pub(crate) async fn is_incompatible(connection: &Connection, known: i32) -> Result<bool, StoreError> {
    let params = [(&known as _, Type::INT4), (&INCOMPATIBLE as _, Type::TEXT)];
    let rows = connection.query(INCOMPATIBLE_LATER, &params).await?;
    rows.first().map_or(Ok(false), |row| column(row, "found"))
}

impl Store {
    /// Rejects a schema that this code cannot work on. Called once at start.
    ///
    /// A later schema is accepted unless a migration's name marks it as incompatible: during a release, and after a rollback, the
    /// previous version works on the schema of the new one.
    ///
    /// # Errors
    /// [`SchemaError`] names the outdated side.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let known = known_schema_version();
        let slot = self.connected().await?;
        let connection = slot
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("connection lost".to_owned()))?;
        let database = read_version(connection).await?;
        if database > known && is_incompatible(connection, known).await? {
            return Err(SchemaError::Newer { database, known });
        }
        if database < known {
            return Err(SchemaError::Older { database, known });
        }
        Ok(())
    }
}
