//! The store: the connections of an execution environment, opened at first use and reopened when lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::{Connection, Dead, Param, WireRequest, WireResponse};
use crate::sql::Statement;
use crate::{DatabaseConfig, StoreError, Tx};

/// A kept connection may have died while the environment was frozen: it is replaced after this time.
const REUSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum wait for other transactions of the same environment.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

/// The database, through at most two connections. Connects at first use.
pub struct Store {
    config: DatabaseConfig,
    tls: Option<MakeRustlsConnect>,
    /// The second one is opened only while a transaction uses the first: one waits for the server, the other is prepared.
    slots: [Mutex<Option<Connection>>; 2],
    opened: AtomicU64,
}

pub(crate) type Slot<'a> = MutexGuard<'a, Option<Connection>>;

fn is_open(slot: &Slot<'_>) -> bool {
    slot.as_ref().is_some_and(|connection| !connection.is_closed())
}

impl Store {
    /// Creates a store; connects at first use.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the secret's certificates are invalid.
    pub fn new(config: DatabaseConfig) -> Result<Self, StoreError> {
        Ok(Self {
            tls: crate::tls::connector(&config)?,
            config,
            slots: [Mutex::new(None), Mutex::new(None)],
            opened: AtomicU64::new(0),
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
    /// Two transactions at a time: a third one waits for one of them to end. The server begins it with the first statement. A
    /// connection lost while idle is detected there, before any work of the transaction, and replaced once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::LoginRefused`] if there is no connection and none can be opened.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        Ok(Tx::new(self, self.turn().await?))
    }

    /// Sends statements in one round trip, each in a separate transaction. A dead connection may have executed some of them
    /// already. The first one should be quick: without its answer after [`REUSE_TIMEOUT`] the connection counts as dead.
    pub(crate) async fn exchange(&self, statements: &[Statement]) -> Result<Vec<WireResponse>, StoreError> {
        let requests: Vec<_> = statements.iter().map(Statement::request).collect();
        self.send(&requests).await
    }

    /// One statement, in a separate transaction.
    pub(crate) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let params = params.to_vec();
        self.rows(WireRequest { sql, params }).await
    }

    /// The rows of one statement, in a separate transaction.
    pub(crate) async fn rows_of(&self, statement: &Statement) -> Result<Vec<Row>, StoreError> {
        self.rows(statement.request()).await
    }

    async fn rows(&self, request: WireRequest<'_>) -> Result<Vec<Row>, StoreError> {
        // It may be slow on a live connection: the first statement, which does nothing, checks that.
        let answers = self.send(&[WireRequest::command("SELECT"), request]).await?;
        Ok(answers.into_iter().skip(1).flat_map(|answer| answer.rows).collect())
    }

    pub(crate) async fn query_opt(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    async fn send(&self, requests: &[WireRequest<'_>]) -> Result<Vec<WireResponse>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut slot = self.turn().await?;
        let answers = self.first_exchange(&mut slot, requests).await;
        if matches!(answers, Err(StoreError::Unavailable(_))) {
            *slot = None; // a late answer must not reach the next request
        }
        answers
    }

    /// The first requests after a pause. A kept connection may have died: then they are sent on another one.
    pub(crate) async fn first_exchange(
        &self,
        slot: &mut Option<Connection>,
        requests: &[WireRequest<'_>],
    ) -> Result<Vec<WireResponse>, StoreError> {
        if let Some(kept) = slot.as_ref().filter(|kept| !kept.is_closed()) {
            match kept.exchange_if_alive(requests, REUSE_TIMEOUT).await {
                Ok(answers) => return answers,
                Err(Dead(error)) => tracing::info!(%error, "database connection lost while idle; opening another"),
            }
        }
        *slot = None;
        let opened = Box::pin(self.open()).await?;
        slot.insert(opened).exchange(requests).await
    }

    /// A connection that answers.
    pub(crate) async fn connected(&self) -> Result<Slot<'_>, StoreError> {
        let mut slot = self.turn().await?;
        self.first_exchange(&mut slot, &[WireRequest::command("SELECT")])
            .await?;
        Ok(slot)
    }

    /// An open connection that is not in use.
    async fn turn(&self) -> Result<Slot<'_>, StoreError> {
        let [first, second] = &self.slots;
        let free = async {
            tokio::select! {
                biased;
                slot = first.lock() => slot,
                slot = second.lock() => slot,
            }
        };
        let free = timeout(TURN_TIMEOUT, free).await;
        let mut slot =
            free.map_err(|_| StoreError::Unavailable("both connections are in use by other transactions".to_owned()))?;
        if is_open(&slot) {
            return Ok(slot);
        }
        // Boxed: opening is rare, and its future large.
        match Box::pin(self.open()).await {
            Ok(opened) => *slot = Some(opened),
            // A server that accepts no further connection may still serve the other one.
            Err(error @ StoreError::Unavailable(_)) => {
                *slot = None;
                drop(slot);
                slot = self.open_slot().await.ok_or(error)?;
            }
            Err(error) => return Err(error),
        }
        Ok(slot)
    }

    /// The slot with an open connection, once it is free.
    async fn open_slot(&self) -> Option<Slot<'_>> {
        for slot in &self.slots {
            let slot = timeout(TURN_TIMEOUT, slot.lock()).await.ok()?;
            if is_open(&slot) {
                return Some(slot);
            }
        }
        None
    }

    async fn open(&self) -> Result<Connection, StoreError> {
        let opened = Connection::open(&self.config, self.tls.as_ref()).await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(opened)
    }

    /// How many connections were opened so far. A new one may lead to another server, which may lack the last commits.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
