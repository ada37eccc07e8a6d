//! How a trail is doing: what is on the disk, what each destination has, and what goes wrong.

use jiff::Timestamp;

use super::queue::Queue;
use super::recovery::Cut;
use crate::FailureClass;

/// Something that goes wrong and is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Since when.
    pub since: Timestamp,
    /// What, the last time it was tried.
    pub error: String,
}

/// How a trail is doing. Positions number its entries from 1, without a hole, over all restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Position of the last entry taken.
    pub recorded: u64,
    /// Position of the last entry on the disk: everything up to it survives a power cut.
    pub durable: u64,
    /// The disk takes nothing, and since when. It is tried again all the time.
    pub disk: Option<Problem>,
    /// Entries and announcements lost because the disk took nothing and the memory was used up, since the trail was opened. Only
    /// with [`OnFull::Report`](super::OnFull::Report). Alarm on anything but 0.
    pub not_recorded: u64,
    /// What was cut off the end of the queue when the trail was opened, if anything.
    pub cut: Option<Cut>,
    /// Each destination; besides, each former one that is not configured now and whose cursor still keeps entries from being removed.
    pub destinations: Vec<DestinationHealth>,
}

/// How a destination is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// Its name.
    pub name: String,
    /// Whether the trail was opened with it. If not, it gets nothing, and keeps everything it has not had: remove its cursor file to
    /// give it up.
    pub configured: bool,
    /// Everything up to this position has arrived, or was refused and set aside.
    pub delivered: u64,
    /// Entries that have not.
    pub behind: u64,
    /// Since when it fails without a success in between.
    pub failing_since: Option<Timestamp>,
    /// The last failure, also when it has been overcome: its class and what happened.
    pub last_error: Option<(FailureClass, String)>,
    /// Entries it has refused, over all restarts; they are in `undelivered.ndjson`.
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

impl Queue {
    pub(super) fn health(&self) -> Health {
        let state = self.lock();
        let destinations = state.receivers.iter().map(|receiver| DestinationHealth {
            name: receiver.name.clone(),
            configured: receiver.configured,
            delivered: receiver.delivered,
            behind: state.position.saturating_sub(receiver.delivered),
            failing_since: receiver.failing_since,
            last_error: receiver.last_error.clone(),
            refused: receiver.refused,
        });
        Health {
            recorded: state.position,
            durable: state.durable(),
            disk: state.problem.clone(),
            not_recorded: state.not_recorded,
            cut: state.cut.clone(),
            destinations: destinations.collect(),
        }
    }
}
