//! The writer: numbers the entries of one execution environment and prints each as one line on standard output.

mod line;
mod sink;

use std::sync::{Arc, Mutex, PoisonError};

use model::{AuditLine, Clock};
use uuid::Uuid;

use crate::entry::{AnnouncedCall, Entry, EntryId};
use crate::identifier::entry_id;
use crate::line_schema::LONGEST;
use crate::{Action, Context, Memory, Target};
use sink::StdoutAndMemory;
pub use sink::{Sink, Stdout};

struct State {
    seq: u64,
    calls: u64,
    buffer: Vec<u8>,
}

struct Shared {
    service: &'static str,
    stream_id: Uuid,
    clock: Arc<dyn Clock>,
    sink: Box<dyn Sink>,
    state: Mutex<State>,
}

/// Writes the audit log of one execution environment. Cheap to clone; all clones share one numbering.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("service", &self.0.service)
            .field("stream_id", &self.0.stream_id)
            .finish()
    }
}

impl Writer {
    /// A writer to standard output.
    #[must_use]
    pub fn stdout(service: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self::with_sink(service, clock, Box::new(Stdout))
    }

    /// A writer that keeps its lines, and the lines.
    #[must_use]
    pub fn memory(service: &'static str, clock: Arc<dyn Clock>) -> (Self, Memory) {
        let lines = Memory::default();
        (Self::with_sink(service, clock, Box::new(lines.clone())), lines)
    }

    /// A writer to standard output that also keeps its lines: for the recorder, which stores its lines directly.
    #[must_use]
    pub fn stdout_and_memory(service: &'static str, clock: Arc<dyn Clock>) -> (Self, Memory) {
        let lines = Memory::default();
        (
            Self::with_sink(service, clock, Box::new(StdoutAndMemory(lines.clone()))),
            lines,
        )
    }

    /// A writer to another sink.
    #[must_use]
    pub fn with_sink(service: &'static str, clock: Arc<dyn Clock>, sink: Box<dyn Sink>) -> Self {
        let state = Mutex::new(State {
            seq: 0,
            calls: 0,
            buffer: Vec::with_capacity(1024),
        });
        Self(Arc::new(Shared {
            service,
            stream_id: Uuid::now_v7(),
            clock,
            sink,
            state,
        }))
    }

    /// Announces a call before it is made, with one line: if the process dies before the call's entry is written, the announcement
    /// shows the call. Pass the result to [`Entry::completes`].
    pub fn announce_call(&self, action: Action, context: &Context, target: &Target) -> AnnouncedCall {
        let shared = &*self.0;
        let at = shared.clock.now();
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += 1;
        let id = entry_id(at, &format!("{}/call/{}", shared.stream_id, state.calls));
        let ticket = shared.announce(&mut state, AnnouncedCall { at, id }, action, context, target);
        drop(state);
        shared.sink.settle(ticket);
        AnnouncedCall { at, id }
    }

    /// Announces a keyed entry before its record is committed; write the entry after the commit. An entry without a key has no id
    /// yet and is not announced.
    pub fn announce_entry(&self, entry: &Entry) {
        let EntryId::Keyed(at, key) = &entry.identity else {
            return;
        };
        let announced = AnnouncedCall {
            at: *at,
            id: entry_id(*at, key),
        };
        let shared = &*self.0;
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = shared.announce(&mut state, announced, entry.action, &entry.context, &entry.target);
        drop(state);
        shared.sink.settle(ticket);
    }

    /// The number of the last line written: rows store it as a claim that everything up to it was printed. `None`: nothing yet.
    #[must_use]
    pub fn position(&self) -> Option<AuditLine> {
        let shared = &*self.0;
        let seq = shared.state.lock().unwrap_or_else(PoisonError::into_inner).seq;
        (seq > 0).then_some(AuditLine {
            stream_id: shared.stream_id,
            seq,
        })
    }

    /// Writes and numbers one entry; returns its number. The line is passed to the operating system before this returns.
    pub fn write(&self, entry: &Entry) -> AuditLine {
        let shared = &*self.0;
        // A thread that panicked while holding the lock left at most a partial buffer, which is cleared below.
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Number and write under one lock: lines are printed in the order of their numbers.
        state.seq += 1;
        let line = AuditLine {
            stream_id: shared.stream_id,
            seq: state.seq,
        };
        state.buffer.clear();
        let mut rendered = line::write_entry(shared, entry, line, &mut state.buffer);
        if state.buffer.len() > LONGEST {
            // Our entries are far shorter. Readers would reject a longer one, so it is printed without details.
            state.buffer.clear();
            rendered = line::write_entry(shared, &entry.without_details(), line, &mut state.buffer);
        }
        let mut ticket = 0;
        if rendered.is_ok() {
            state.buffer.push(b'\n');
            ticket = shared.sink.put(&state.buffer);
        }
        drop(state);
        shared.sink.settle(ticket);
        line
    }
}

impl Shared {
    fn announce(
        &self,
        state: &mut State,
        announced: AnnouncedCall,
        action: Action,
        context: &Context,
        target: &Target,
    ) -> u64 {
        state.buffer.clear();
        if line::write_announcement(self, announced, action, context, target, &mut state.buffer).is_err() {
            return 0;
        }
        state.buffer.push(b'\n');
        self.sink.put(&state.buffer)
    }
}

#[cfg(test)]
mod announcements;
#[cfg(test)]
mod tests;
