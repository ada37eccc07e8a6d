//! The writer: numbers the entries of one execution environment and puts each on standard output as one line.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use model::{AuditLine, Clock};
use uuid::Uuid;

use crate::entry::{Actor, Begun, Entry, Identity, IntentLine, Line, Outcome, Stream};
use crate::identifier::entry_id;
use crate::{Action, Context, Memory, Target};

enum Sink {
    Stdout,
    Memory(Memory),
    Both(Memory),
    #[cfg(feature = "embedded")]
    Trail(crate::embedded::Inlet),
}

struct State {
    seq: u64,
    calls: u64,
    buffer: Vec<u8>,
}

struct Shared {
    service: &'static str,
    stream_id: Uuid,
    clock: Arc<dyn Clock>,
    sink: Sink,
    state: Mutex<State>,
}

/// Writes the audit trail of one execution environment. Cheap to clone; all clones share one numbering.
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
        Self::new(service, clock, Sink::Stdout)
    }

    /// A writer that keeps its lines, and the lines.
    #[must_use]
    pub fn memory(service: &'static str, clock: Arc<dyn Clock>) -> (Self, Memory) {
        let lines = Memory::default();
        (Self::new(service, clock, Sink::Memory(lines.clone())), lines)
    }

    /// A writer to standard output that keeps its lines besides: for the recorder, which stores its own itself.
    #[must_use]
    pub fn stdout_and_memory(service: &'static str, clock: Arc<dyn Clock>) -> (Self, Memory) {
        let lines = Memory::default();
        (Self::new(service, clock, Sink::Both(lines.clone())), lines)
    }

    /// A writer into the queue of a trail.
    #[cfg(feature = "embedded")]
    pub(crate) fn trail(service: &'static str, clock: Arc<dyn Clock>, inlet: crate::embedded::Inlet) -> Self {
        Self::new(service, clock, Sink::Trail(inlet))
    }

    fn new(service: &'static str, clock: Arc<dyn Clock>, sink: Sink) -> Self {
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

    /// Announces a call, before it is made, with one line: should the process die before the call's entry is written, the
    /// announcement tells of it. Give the result to [`Entry::begun`].
    pub fn begin(&self, action: Action, context: &Context, target: &Target) -> Begun {
        let shared = &*self.0;
        let at = shared.clock.now();
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += 1;
        let id = entry_id(at, &format!("{}/call/{}", shared.stream_id, state.calls));
        let ticket = shared.announce(&mut state, Begun { at, id }, action, context, target);
        drop(state);
        shared.sink.settle(ticket);
        Begun { at, id }
    }

    /// Announces a keyed entry before the record it tells of is committed; write the entry after the commit. An entry without a key
    /// has no id yet and is not announced.
    pub fn announce(&self, entry: &Entry) {
        let Identity::Keyed(at, key) = &entry.identity else {
            return;
        };
        let begun = Begun {
            at: *at,
            id: entry_id(*at, key),
        };
        let shared = &*self.0;
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = shared.announce(&mut state, begun, entry.action, &entry.context, &entry.target);
        drop(state);
        shared.sink.settle(ticket);
    }

    /// The number of the last line written: rows carry it as a claim that everything up to it was printed. `None`: nothing yet.
    #[must_use]
    pub fn position(&self) -> Option<AuditLine> {
        let shared = &*self.0;
        let seq = shared.state.lock().unwrap_or_else(PoisonError::into_inner).seq;
        (seq > 0).then_some(AuditLine {
            stream_id: shared.stream_id,
            seq,
        })
    }

    /// Writes one entry, numbered; returns its number. The line is handed to the operating system before this returns.
    pub fn write(&self, entry: &Entry) -> AuditLine {
        let shared = &*self.0;
        // A thread that panicked while holding the lock left at worst a half-filled buffer, which is cleared below.
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Number and write under one lock: lines leave in the order of their numbers.
        state.seq += 1;
        let line = AuditLine {
            stream_id: shared.stream_id,
            seq: state.seq,
        };
        state.buffer.clear();
        let mut ticket = 0;
        if render(shared, entry, line, &mut state.buffer).is_ok() {
            state.buffer.push(b'\n');
            ticket = shared.sink.put(&state.buffer);
        }
        drop(state);
        shared.sink.settle(ticket);
        line
    }
}

impl Shared {
    fn announce(&self, state: &mut State, begun: Begun, action: Action, context: &Context, target: &Target) -> u64 {
        let intent = IntentLine {
            timestamp: &milliseconds(begun.at),
            event_type: crate::INTENT,
            call: action,
            actor: Actor {
                actor_type: context.actor,
                id: context.correlation_id,
            },
            target,
            correlation_id: context.correlation_id,
            service: self.service,
            id: begun.id,
            stream_id: self.stream_id,
            trace_id: context.trace_id(),
        };
        state.buffer.clear();
        if serde_json::to_writer(&mut state.buffer, &intent).is_err() {
            return 0;
        }
        state.buffer.push(b'\n');
        self.sink.put(&state.buffer)
    }
}

fn render(shared: &Shared, entry: &Entry, line: AuditLine, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
    let (at, id) = match &entry.identity {
        Identity::Keyed(at, key) => (*at, entry_id(*at, key)),
        Identity::Begun(begun) => (begun.at, begun.id),
        Identity::Line => {
            let now = shared.clock.now();
            (now, entry_id(now, &format!("{}/{}", line.stream_id, line.seq)))
        }
    };
    let (outcome, error) = match entry.outcome {
        Outcome::Success => ("success", None),
        Outcome::Failure(class) => ("failure", Some(class)),
    };
    let line = Line {
        timestamp: &milliseconds(at),
        event_type: crate::ENTRY,
        action: entry.action,
        actor: Actor {
            actor_type: entry.context.actor,
            id: entry.context.correlation_id,
        },
        target: &entry.target,
        outcome,
        error,
        correlation_id: entry.context.correlation_id,
        service: shared.service,
        id,
        stream: Stream {
            id: line.stream_id,
            seq: line.seq,
        },
        duration_ms: entry.duration_ms,
        details: &entry.details,
        trace_id: entry.context.trace_id(),
    };
    serde_json::to_writer(buffer, &line)
}

/// ISO 8601 in UTC with exactly three decimals: `2026-01-31T18:29:18.123Z`.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}

impl Sink {
    /// Puts a line where it goes; give the result to [`Self::settle`].
    fn put(&self, line: &[u8]) -> u64 {
        match self {
            Self::Stdout => print(line),
            Self::Memory(lines) => lines.keep(line),
            Self::Both(lines) => {
                print(line);
                lines.keep(line);
            }
            #[cfg(feature = "embedded")]
            Self::Trail(inlet) => {
                if inlet.stdout() {
                    print(line);
                }
                return inlet.put(line);
            }
        }
        0
    }

    /// Waits until the line is where it goes. Without the writer's lock: those that wait for the disk together wait once.
    fn settle(&self, ticket: u64) {
        match self {
            // It was there at once.
            Self::Stdout | Self::Memory(_) | Self::Both(_) => debug_assert_eq!(ticket, 0),
            #[cfg(feature = "embedded")]
            Self::Trail(inlet) => inlet.settle(ticket),
        }
    }
}

fn print(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    // Standard output can only fail if the platform is gone, and then nobody is left to tell: the gap in the numbering tells.
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests;
