//! One connection: opening and every statement have a timeout; closed when dropped.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::{join_all, try_join};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::CONNECT_TIMEOUT;
use crate::{DatabaseConfig, StoreError};

/// Longer than the `statement_timeout` of the application's login, so that the server normally ends a slow statement first.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// The same for several statements sent together: a lock, and slow statements in sequence.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);

/// A parameter with its type: statements stay unnamed and cost one round trip.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A statement to be sent.
#[derive(Clone)]
pub(crate) struct WireRequest<'a> {
    pub(crate) sql: &'a str,
    pub(crate) params: Vec<Param<'a>>,
}

impl<'a> WireRequest<'a> {
    /// A statement without parameters.
    pub(crate) fn command(sql: &'a str) -> Self {
        let params = Vec::new();
        Self { sql, params }
    }
}

#[derive(Default)]
pub(crate) struct WireResponse {
    pub(crate) rows: Vec<Row>,
    /// Number of rows returned or changed.
    pub(crate) affected: u64,
}

/// The connection gave no answer to the first request.
pub(crate) struct Dead(pub(crate) StoreError);

pub(crate) struct Connection {
    pub(crate) client: Client,
    driver: AbortHandle,
}

impl Connection {
    pub(crate) async fn open(config: &DatabaseConfig, tls: Option<&MakeRustlsConnect>) -> Result<Self, StoreError> {
        let driver_config = config.driver_config();
        let login = async {
            match tls {
                Some(tls) => driver_config
                    .connect(tls.clone())
                    .await
                    .map(|(client, connection)| (client, drive(connection))),
                None => driver_config
                    .connect(NoTls)
                    .await
                    .map(|(client, connection)| (client, drive(connection))),
            }
        };
        match timeout(CONNECT_TIMEOUT, login).await {
            Ok(Ok((client, driver))) => Ok(Self { client, driver }),
            Ok(Err(error)) => Err(StoreError::from_driver(&error)),
            Err(_) => Err(StoreError::Unavailable("no login within 5 s".to_owned())),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        bounded(STATEMENT_TIMEOUT, self.client.query_typed(sql, params)).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        bounded(STATEMENT_TIMEOUT, self.client.execute_typed(sql, params)).await
    }

    /// Sends all requests before it waits for the first answer: one round trip. Returns the first error; inside a transaction the
    /// later requests fail because of it.
    pub(crate) async fn exchange(&self, requests: &[WireRequest<'_>]) -> Result<Vec<WireResponse>, StoreError> {
        let answers = join_all(requests.iter().map(|request| self.answer(request)));
        let limit = if requests.len() > 1 {
            EXCHANGE_TIMEOUT
        } else {
            STATEMENT_TIMEOUT
        };
        let answers = timeout(limit, answers).await;
        answers.map_err(|_| no_answer(limit))?.into_iter().collect()
    }

    /// The same on a connection that may have died while idle: it fails if the first request gets no answer in a short time.
    pub(crate) async fn exchange_if_alive(
        &self,
        requests: &[WireRequest<'_>],
        limit: Duration,
    ) -> Result<Result<Vec<WireResponse>, StoreError>, Dead> {
        let Some((first, rest)) = requests.split_first() else {
            return Ok(Ok(Vec::new()));
        };
        let first = async {
            match timeout(limit, self.answer(first)).await {
                // Other errors are those of the statement.
                Ok(Err(error @ (StoreError::Unavailable(_) | StoreError::Misconfigured(_)))) => Err(Dead(error)),
                Ok(answer) => Ok(answer),
                Err(_) => Err(Dead(no_answer(limit))),
            }
        };
        let rest = async { Ok(self.exchange(rest).await) };
        let (first, rest) = try_join(first, rest).await?;
        Ok(first.and_then(|first| Ok(std::iter::once(first).chain(rest?).collect())))
    }

    async fn answer(&self, request: &WireRequest<'_>) -> Result<WireResponse, StoreError> {
        let read = async {
            let params = request.params.iter().map(|(value, of)| (*value, of.clone()));
            let mut rows = pin!(self.client.query_typed_raw(request.sql, params).await?);
            let mut answer = WireResponse::default();
            while let Some(row) = rows.try_next().await? {
                answer.rows.push(row);
            }
            answer.affected = rows.rows_affected().unwrap_or(0);
            Ok(answer)
        };
        read.await.map_err(|error| StoreError::from_driver(&error))
    }

    /// A command without parameters and without rows.
    pub(crate) async fn command(&self, sql: &str) -> Result<(), StoreError> {
        bounded(STATEMENT_TIMEOUT, self.client.batch_execute(sql)).await
    }

    /// For a wait whose length is unknown here.
    pub(crate) async fn command_unbounded(&self, sql: &str) -> Result<(), StoreError> {
        self.client
            .batch_execute(sql)
            .await
            .map_err(|error| StoreError::from_driver(&error))
    }
}

impl Drop for Connection {
    /// Closes the socket even if the server hangs; the server rolls back open transactions.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(|error| StoreError::from_driver(&error)),
        Err(_) => Err(no_answer(limit)),
    }
}

fn no_answer(limit: Duration) -> StoreError {
    StoreError::Unavailable(format!("no answer within {} s", limit.as_secs()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task only moves bytes for the invocation's own queries, and ends with its connection"
)]
fn drive<S, T>(connection: tokio_postgres::Connection<S, T>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The failed statement reports it; this log line only shows when an idle connection died.
            tracing::debug!(error = %StoreError::from_driver(&error), "database connection ended");
        }
    });
    task.abort_handle()
}
