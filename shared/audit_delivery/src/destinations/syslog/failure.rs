//! Why a batch was not delivered.

use std::io::{self, ErrorKind};

use crate::destination::DeliveryError;
use crate::destinations::settings::SyslogAddress;
use audit::FailureClass;

#[derive(Debug, thiserror::Error)]
pub(super) enum SyslogFailure {
    #[error("host name cannot be resolved: {0}")]
    Name(#[source] io::Error),
    #[error("host name has no address")]
    NoAddress,
    #[error("receiver closed the connection before the end of the batch")]
    ClosedEarly,
    #[error("receiver ended the TLS session without close_notify, which RFC 5425 (section 4.4) requires")]
    NoCloseNotify,
    #[error("receiver sent data, which syslog does not allow")]
    UnexpectedData,
    #[error("a message of {0} octets does not fit into a datagram; use tcp or tcp+tls")]
    TooLarge(usize),
    #[error("TLS failed ({0}); for a private CA, set ca_pem")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for SyslogFailure {
    fn from(error: io::Error) -> Self {
        // rustls passes its errors wrapped through `Read` and `Write`.
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => Self::Tls(tls.clone()),
            None => Self::Io(error),
        }
    }
}

impl SyslogFailure {
    pub(super) fn at(&self, address: &SyslogAddress) -> DeliveryError {
        let message = format!("{address}: {self}");
        let class = match self {
            Self::TooLarge(_) => {
                let class = FailureClass::InvalidResponse;
                return DeliveryError::Refused { class, message };
            }
            Self::Io(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                FailureClass::Timeout
            }
            Self::UnexpectedData => FailureClass::InvalidResponse,
            _ => FailureClass::NetworkError,
        };
        DeliveryError::Unavailable {
            class,
            message,
            retry_after: None,
        }
    }
}
