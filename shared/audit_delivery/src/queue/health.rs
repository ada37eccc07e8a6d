//! The state of an audit log: the disk, each destination, and their failures.

use std::path::PathBuf;

use audit::FailureClass;
use jiff::Timestamp;

/// A failure that is retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskProblem {
    /// Since when.
    pub since: Timestamp,
    /// The error of the last attempt.
    pub error: String,
}

/// The end of the last segment was cut off, because a power cut or a full disk kept it off the disk. No write with
/// guaranteed durability had returned for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub file: PathBuf,
    /// Its new end.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
}

/// The state of an audit log. Positions number its entries from 1, without a gap, over all restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Position of the last entry accepted.
    pub recorded: u64,
    /// Position of the last entry on the disk: everything up to it survives a power cut.
    pub durable: u64,
    /// The disk fails, and since when. Writing is retried continuously.
    pub disk: Option<DiskProblem>,
    /// Entries and announcements lost since opening because the disk failed and the memory limit was reached. Only with
    /// [`OnFull::Report`](super::OnFull::Report). Alarm on anything but 0.
    pub not_recorded: u64,
    /// The end of the queue that was cut off on opening, if any.
    pub cut: Option<Cut>,
    /// Each destination; also each former one that is no longer configured and whose cursor still prevents removal of entries.
    pub destinations: Vec<DestinationHealth>,
}

/// The state of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// Its name.
    pub name: String,
    /// Whether the audit log was opened with it. If not, it receives nothing, and its undelivered entries are kept: remove its
    /// cursor file to drop it.
    pub configured: bool,
    /// Everything up to this position has arrived, or was rejected and quarantined.
    pub delivered: u64,
    /// Entries that have not arrived.
    pub behind: u64,
    /// Since when every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// The last failure, even if deliveries succeed again: its class and message.
    pub last_error: Option<(FailureClass, String)>,
    /// Entries it has rejected, over all restarts; they are in `undelivered.ndjson`.
    pub refused: u64,
}

/// A destination as the queue knows it.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    pub(super) name: String,
    pub(super) configured: bool,
    pub(super) delivered: u64,
    pub(super) refused: u64,
    pub(super) failing_since: Option<Timestamp>,
    pub(super) last_error: Option<(FailureClass, String)>,
}
