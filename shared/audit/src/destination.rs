//! Where entries go besides standard output: what every destination must do, and how delivery can fail.

use std::time::Duration;

use uuid::Uuid;

use crate::FailureClass;

#[cfg(feature = "file")]
mod file;
#[cfg(feature = "http")]
mod http;
pub mod http_batch;
#[cfg(any(feature = "file", feature = "syslog"))]
mod line;
pub mod settings;
#[cfg(any(feature = "http", feature = "syslog"))]
mod setup;
#[cfg(feature = "syslog")]
mod syslog;

#[cfg(feature = "file")]
pub use file::FileDestination;
#[cfg(feature = "http")]
pub use http::{Credentials, HttpDestination, HttpOptions};
#[cfg(any(feature = "http", feature = "syslog"))]
pub use setup::SetupError;
#[cfg(feature = "syslog")]
pub use syslog::{SyslogDestination, SyslogOptions};

/// One entry on its way to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Its place in the dense order of everything recorded, from 1.
    pub position: u64,
    /// Its idempotency key, by which the receiver drops what it has already.
    pub id: Uuid,
    /// The line exactly as printed, without its end.
    pub line: &'a str,
}

/// A place that takes entries and says when it has them for good.
pub trait Destination: Send {
    /// `file`, `syslog` or `http`.
    fn name(&self) -> &'static str;

    /// Delivers a batch in its order. `Ok` means that all of it has arrived for good; after an error any part of it may have.
    ///
    /// # Errors
    /// [`DeliveryError`] says whether to try the same batch again or to find the entry that is refused.
    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError>;
}

/// Why a batch was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The destination cannot take anything now: try the same batch again later.
    #[error("{message}")]
    Unavailable {
        /// The class, for metrics and the trail.
        class: FailureClass,
        /// What happened, without secrets.
        message: String,
        /// How long the destination asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The destination refuses this batch for what it holds: halve it to find the entry, and set that one aside.
    #[error("{message}")]
    Refused {
        /// The class, for metrics and the trail.
        class: FailureClass,
        /// What happened, without secrets.
        message: String,
    },
}

impl DeliveryError {
    /// The class, for metrics and the trail.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unavailable { class, .. } | Self::Refused { class, .. } => *class,
        }
    }
}
