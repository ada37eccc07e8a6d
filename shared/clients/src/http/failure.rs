//! The meaning of errors of the HTTP stack. Its own texts contain addresses, so ours replace them.

use audit::FailureClass;

use crate::Advice;
use crate::error::{CallProblem, Safety};

/// No answer: what happened, and whether the request can have reached the target.
pub(super) fn of_sending(error: &reqwest::Error, safety: Safety) -> (CallProblem, bool) {
    let again = Advice::Retry { after: None };
    if error.is_builder() {
        return (
            CallProblem::new(
                FailureClass::InvalidResponse,
                Advice::Permanent,
                "request could not be built",
            ),
            false,
        );
    }
    if error.is_connect() {
        let (class, message) = if error.is_timeout() {
            (FailureClass::Timeout, "connection timed out".to_owned())
        } else if error.is_dns() {
            (FailureClass::NetworkError, "host name could not be resolved".to_owned())
        } else if let Some(tls) = tls_error(error) {
            (FailureClass::NetworkError, format!("TLS connection failed: {tls}"))
        } else {
            (FailureClass::NetworkError, "connection failed".to_owned())
        };
        return (CallProblem::new(class, again, message), false);
    }
    if error.is_timeout() {
        return (
            CallProblem::new(FailureClass::Timeout, safety.unanswered(), "request timed out"),
            true,
        );
    }
    (
        CallProblem::new(
            FailureClass::NetworkError,
            safety.unanswered(),
            "connection closed before the response",
        ),
        true,
    )
}

/// The answer began and did not end.
pub(super) fn of_reading(error: &reqwest::Error, safety: Safety) -> CallProblem {
    if error.is_timeout() {
        CallProblem::new(FailureClass::Timeout, safety.unanswered(), "response timed out")
    } else {
        CallProblem::new(
            FailureClass::NetworkError,
            safety.unanswered(),
            "connection closed during the response",
        )
    }
}

/// The TLS stack's reason (an unknown authority, a wrong name): needed by the operator, and not secret.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref() {
            return Some(tls);
        }
        // An io::Error's `source` skips the error that it wraps.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    None
}
