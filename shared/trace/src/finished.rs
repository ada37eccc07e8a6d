//! Spans that have ended, kept until they are exported.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use model::Clock;
use uuid::Uuid;

use crate::{Sampler, Traceparent};

/// Most spans that are kept between two exports; more are counted and dropped.
pub const MOST_KEPT: usize = 2048;

/// The kind of a span; the numbers are those of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Internal = 1,
    Server = 2,
    /// A call that waited for its answer.
    Client = 3,
    /// A message put on a queue.
    Producer = 4,
    /// A message received from a queue.
    Consumer = 5,
}

/// The owned value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub(crate) position: Traceparent,
    pub(crate) parent: Option<u64>,
    pub(crate) remote_parent: bool,
    pub(crate) kind: SpanKind,
    pub(crate) name: &'static str,
    pub(crate) correlation_id: Uuid,
    pub(crate) began: Timestamp,
    pub(crate) nanoseconds: i128,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) error: Option<String>,
}

/// What the spans of one process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sampler: Sampler,
    pub(crate) clock: Arc<dyn Clock>,
    taken: Mutex<Taken>,
}

/// The spans that ended since they were last taken.
#[derive(Debug, Default)]
pub struct Taken {
    /// In the order in which they ended.
    pub spans: Vec<Finished>,
    /// How many spans exceeded the limit.
    pub overflowed: u64,
}

impl Shared {
    pub(crate) fn new(sampler: Sampler, clock: Arc<dyn Clock>) -> Self {
        Self {
            sampler,
            clock,
            taken: Mutex::default(),
        }
    }

    pub(crate) fn keep(&self, span: Finished) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.spans.len() < MOST_KEPT {
            taken.spans.push(span);
        } else {
            taken.overflowed += 1;
        }
    }

    pub(crate) fn take(&self) -> Taken {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
