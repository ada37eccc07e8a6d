//! Durability: one fdatasync for all waiting records (group commit), retried until the disk accepts it; new segments.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::segment;
use super::state::{Queue, State, Ticket};
use super::{Durability, OnFull, Until};

/// Wait between two retries on a failing disk.
const RETRY: Duration = Duration::from_millis(200);

impl Queue {
    /// Waits as the settings require: for the disk, or only while too much waits in memory.
    pub(super) fn settle(&self, ticket: Ticket) {
        let mut state = self.lock();
        loop {
            let each = state.closed || self.durability == Durability::EachEntry;
            let full = state.unsynced.len() >= self.limits.memory_bytes;
            let reported = state.problem.is_some() && self.on_full == OnFull::Report;
            if state.synced >= ticket || reported || !(each || full) {
                return;
            }
            state = self.advance(state);
        }
    }

    /// Waits until everything accepted so far is on disk, independent of the settings, and delivered if requested.
    pub(super) fn flush(&self, until: Until, deadline: Instant) -> bool {
        let mut state = self.lock();
        let (taken, position) = (state.taken, state.position);
        loop {
            let durable = state.synced >= taken;
            if durable && (until == Until::Durable || state.delivered() >= position) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = if durable {
                let waited = self.progress.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.advance(state)
            };
        }
    }

    /// One step towards durability: syncs if no other thread does and there is no error; else waits for that thread or the retry.
    fn advance<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if !state.syncing && state.problem.is_none() {
            return self.sync(state);
        }
        let waited = self.progress.wait_timeout(state, RETRY);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        // With the queue closed, the retrying thread has ended.
        if state.closed && timeout.timed_out() && !state.syncing {
            return self.sync(state);
        }
        state
    }

    /// Syncs all waiting records without holding the lock: records added meanwhile go with the next sync.
    pub(super) fn sync<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let (file, from) = (state.file.clone(), state.active().length);
        let (bytes, taken, position) = (state.unsynced.len(), state.taken, state.position);
        let unwritten = state.held.then(|| state.unsynced.clone());
        state.syncing = true;
        drop(state);
        let began = Instant::now();
        let written = unwritten.map_or(Ok(()), |bytes| file.write_all_at(&bytes, from));
        let synced = written.and_then(|()| file.sync_data());
        let mut state = self.lock();
        state.syncing = false;
        let outcome = synced.and_then(|()| {
            state.mark_synced(bytes, taken, position, began);
            state.rewrite()?;
            self.rotate(&mut state)
        });
        match outcome {
            Ok(()) => state.problem = None,
            Err(error) => {
                state.held |= !state.unsynced.is_empty();
                state.problem = Some(self.problem(state.problem.as_ref(), error));
                self.work.notify_one();
            }
        }
        self.progress.notify_all();
        state
    }

    /// Starts a new segment if the last one is long enough.
    fn rotate(&self, state: &mut State) -> io::Result<()> {
        if state.active().length < self.limits.segment_bytes {
            return Ok(());
        }
        // Only the last segment may have an end that is not on disk.
        if !state.unsynced.is_empty() {
            state.file.sync_data()?;
            let (bytes, taken, position) = (state.unsynced.len(), state.taken, state.position);
            state.mark_synced(bytes, taken, position, Instant::now());
        }
        let (number, first) = (state.active().number + 1, state.position + 1);
        let (segment, file) = segment::create(&self.directory, number, first)?;
        state.segments.push_back(segment);
        state.file = file.into();
        Ok(())
    }

    /// Syncs in time and retries while the disk fails. Ends when the queue is closed.
    pub(super) fn keep_syncing(&self) {
        let mut state = self.lock();
        while !state.closed {
            let wait = match (self.durability, state.oldest) {
                _ if state.syncing => Some(RETRY),
                _ if state.problem.is_some() => {
                    let waited = self.work.wait_timeout(state, RETRY);
                    (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                    if !state.syncing && !state.closed {
                        state = self.sync(state);
                    }
                    continue;
                }
                (_, None) => None,
                // A new segment is due.
                _ if state.end() >= self.limits.segment_bytes => Some(Duration::ZERO),
                // Writers sync their entries; only those remain for which they did not wait because the disk failed.
                (Durability::EachEntry, Some(oldest)) => Some(RETRY.saturating_sub(oldest.elapsed())),
                (Durability::Within(limit), Some(oldest)) => Some(limit.saturating_sub(oldest.elapsed())),
            };
            state = match wait {
                Some(Duration::ZERO) => self.sync(state),
                Some(wait) => {
                    let waited = self.work.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Wakes every waiting thread. Remaining writers sync their entries from now on.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.work.notify_all();
        self.progress.notify_all();
        loop {
            if state.syncing {
                state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if state.unsynced.is_empty() {
                return;
            } else {
                state = self.sync(state);
                if state.problem.is_some() {
                    return;
                }
            }
        }
    }
}

impl State {
    /// Every configured destination has everything up to this position.
    fn delivered(&self) -> u64 {
        let configured = self.receivers.iter().filter(|receiver| receiver.configured);
        configured
            .map(|receiver| receiver.delivered)
            .min()
            .unwrap_or(self.position)
    }

    /// The first `bytes` of the waiting records are on disk; the rest came after `began`.
    fn mark_synced(&mut self, bytes: usize, taken: Ticket, position: u64, began: Instant) {
        self.unsynced.drain(..bytes);
        self.oldest = (!self.unsynced.is_empty()).then_some(began);
        self.synced = taken;
        let active = self.active_mut();
        active.length += u64::try_from(bytes).unwrap_or(u64::MAX);
        active.last = position;
    }

    /// Writes the records that were only in memory while the file failed.
    fn rewrite(&mut self) -> io::Result<()> {
        if self.held {
            let file: &File = &self.file;
            file.write_all_at(&self.unsynced, self.active().length)?;
            self.held = false;
        }
        Ok(())
    }
}
