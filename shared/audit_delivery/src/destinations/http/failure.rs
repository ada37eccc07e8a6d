//! Why there was no response. Addresses are omitted: at some receivers they hold a token.

use std::io::ErrorKind;

use ureq::Error;

use crate::destination::DeliveryError;
use audit::FailureClass;

/// A missing response is never caused by the batch.
pub(super) fn unavailable(error: &Error) -> DeliveryError {
    let (class, what) = match error {
        Error::Timeout(_) => (
            FailureClass::Timeout,
            "timed out before the response was complete".to_owned(),
        ),
        Error::Io(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => (
            FailureClass::Timeout,
            "timed out before the response was complete".to_owned(),
        ),
        Error::Io(error) => (FailureClass::NetworkError, error.to_string()),
        Error::HostNotFound => (FailureClass::NetworkError, "host name cannot be resolved".to_owned()),
        Error::ConnectionFailed => (FailureClass::NetworkError, "connection failed".to_owned()),
        Error::Rustls(error) => (
            FailureClass::NetworkError,
            format!("TLS failed ({error}); for a private CA, set ca_pem"),
        ),
        Error::Tls(error) => (FailureClass::NetworkError, format!("TLS failed ({error})")),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => (
            FailureClass::InvalidResponse,
            "the response is not valid HTTP".to_owned(),
        ),
        _ => (FailureClass::InvalidResponse, "the request failed".to_owned()),
    };
    DeliveryError::Unavailable {
        class,
        message: format!("no response from the receiver: {what}"),
        retry_after: None,
    }
}
