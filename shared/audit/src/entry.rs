//! One audit entry, and its form on the line.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{Action, Context, Detail, FailureClass, Target};

/// The result of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As requested.
    Success,
    /// Not as requested, with the class of the failure.
    Failure(FailureClass),
}

/// An entry as the caller builds it; the writer adds time, id, service and stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(crate) action: Action,
    pub(crate) context: Context,
    /// Instead of the context's.
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) target: Target,
    pub(crate) outcome: Outcome,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) details: Details,
    pub(crate) identity: EntryId,
}

/// The details, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Details(Vec<(&'static str, Detail)>);

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Where an entry's id and timestamp come from. The id always carries the timestamp: it is a `UUIDv7` of that millisecond.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EntryId {
    /// From the line: each line is unique.
    Line,
    /// From the idempotency key: recorded twice, it is the same entry.
    Keyed(Timestamp, String),
    /// From the announcement before the call.
    Announced(AnnouncedCall),
}

/// An announced call: its entry will have this id, and the moment the call began as timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnouncedCall {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl AnnouncedCall {
    /// The id that the entry will have.
    #[must_use]
    pub fn id(self) -> Uuid {
        self.id
    }

    /// When the call began.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }
}

impl Entry {
    /// An entry about something done on behalf of `context`.
    #[must_use]
    pub fn new(action: Action, context: &Context, target: Target, outcome: Outcome) -> Self {
        let context = context.clone();
        Self {
            action,
            context,
            correlation_id: None,
            target,
            outcome,
            duration_ms: None,
            details: Details::default(),
            identity: EntryId::Line,
        }
    }

    /// The duration of the action.
    #[must_use]
    pub fn took(mut self, duration: std::time::Duration) -> Self {
        // Finer than microseconds is meaningless; as milliseconds they stay exact in an f64.
        let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        self.duration_ms = Some(f64::from(micros) / 1000.0);
        self
    }

    /// A detail; `None` adds nothing. Text is redacted and bounded: see [`Text`](crate::Text). Never add a body or a whole header.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        let value = value.into();
        if !value.is_absent() {
            self.details.0.retain(|(known, _)| *known != name);
            self.details.0.push((name, value));
        }
        self
    }

    /// The same entry with only the number of its details.
    pub(crate) fn without_details(&self) -> Self {
        let count = self.details.0.len();
        let details = Details::default();
        Self {
            details,
            ..self.clone()
        }
        .detail("details_left_out", count)
    }

    /// The idempotency key of the action, and its time: recording it twice gives the same id and the same timestamp.
    /// Without a key, each line is unique.
    #[must_use]
    pub fn keyed(mut self, at: Timestamp, key: impl Into<String>) -> Self {
        self.identity = EntryId::Keyed(at, key.into());
        self
    }

    /// A separate correlation id: of work that others continue and that does not depend on the delivery which reported it. The
    /// actor stays the context's.
    #[must_use]
    pub fn correlated(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// The end of a call announced with [`crate::Writer::announce_call`].
    #[must_use]
    pub fn completes(mut self, announced: AnnouncedCall) -> Self {
        self.identity = EntryId::Announced(announced);
        self
    }
}
