//! Errors, by what the caller should do about them.

use std::fmt;

use tokio_postgres::error::{DbError, SqlState};

/// A failed database operation. No message contains a parameter's value, a row's content or the database's address.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is unreachable, or aborted the work: retry later.
    #[error("the database is unavailable; retry later: {0}")]
    Unavailable(String),
    /// The database rejects this login: reload the secret, then retry.
    #[error("the database rejected the login; reload its secret: {0}")]
    LoginRefused(String),
    /// Another transaction wrote the same rows: retry.
    #[error("conflicting concurrent write; retry: {0}")]
    Conflict(String),
    /// The schema or a privilege is not as this code needs it, or the server rejects for an unknown reason: needs manual
    /// intervention; then the same work may succeed.
    #[error("the database is not set up for this version; needs manual intervention: {0}")]
    Misconfigured(String),
    /// These values are rejected (a constraint, a trigger, a value out of range, too long for an index, or one that the driver
    /// cannot send): a retry changes nothing; needs manual intervention.
    #[error("the database rejected the values permanently; needs manual intervention: {0}")]
    Rejected(String),
    /// This version cannot read a stored row: another version, such as the one that wrote it, may read it. Retry; needs manual
    /// intervention.
    #[error("this version cannot read a stored row; deploy one that can: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the same work may succeed later. If not, it belongs in quarantine and needs manual intervention.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::LoginRefused(_)
            | Self::Conflict(_)
            | Self::Misconfigured(_)
            | Self::Corrupt(_) => true,
            Self::Rejected(_) => false,
        }
    }

    pub(crate) fn corrupt(column: impl fmt::Display) -> Self {
        Self::Corrupt(format!("column {column}"))
    }

    /// Keeps only the driver's own text and the server's codes and names: the server's message can quote values.
    pub(crate) fn from_driver(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Self::from_server(refusal),
            // The cause may quote the value.
            None if cannot_be_sent(error) => Self::Rejected(error.to_string()),
            None => Self::Unavailable(causes(error)),
        }
    }

    fn from_server(refusal: &DbError) -> Self {
        let code = refusal.code();
        let text = describe(refusal);
        if *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED
            || *code == SqlState::LOCK_NOT_AVAILABLE
        {
            return Self::Conflict(text);
        }
        let passing = [
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, // class 25, unlike the other timeouts
            SqlState::READ_ONLY_SQL_TRANSACTION,           // connected to a replica after a fail-over
        ];
        match &code.code()[..2] {
            "28" => Self::LoginRefused(text),
            // Connection, resources, operator intervention (shutdown, crash, statement_timeout), system error.
            "08" | "53" | "57" | "58" => Self::Unavailable(text),
            _ if passing.contains(code) => Self::Unavailable(text),
            // Rejected values: data exceptions, constraints, limits such as the size of an index row, several rows instead of one,
            // features the server does not support, and the triggers of append-only tables.
            "0A" | "21" | "22" | "23" | "54" | "P0" => Self::Rejected(text),
            _ => Self::Misconfigured(text),
        }
    }
}

/// Whether the driver could not encode a parameter or the message. Only the text identifies these kinds.
fn cannot_be_sent(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing parameter", "error encoding message to server"]
        .iter()
        .any(|kind| text.starts_with(kind))
}

/// SQLSTATE and the names in it, never the message or the detail.
fn describe(refusal: &DbError) -> String {
    let named = |what: &str, name: Option<&str>| name.map(|name| format!(", {what} {name}")).unwrap_or_default();
    format!(
        "SQLSTATE {}{}{}{}",
        refusal.code().code(),
        named("constraint", refusal.constraint()),
        named("table", refusal.table()),
        named("column", refusal.column())
    )
}

/// The driver's error with its causes (network, TLS), in one line.
fn causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio_postgres::types::Type;
    use tokio_postgres::{Config, NoTls};

    use super::*;

    /// `AuthenticationOk`, then `ReadyForQuery`.
    const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

    /// A server that reads the start-up message and sends this answer.
    fn answering(answer: Vec<u8>) -> (DuplexStream, impl Future<Output = DuplexStream>) {
        let (client, mut server) = tokio::io::duplex(4096);
        let serve = async move {
            let length = server.read_u32().await.unwrap() as usize;
            server.read_exact(&mut vec![0; length - 4]).await.unwrap();
            server.write_all(&answer).await.unwrap();
            server
        };
        (client, serve)
    }

    fn config() -> Config {
        let mut config = Config::new();
        config.user("app");
        config
    }

    async fn refused_with(code: &str) -> StoreError {
        let fields = format!("SERROR\0VERROR\0C{code}\0Mvalue hunter2\0\0");
        let mut answer = vec![b'E'];
        answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
        answer.extend(fields.bytes());
        let (stream, serve) = answering(answer);
        let config = config();
        let (connected, _server) = tokio::join!(config.connect_raw(stream, NoTls), serve);
        StoreError::from_driver(&connected.err().unwrap())
    }

    #[tokio::test]
    async fn each_sqlstate_has_its_class() {
        let permanent = [
            "22021", "22P02", "23514", "23505", "21000", "0A000", "54000", "54001", "P0001",
        ];
        let passing = [
            "08006", "53300", "57014", "57P01", "58030", "25P03", "25006", "28P01", "40001", "40P01", "55P03",
        ];
        // An unknown error may be fixed by a person or a deployment.
        let unknown = ["42P01", "42501", "XX000", "ZZ999"];
        for code in permanent {
            let error = refused_with(code).await;
            assert!(matches!(error, StoreError::Rejected(_)), "{code}: {error}");
        }
        for code in passing.iter().chain(&unknown) {
            let error = refused_with(code).await;
            assert!(error.is_retryable(), "{code}: {error}");
            assert!(error.to_string().contains(code) && !error.to_string().contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn a_parameter_that_cannot_be_sent_is_rejected() {
        let (stream, serve) = answering(READY.to_vec());
        let config = config();
        let (connected, _server) = tokio::join!(config.connect_raw(stream, NoTls), serve);
        let (client, _connection) = connected.unwrap();
        let error = client
            .query_typed("SELECT $1", &[(&"hunter2", Type::INT4)])
            .await
            .unwrap_err();
        let error = StoreError::from_driver(&error);
        assert!(
            matches!(&error, StoreError::Rejected(_)) && !error.is_retryable(),
            "{error}"
        );
        assert!(!error.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_connection_that_ends_is_unavailable() {
        let (stream, serve) = answering(Vec::new());
        let config = config();
        let ended = async { drop(serve.await) };
        let (connected, ()) = tokio::join!(config.connect_raw(stream, NoTls), ended);
        let error = StoreError::from_driver(&connected.err().unwrap());
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }

    #[test]
    fn row_of_another_version_is_retryable() {
        assert!(StoreError::corrupt("reasons").is_retryable());
    }
}
