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
                "the request could not be built",
            ),
            false,
        );
    }
    if error.is_connect() {
        let (class, message) = if error.is_timeout() {
            (FailureClass::Timeout, "no connection in time".to_owned())
        } else if error.is_dns() {
            (
                FailureClass::NetworkError,
                "the host name could not be resolved".to_owned(),
            )
        } else if let Some(tls) = tls_error(error) {
            (FailureClass::NetworkError, format!("no TLS connection: {tls}"))
        } else {
            (FailureClass::NetworkError, "no connection".to_owned())
        };
        return (CallProblem::new(class, again, message), false);
    }
    if error.is_timeout() {
        return (
            CallProblem::new(FailureClass::Timeout, safety.unanswered(), "no answer in time"),
            true,
        );
    }
    (
        CallProblem::new(
            FailureClass::NetworkError,
            safety.unanswered(),
            "the connection broke before an answer",
        ),
        true,
    )
}

/// The answer began and did not end.
pub(super) fn of_reading(error: &reqwest::Error, safety: Safety) -> CallProblem {
    if error.is_timeout() {
        CallProblem::new(FailureClass::Timeout, safety.unanswered(), "no complete answer in time")
    } else {
        CallProblem::new(
            FailureClass::NetworkError,
            safety.unanswered(),
            "the connection broke within the answer",
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
