//! Delivery of audit entries to files, syslog receivers and HTTP endpoints, and a crash-safe queue on disk for services outside Lambda.
//!
//! A service that embeds the audit log depends only on this crate: [`audit`] is re-exported.
#![warn(missing_docs)]

mod destination;
mod destinations;
mod queue;

pub use audit;
pub use destination::{DeliveryError, Destination, Outgoing};
pub use destinations::{
    Credentials, FileDestination, HttpDestination, HttpOptions, SetupError, SyslogDestination, SyslogOptions,
    http_batch, settings,
};
pub use queue::{
    AuditQueue, AuditQueueError, AuditQueueSettings, Cut, DeliveryBackoff, DestinationHealth, DestinationOptions,
    DiskProblem, Durability, Health, Limits, OnFull, Until,
};
