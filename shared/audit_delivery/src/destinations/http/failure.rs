//! Why there was no response. Addresses are omitted: at some receivers they hold a token.

use std::io::ErrorKind;

use ureq::Error;

use crate::destination::DeliveryError;
use audit::FailureClass;

/// A missing response is never caused by the batch.
pub(super) fn unavailable(error: &Error) -> DeliveryError {
    let (class, what) = match error {
        Error::Timeout(_) => (FailureClass::Timeout, "no complete answer in time".to_owned()),
        Error::Io(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            (FailureClass::Timeout, "no complete answer in time".to_owned())
        }
        Error::Io(error) => (FailureClass::NetworkError, error.to_string()),
        Error::HostNotFound => (FailureClass::NetworkError, "its name cannot be resolved".to_owned()),
        Error::ConnectionFailed => (FailureClass::NetworkError, "no connection".to_owned()),
        Error::Rustls(error) => (
            FailureClass::NetworkError,
            format!("TLS failed ({error}); for a private authority set ca_pem"),
        ),
        Error::Tls(error) => (FailureClass::NetworkError, format!("TLS failed ({error})")),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => {
            (FailureClass::InvalidResponse, "its answer is no HTTP".to_owned())
        }
        _ => (
            FailureClass::InvalidResponse,
            "the request could not be made".to_owned(),
        ),
    };
    DeliveryError::Unavailable {
        class,
        message: format!("the receiver was not reached: {what}"),
        retry_after: None,
    }
}
