//! Why a call failed, as a class that alarms and searches can use.

use serde::{Deserialize, Serialize};

/// The class of a failure. Stored in `error`; `details` explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The credentials were rejected (401, 403), or a delivery is not authentic.
    AuthFailure,
    /// The target asked to slow down.
    RateLimit,
    /// The target could not be reached, or the connection broke.
    NetworkError,
    /// No complete answer in time.
    Timeout,
    /// The target does not know the requested object (404).
    NotFound,
    /// The object changed in between (409), or already exists.
    Conflict,
    /// The target failed (5xx).
    ServerError,
    /// An unreadable answer, or a rejection for another reason.
    InvalidResponse,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::AuthFailure,
        Self::RateLimit,
        Self::NetworkError,
        Self::Timeout,
        Self::NotFound,
        Self::Conflict,
        Self::ServerError,
        Self::InvalidResponse,
    ];

    /// The stable code in the audit log and in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthFailure => "auth_failure",
            Self::RateLimit => "rate_limit",
            Self::NetworkError => "network_error",
            Self::Timeout => "timeout",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::ServerError => "server_error",
            Self::InvalidResponse => "invalid_response",
        }
    }

    /// The class of an unsuccessful HTTP status.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::AuthFailure,
            404 | 410 => Self::NotFound,
            408 => Self::Timeout,
            409 | 412 => Self::Conflict,
            429 => Self::RateLimit,
            500..=599 => Self::ServerError,
            _ => Self::InvalidResponse,
        }
    }
}

impl std::fmt::Display for FailureClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
