//! Destinations of entries in addition to standard output: their interface, and how delivery can fail.

use std::time::Duration;

use uuid::Uuid;

use audit::FailureClass;

/// One entry to deliver to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Its position in the dense order of the audit log, from 1.
    pub position: u64,
    /// Its idempotency key, by which the receiver drops duplicates.
    pub id: Uuid,
    /// The line exactly as printed, without its line break.
    pub line: &'a str,
}

/// A receiver of entries that confirms when it has stored them.
pub trait Destination: Send {
    /// `file`, `syslog` or `http`.
    fn name(&self) -> &'static str;

    /// Delivers a batch in order. `Ok` means that all of it has permanently arrived; after an error any part of it may have.
    ///
    /// # Errors
    /// [`DeliveryError`] shows whether to retry the same batch or to find the rejected entry.
    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError>;
}

/// Why a batch was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The destination is unavailable: retry the same batch later.
    #[error("{message}")]
    Unavailable {
        /// The class, for metrics and the audit log.
        class: FailureClass,
        /// The failure, without secrets.
        message: String,
        /// How long the destination asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The destination rejects this batch for its content: halve it to find the entry, and quarantine that one.
    #[error("{message}")]
    Refused {
        /// The class, for metrics and the audit log.
        class: FailureClass,
        /// The failure, without secrets.
        message: String,
    },
}

impl DeliveryError {
    /// The class, for metrics and the audit log.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unavailable { class, .. } | Self::Refused { class, .. } => *class,
        }
    }
}
