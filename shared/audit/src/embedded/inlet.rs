//! Where a writer's lines enter an audit log.

use std::sync::Arc;

use super::queue::{Queue, Ticket};

/// The writer's side of an audit log.
pub(crate) struct Inlet {
    /// `None`: the audit log is off.
    queue: Option<Arc<Queue>>,
    stdout: bool,
}

impl Inlet {
    pub(super) fn new(queue: Arc<Queue>, stdout: bool) -> Self {
        let queue = Some(queue);
        Self { queue, stdout }
    }

    pub(super) fn off() -> Self {
        Self {
            queue: None,
            stdout: false,
        }
    }

    /// Whether lines also go to standard output.
    pub(crate) fn stdout(&self) -> bool {
        self.stdout
    }

    /// Takes a line without waiting for the disk.
    pub(crate) fn put(&self, line: &[u8]) -> Ticket {
        self.queue.as_ref().map_or(0, |queue| queue.put(line))
    }

    /// Waits for the disk as the settings demand. Do not call it with a lock that other writers need: writers that wait together
    /// share one fdatasync.
    pub(crate) fn settle(&self, ticket: Ticket) {
        if let Some(queue) = &self.queue {
            queue.settle(ticket);
        }
    }
}
