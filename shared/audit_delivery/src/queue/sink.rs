//! The queue as the receiver of a writer's lines.

use std::sync::Arc;

use audit::{Sink, Stdout};

use super::state::Queue;

/// The writer's side of the queue.
pub(super) struct QueueSink {
    /// `None`: the audit log is off.
    queue: Option<Arc<Queue>>,
    /// Whether lines also go to standard output.
    stdout: bool,
}

impl QueueSink {
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
}

impl Sink for QueueSink {
    /// Queues a line without waiting for the disk.
    fn put(&self, line: &[u8]) -> u64 {
        if self.stdout {
            Stdout.put(line);
        }
        self.queue.as_ref().map_or(0, |queue| queue.put(line))
    }

    /// Waits for the disk as the settings demand; writers that wait together share one fdatasync.
    fn settle(&self, ticket: u64) {
        if let Some(queue) = &self.queue {
            queue.settle(ticket);
        }
    }
}
