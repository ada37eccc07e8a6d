//! Why a call failed, as a class that alarms and searches can use.

use model::codes;
use serde::{Deserialize, Serialize};

codes! {
    /// The class of a failure. Stored in `error`; `details` explains it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum FailureClass {
        /// The credentials were rejected (401, 403), or a delivery is not authentic.
        AuthFailure = "auth_failure",
        /// The target asked to slow down.
        RateLimit = "rate_limit",
        /// The target could not be reached, or the connection broke.
        NetworkError = "network_error",
        /// No complete answer in time.
        Timeout = "timeout",
        /// The target does not know the requested object (404).
        NotFound = "not_found",
        /// The object changed in between (409), or already exists.
        Conflict = "conflict",
        /// The target failed (5xx).
        ServerError = "server_error",
        /// An unreadable answer, or a rejection for another reason.
        InvalidResponse = "invalid_response",
    }
}

impl FailureClass {
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
