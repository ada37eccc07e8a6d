//! The store: one connection per execution environment, opened when first needed and again when lost.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::Connection;
use crate::{DatabaseConfig, StoreError, Tx};

/// A kept connection may have died in an environment that was frozen meanwhile: then it is replaced after this long.
const REUSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for another transaction of the same environment; records are processed one by one, so it is a bug to meet it.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The database, through at most one connection. Cheap until first used.
pub struct Store {
    config: DatabaseConfig,
    tls: Option<MakeRustlsConnect>,
    slot: Mutex<Option<Connection>>,
}

impl Store {
    /// Prepares a store; connects only when first used.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the secret's certificates cannot be used.
    pub fn new(config: DatabaseConfig) -> Result<Self, StoreError> {
        Ok(Self {
            tls: crate::tls::connector(&config)?,
            config,
            slot: Mutex::new(None),
        })
    }

    /// Opens the connection now (during the environment's INIT phase) instead of at the first transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::LoginRefused`].
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.begin().await?.rollback().await
    }

    /// Begins a transaction (read committed). It is rolled back if dropped before [`Tx::commit`].
    ///
    /// One transaction at a time: a second one waits for the first to end.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::LoginRefused`] if there is no connection to be had. A connection lost
    /// while idle is noticed here, before any statement of the transaction was sent, and replaced once.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        let turn = timeout(TURN_TIMEOUT, self.slot.lock()).await;
        let mut slot =
            turn.map_err(|_| StoreError::Unavailable("another transaction holds the connection".to_owned()))?;
        if let Some(kept) = slot.as_ref().filter(|kept| !kept.is_closed()) {
            match kept.command_within(REUSE_TIMEOUT, BEGIN).await {
                Ok(()) => return Ok(Tx::new(slot)),
                Err(error) => tracing::info!(%error, "database connection lost while idle; opening another"),
            }
        }
        *slot = None;
        let opened = Connection::open(&self.config, self.tls.as_ref()).await?;
        opened.command(BEGIN).await?;
        *slot = Some(opened);
        Ok(Tx::new(slot))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
