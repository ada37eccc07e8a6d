//! The schema's version: what this code knows, what the database has, and whether the two go together.

use refinery::Runner;
use tokio_postgres::types::Type;

use crate::connection::Connection;
use crate::sql::column;
use crate::{DatabaseConfig, Store, StoreError};

/// The table in which applied migrations are kept.
pub(crate) const HISTORY_TABLE: &str = "schema_history";

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
    /// A later version has migrated the database.
    #[error(
        "the database has schema version {database}, newer than {known} which this version knows: upgrade the functions"
    )]
    Newer {
        /// The database's version.
        database: i32,
        /// Ours.
        known: i32,
    },
    /// The migration has not run.
    #[error("the database has schema version {database}, this version needs {known}: run the migration")]
    Older {
        /// The database's version; 0: no schema at all.
        database: i32,
        /// Ours.
        known: i32,
    },
    /// It could not be found out.
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

/// The schema version of a database; 0 if it has none.
///
/// # Errors
/// [`StoreError`].
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

impl Store {
    /// Refuses to work on a schema that this code does not know. Called once at start.
    ///
    /// # Errors
    /// [`SchemaError`] says which side is behind.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let tx = self.begin().await?;
        let read = match tx.connection() {
            Ok(connection) => read_version(connection).await,
            Err(error) => Err(error),
        };
        tx.rollback().await?;
        let (database, known) = (read?, known_schema_version());
        match database.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(SchemaError::Newer { database, known }),
            std::cmp::Ordering::Less => Err(SchemaError::Older { database, known }),
        }
    }
}
