//! The queue: entries ordered by position, in memory until they are on disk, on disk until they are delivered.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use model::Clock;
use serde::Deserialize;
use uuid::Uuid;

use super::directory::Directory;
use super::health::{Cut, DestinationHealth, Health, Receiver};
use super::open_calls::OpenCall;
use super::record::{QueueRecord, RecordKind};
use super::recovery::Recovered;
use super::segment::Segment;
use super::{DiskProblem, Durability, Limits, OnFull};
use audit::INTENT;

/// Shared by the writers, the syncing thread and the delivery threads. The directory stays locked until the last one ends.
pub(super) struct Queue {
    pub(super) directory: Directory,
    pub(super) durability: Durability,
    pub(super) on_full: OnFull,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// There is something to sync, or the queue was closed.
    pub(super) work: Condvar,
    /// A sync or delivery succeeded or failed, or the queue was closed.
    pub(super) progress: Condvar,
    /// Held while segments are removed: one at a time, oldest first, so that a crash in between leaves no gap.
    pub(super) removal: Mutex<()>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

pub(super) struct State {
    /// The last segment, which is appended to.
    pub(super) file: Arc<File>,
    /// Oldest first; never empty.
    pub(super) segments: VecDeque<Segment>,
    /// Records that may not be on disk: the bytes of the last segment from its `length` on. After a failed write or sync all of
    /// them are written again: the state of the kernel's copy is unknown.
    pub(super) unsynced: Vec<u8>,
    /// The age of the oldest of them.
    pub(super) oldest: Option<Instant>,
    /// Some records in `unsynced` are not in the file.
    pub(super) held: bool,
    /// Position of the last entry.
    pub(super) position: u64,
    /// Records accepted since the queue was opened, and how many of them are on disk.
    pub(super) taken: u64,
    pub(super) synced: u64,
    pub(super) syncing: bool,
    pub(super) closed: bool,
    /// Running threads of the audit log.
    pub(super) running: usize,
    pub(super) problem: Option<DiskProblem>,
    pub(super) not_recorded: u64,
    /// Calls that were announced and whose entry has not been written.
    pub(super) open: HashMap<Uuid, OpenCall>,
    pub(super) receivers: Vec<Receiver>,
    pub(super) cut: Option<Cut>,
}

/// Returned for a line that was put: it is durable once this many records are on disk.
pub(super) type Ticket = u64;

#[derive(Deserialize)]
struct Header<'a> {
    event_type: &'a str,
    id: Uuid,
}

impl Queue {
    pub(super) fn new(
        directory: Directory,
        recovered: Recovered,
        receivers: Vec<Receiver>,
        (durability, on_full, limits): (Durability, OnFull, Limits),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State {
            position: recovered.last(),
            file: Arc::new(recovered.file),
            segments: recovered.segments.into(),
            unsynced: Vec::new(),
            oldest: None,
            held: false,
            taken: 0,
            synced: 0,
            syncing: false,
            closed: false,
            running: 0,
            problem: None,
            not_recorded: 0,
            open: recovered.open,
            receivers,
            cut: recovered.cut,
        };
        Self {
            directory,
            durability,
            on_full,
            limits,
            clock,
            state: Mutex::new(state),
            work: Condvar::new(),
            progress: Condvar::new(),
            removal: Mutex::new(()),
        }
    }

    /// Nothing panics while holding the lock; if it does, the state is still consistent: each change is one step.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a line from the writer, without waiting. Call [`Self::settle`] with the result.
    pub(super) fn put(&self, line: &[u8]) -> Ticket {
        let mut state = self.lock();
        let Some((header, line)) = parse_header(line) else {
            state.not_recorded += 1;
            return 0;
        };
        let has_space = state.unsynced.len() < self.limits.memory_bytes;
        if !has_space && state.problem.is_some() && self.on_full == OnFull::Report {
            state.not_recorded += 1;
            return 0;
        }
        let kind = if header.event_type == INTENT {
            RecordKind::Intent
        } else {
            RecordKind::Entry
        };
        state.append(kind, header.id, line);
        if state.oldest.is_none() {
            state.oldest = Some(Instant::now());
            if self.durability != Durability::EachEntry {
                self.work.notify_one();
            }
        } else if state.end() >= self.limits.segment_bytes {
            self.work.notify_one();
        }
        state.taken
    }

    /// An error and the time since when it persists.
    pub(super) fn problem(&self, before: Option<&DiskProblem>, error: impl std::fmt::Display) -> DiskProblem {
        DiskProblem {
            since: before.map_or_else(|| self.clock.now(), |problem| problem.since),
            error: error.to_string(),
        }
    }

    /// A copy of the current state for operators.
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

    /// The current time, for a failure that just happened.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl State {
    /// Adds a record and passes it to the operating system, where it survives the process.
    pub(super) fn append(&mut self, kind: RecordKind, id: Uuid, line: &str) {
        let (synced, start) = (self.active().length, self.unsynced.len());
        let position = match kind {
            RecordKind::Entry => self.position + 1,
            RecordKind::Intent => self.position,
        };
        let record = QueueRecord {
            kind,
            synced,
            position,
            id,
            line,
        };
        if record.append_to(&mut self.unsynced).is_none() {
            self.not_recorded += 1;
            return;
        }
        self.position = position;
        self.taken += 1;
        match kind {
            RecordKind::Entry => drop(self.open.remove(&id)),
            RecordKind::Intent => {
                let (segment, line) = (self.active().number, line.to_owned());
                self.open.insert(id, OpenCall { segment, line });
            }
        }
        if !self.held {
            let at = synced + u64::try_from(start).unwrap_or(u64::MAX);
            // The next sync writes it again and reports the error.
            self.held = self.file.write_all_at(&self.unsynced[start..], at).is_err();
        }
    }

    /// The segment that receives new records.
    pub(super) fn active(&self) -> &Segment {
        // This `VecDeque` is never empty: `Recovered` returns at least one segment, and the last one is never removed.
        &self.segments[self.segments.len() - 1]
    }

    pub(super) fn active_mut(&mut self) -> &mut Segment {
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    /// The end of the last segment, including what is not on disk yet.
    pub(super) fn end(&self) -> u64 {
        let unsynced = u64::try_from(self.unsynced.len()).unwrap_or(u64::MAX);
        self.active().length.saturating_add(unsynced)
    }

    /// Position of the last entry on the disk.
    pub(super) fn durable(&self) -> u64 {
        self.active().last
    }
}

/// The line without its line break, and its header fields.
fn parse_header(line: &[u8]) -> Option<(Header<'_>, &str)> {
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
    Some((serde_json::from_str(line).ok()?, line))
}
