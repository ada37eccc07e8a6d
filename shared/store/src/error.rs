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
mod tests;
