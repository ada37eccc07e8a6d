//! The thread of one destination: reads the queue, delivers batch by batch, moves the cursor after each success.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::cursor::Cursor;
use super::reader::{Reader, StoredEntry};
use super::state::Queue;
use super::undelivered::UndeliveredFile;
use super::{AuditQueueError, DeliveryBackoff};
use crate::destination::{DeliveryError, Destination, Outgoing};
use crate::destinations::http_batch::LONGEST_RETRY_AFTER;
use audit::FailureClass;

pub(super) struct Delivery {
    pub(super) queue: Arc<Queue>,
    /// Its index among the queue's receivers.
    pub(super) receiver: usize,
    pub(super) destination: Box<dyn Destination>,
    pub(super) cursor: Cursor,
    pub(super) undelivered: Arc<UndeliveredFile>,
    /// Entries rejected before a crash that came before the cursor moved.
    pub(super) known: HashSet<u64>,
    /// The next position of the cursor if moving it failed: the batch has arrived and is not delivered again.
    pub(super) pending_cursor: Option<(u64, u64)>,
    pub(super) backoff: DeliveryBackoff,
}

/// Why a batch cannot be delivered now.
struct DeliveryFailure {
    class: FailureClass,
    message: String,
    retry_after: Option<Duration>,
}

impl Delivery {
    /// Delivers until the queue is closed.
    pub(super) fn run(mut self) {
        let mut reader = Reader::default();
        let mut failures = 0;
        while self.queue.await_entries(self.cursor.delivered) {
            match self.step(&mut reader) {
                Ok(()) => failures = 0,
                Err(failure) => {
                    failures += 1;
                    let asked = failure.retry_after.map(|asked| asked.min(LONGEST_RETRY_AFTER));
                    self.queue.failed(self.receiver, failure.class, failure.message);
                    // A fresh UUIDv7 is random in its lower half.
                    let chance = Uuid::now_v7().as_u64_pair().1 << 2;
                    self.queue.pause(self.backoff.wait(failures, chance, asked));
                }
            }
        }
    }

    fn step(&mut self, reader: &mut Reader) -> Result<(), DeliveryFailure> {
        if let Some((delivered, refused)) = self.pending_cursor {
            return self.advance(delivered, refused);
        }
        let batch = reader
            .batch(&self.queue, self.cursor.delivered)
            .map_err(DeliveryFailure::reading)?;
        self.deliver(&batch)
    }

    /// Delivers in order. Halves a rejected batch until the entry is found; that one is quarantined.
    fn deliver(&mut self, batch: &[StoredEntry]) -> Result<(), DeliveryFailure> {
        let Some(last) = batch.last() else { return Ok(()) };
        let outgoing: Vec<Outgoing<'_>> = batch.iter().map(StoredEntry::outgoing).collect();
        let destination = &mut self.destination;
        let delivered = catch_unwind(AssertUnwindSafe(|| destination.deliver(&outgoing))).unwrap_or_else(|_| {
            Err(DeliveryError::Unavailable {
                class: FailureClass::InvalidResponse,
                message: "the destination panicked".to_owned(),
                retry_after: None,
            })
        });
        match (delivered, batch) {
            (Ok(()), _) => self.advance(last.position, self.cursor.refused),
            (
                Err(DeliveryError::Unavailable {
                    class,
                    message,
                    retry_after,
                }),
                _,
            ) => Err(DeliveryFailure {
                class,
                message,
                retry_after,
            }),
            (Err(DeliveryError::Refused { class, message }), [entry]) => self.quarantine(entry, class, &message),
            (Err(DeliveryError::Refused { .. }), _) => {
                let (first, second) = batch.split_at(batch.len() / 2);
                self.deliver(first)?;
                self.deliver(second)
            }
        }
    }

    fn quarantine(&mut self, entry: &StoredEntry, class: FailureClass, reason: &str) -> Result<(), DeliveryFailure> {
        if !self.known.remove(&entry.position) {
            let now = self.queue.now();
            self.undelivered
                .keep(self.destination.name(), entry, (class, reason), now)
                .map_err(|error| DeliveryFailure::local_io("quarantine a rejected entry", &error))?;
        }
        self.advance(entry.position, self.cursor.refused + 1)?;
        self.queue.refused(self.receiver, class, reason);
        Ok(())
    }

    fn advance(&mut self, delivered: u64, refused: u64) -> Result<(), DeliveryFailure> {
        self.pending_cursor = Some((delivered, refused));
        self.cursor
            .advance(delivered, refused)
            .map_err(|error| DeliveryFailure::local_io("move the cursor", &error))?;
        self.pending_cursor = None;
        self.queue.delivered(self.receiver, delivered, refused);
        Ok(())
    }
}

impl DeliveryFailure {
    fn local_io(doing: &str, error: &std::io::Error) -> Self {
        Self {
            class: FailureClass::ServerError,
            message: format!("cannot {doing}: {error}"),
            retry_after: None,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    fn reading(error: AuditQueueError) -> Self {
        Self {
            class: FailureClass::InvalidResponse,
            message: format!("cannot read the queue: {error}"),
            retry_after: None,
        }
    }
}

impl Queue {
    /// Waits for an entry after `delivered` on disk; `false`: the queue was closed.
    fn await_entries(&self, delivered: u64) -> bool {
        let mut state = self.lock();
        while !state.closed && state.durable() <= delivered {
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Waits this long, or until the queue is closed.
    fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        while !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.progress.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn delivered(&self, receiver: usize, delivered: u64, refused: u64) {
        let mut state = self.lock();
        if let Some(receiver) = state.receivers.get_mut(receiver) {
            receiver.delivered = delivered;
            receiver.refused = refused;
            receiver.failing_since = None;
        }
        drop(state);
        self.progress.notify_all();
        self.remove_delivered();
    }

    fn failed(&self, receiver: usize, class: FailureClass, message: String) {
        let now = self.now();
        let mut state = self.lock();
        if let Some(receiver) = state.receivers.get_mut(receiver) {
            receiver.failing_since.get_or_insert(now);
            receiver.last_error = Some((class, message));
        }
        drop(state);
        self.progress.notify_all();
    }

    fn refused(&self, receiver: usize, class: FailureClass, reason: &str) {
        if let Some(receiver) = self.lock().receivers.get_mut(receiver) {
            receiver.last_error = Some((class, reason.to_owned()));
        }
    }
}
