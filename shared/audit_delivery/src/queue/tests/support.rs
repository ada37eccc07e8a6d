//! A scripted destination, and audit logs with settings for tests.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::destination::{DeliveryError, Destination, Outgoing};
use crate::queue::{AuditQueue, AuditQueueSettings, DeliveryBackoff, Durability, Limits};
use audit::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target};

/// How long to wait for anything that must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Its answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Unavailable(Option<Duration>),
    Panic,
    /// Accepts the batch but reports failure.
    AcceptAndFail,
}

#[derive(Default)]
struct Inner {
    /// Everything it has accepted, in order.
    taken: Vec<(u64, Uuid, String)>,
    calls: Vec<(Instant, usize)>,
    script: VecDeque<Answer>,
    down: bool,
    stuck: bool,
    /// Lines that contain this are rejected.
    poison: Option<&'static str>,
}

/// Shared between the test and the delivery thread.
#[derive(Clone, Default)]
pub(super) struct Double(Arc<(Mutex<Inner>, Condvar)>, &'static str);

impl Double {
    pub(super) fn new(name: &'static str) -> Self {
        Self(Arc::default(), name)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let changed = change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        changed
    }

    pub(super) fn down(&self, down: bool) {
        self.change(|inner| inner.down = down);
    }

    /// While it is stuck, a call does not return.
    pub(super) fn stuck(&self, stuck: bool) {
        self.change(|inner| inner.stuck = stuck);
    }

    pub(super) fn poison(&self, text: &'static str) {
        self.change(|inner| inner.poison = Some(text));
    }

    pub(super) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.change(|inner| inner.script.extend(answers));
    }

    pub(super) fn positions(&self) -> Vec<u64> {
        self.change(|inner| inner.taken.iter().map(|(position, ..)| *position).collect())
    }

    pub(super) fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |(_, _, line): &(u64, Uuid, String)| serde_json::from_str(line).unwrap();
        self.change(|inner| inner.taken.iter().map(parse).collect())
    }

    /// When each call came, and its number of entries.
    pub(super) fn calls(&self) -> Vec<(Instant, usize)> {
        self.change(|inner| inner.calls.clone())
    }

    pub(super) fn await_calls(&self, calls: usize) {
        let until = Instant::now() + PATIENCE;
        let mut inner = self.0.0.lock().unwrap();
        while inner.calls.len() < calls {
            assert!(
                Instant::now() < until,
                "only {} of {calls} calls arrived",
                inner.calls.len()
            );
            inner = self.0.1.wait_timeout(inner, Duration::from_millis(100)).unwrap().0;
        }
    }
}

impl Destination for Double {
    fn name(&self) -> &'static str {
        self.1
    }

    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        let unavailable = |retry_after| DeliveryError::Unavailable {
            class: FailureClass::NetworkError,
            message: "connection refused".to_owned(),
            retry_after,
        };
        let copied = |entry: &Outgoing<'_>| (entry.position, entry.id, entry.line.to_owned());
        let mut inner = self.0.0.lock().unwrap();
        inner.calls.push((Instant::now(), batch.len()));
        self.0.1.notify_all();
        while inner.stuck {
            inner = self.0.1.wait(inner).unwrap();
        }
        if inner.down {
            return Err(unavailable(None));
        }
        match inner.script.pop_front() {
            Some(Answer::Unavailable(retry_after)) => return Err(unavailable(retry_after)),
            Some(Answer::AcceptAndFail) => {
                inner.taken.extend(batch.iter().map(copied));
                return Err(unavailable(None));
            }
            Some(Answer::Panic) => {
                drop(inner);
                panic!("scripted panic");
            }
            None => {}
        }
        if inner
            .poison
            .is_some_and(|poison| batch.iter().any(|entry| entry.line.contains(poison)))
        {
            return Err(DeliveryError::Refused {
                class: FailureClass::InvalidResponse,
                message: "the receiver answered 422".to_owned(),
            });
        }
        inner.taken.extend(batch.iter().map(copied));
        self.0.1.notify_all();
        Ok(())
    }
}

pub(super) fn settings(directory: &Path, destinations: &[&Double]) -> AuditQueueSettings {
    AuditQueueSettings {
        destinations: destinations
            .iter()
            .map(|double| Box::new((*double).clone()) as Box<dyn Destination>)
            .collect(),
        durability: Durability::EachEntry,
        backoff: DeliveryBackoff {
            first: Duration::from_millis(2),
            longest: Duration::from_millis(20),
        },
        limits: Limits {
            segment_bytes: 4096,
            batch_entries: 7,
            ..Limits::default()
        },
        ..AuditQueueSettings::new("worker", directory)
    }
}

pub(super) fn open(directory: &Path, destinations: &[&Double]) -> AuditQueue {
    AuditQueue::open(settings(directory, destinations)).unwrap()
}

pub(super) fn context() -> Context {
    Context::new(ActorType::PollCycle, Uuid::from_u128(7))
}

/// An entry of one of the actions, identified by `text`.
pub(super) fn job_entry(text: &str) -> Entry {
    Entry::new(
        Action::SlackPostMessage,
        &context(),
        Target::other("job", text),
        Outcome::Success,
    )
}

pub(super) fn write_entries(audit_queue: &AuditQueue, texts: impl IntoIterator<Item = impl std::fmt::Display>) {
    let writer = audit_queue.writer();
    for text in texts {
        writer.write(&job_entry(&text.to_string()));
    }
}

/// Names of the files with this suffix.
pub(super) fn files(directory: &Path, suffix: &str) -> Vec<String> {
    let names = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(suffix)).collect();
    names.sort();
    names
}
