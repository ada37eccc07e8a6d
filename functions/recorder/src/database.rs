//! The database: built from its secret, rebuilt when that is rotated, and used only if this version knows its schema.

use std::sync::Arc;

use app::config::{DatabaseSecret, database_secret};
use audit::Context;
use model::Clock;
use runtime::StartError;
use runtime::secrets::{BuildError, FromSecrets, SecretCache, SecretSource};
use store::{DatabaseConfig, SchemaError, Store, StoreError};
use tokio::sync::Mutex;

/// Why the database is unavailable. Retry: until then, lines wait on the retry queue.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Its secret, or a client built from it.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Its schema, or the connection to it.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

#[derive(Debug)]
pub(crate) struct VerifiedDatabase {
    built: FromSecrets<SecretCache<DatabaseConfig>, Store>,
    /// The store whose schema was verified.
    checked: Mutex<Option<Arc<Store>>>,
}

impl VerifiedDatabase {
    pub(crate) fn new(source: Arc<dyn SecretSource>, secret: DatabaseSecret, clock: &Arc<dyn Clock>) -> Self {
        let secret = database_secret(source, secret, Arc::clone(clock));
        let build = |config: &Arc<DatabaseConfig>| Store::new(DatabaseConfig::clone(config)).map_err(StartError::from);
        Self {
            built: FromSecrets::new(secret, build),
            checked: Mutex::new(None),
        }
    }

    /// The database, if it is reachable and has the schema of this version.
    pub(crate) async fn store(&self, context: &Context) -> Result<Arc<Store>, DatabaseError> {
        let store = self.built.get(context).await?;
        let mut checked = self.checked.lock().await;
        if !checked.as_ref().is_some_and(|known| Arc::ptr_eq(known, &store)) {
            if let Err(error) = store.check_schema().await {
                if let SchemaError::Store(error) = &error {
                    self.failed(context, error).await;
                }
                return Err(error.into());
            }
            *checked = Some(Arc::clone(&store));
        }
        Ok(store)
    }

    /// Reports a failed operation: after a rejected login the secret is read again, at most every half minute.
    pub(crate) async fn failed(&self, context: &Context, error: &StoreError) {
        if matches!(error, StoreError::LoginRefused(_)) {
            self.built.refused(context).await;
        }
    }
}
