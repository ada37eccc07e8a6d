//! One audit entry, and how it looks on the line.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{Action, Context, Detail, FailureClass, Target};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As asked.
    Success,
    /// Not as asked, and of which class.
    Failure(FailureClass),
}

/// An entry as the caller makes it; the writer adds time, id, service and stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(crate) action: Action,
    pub(crate) context: Context,
    pub(crate) target: Target,
    pub(crate) outcome: Outcome,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) details: Details,
    pub(crate) identity: Identity,
}

/// The particulars, in the order in which they were told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Details(Vec<(&'static str, Detail)>);

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Where an entry's id and timestamp come from. The id always carries the timestamp: it is a `UUIDv7` of that millisecond.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Identity {
    /// From the line itself: each is its own.
    Line,
    /// From the thing done: told twice, it is the same entry.
    Keyed(Timestamp, String),
    /// From the call that was announced before it was made.
    Begun(Begun),
}

/// A call that has been announced: its entry will have this id, and as timestamp the moment it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl Begun {
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
    /// An entry of a thing done on behalf of `context`.
    #[must_use]
    pub fn new(action: Action, context: &Context, target: Target, outcome: Outcome) -> Self {
        let context = context.clone();
        Self {
            action,
            context,
            target,
            outcome,
            duration_ms: None,
            details: Details::default(),
            identity: Identity::Line,
        }
    }

    /// How long it took.
    #[must_use]
    pub fn took(mut self, duration: std::time::Duration) -> Self {
        // Microseconds are as fine as the figure means anything; as milliseconds they stay exact in an f64.
        let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        self.duration_ms = Some(f64::from(micros) / 1000.0);
        self
    }

    /// A particular; `None` adds nothing. Text is redacted and bounded: see [`Text`](crate::Text). Never a body, never a whole header.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        let value = value.into();
        if !value.is_absent() {
            self.details.0.retain(|(known, _)| *known != name);
            self.details.0.push((name, value));
        }
        self
    }

    /// The same, saying only how many particulars it had.
    pub(crate) fn without_details(&self) -> Self {
        let count = self.details.0.len();
        let details = Details::default();
        Self {
            details,
            ..self.clone()
        }
        .detail("details_left_out", count)
    }

    /// The idempotency key of the thing done, and when it was done: the same thing told twice then has the same id and the same
    /// timestamp. Without one, each line is its own.
    #[must_use]
    pub fn keyed(mut self, at: Timestamp, key: impl Into<String>) -> Self {
        self.identity = Identity::Keyed(at, key.into());
        self
    }

    /// The end of a call that was announced with [`crate::Writer::begin`].
    #[must_use]
    pub fn begun(mut self, begun: Begun) -> Self {
        self.identity = Identity::Begun(begun);
        self
    }
}
