//! How a call failed, and what the caller should do about it.

use std::time::Duration;

use audit::{Action, FailureClass};

/// What to do after a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Nothing happened at the target, or the call only reads: try again.
    Retry {
        /// Not before this long from now, if the target said so; never more than an hour.
        after: Option<Duration>,
    },
    /// Trying again gives the same: somebody has to act.
    Permanent,
    /// The call may or may not have taken effect: look at the target before trying again.
    Ambiguous,
}

impl Advice {
    /// How long the target asked to wait, if it did.
    #[must_use]
    pub fn after(self) -> Option<Duration> {
        match self {
            Self::Retry { after } => after,
            Self::Permanent | Self::Ambiguous => None,
        }
    }
}

/// A call that did not do what was asked. Holds no secret, no body and no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {message}")]
pub struct CallError {
    pub action: Action,
    /// The class of the failure, as in the audit trail.
    pub class: FailureClass,
    pub advice: Advice,
    /// `false` only if the request surely never reached the target.
    pub sent: bool,
    /// The status of the answer, if one came.
    pub http_status: Option<u16>,
    /// What happened, in a few words.
    pub message: String,
}

impl CallError {
    /// The target answered, and will not say: it does not know the thing (404, 410), or forbids it (403).
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        matches!(self.http_status, Some(403 | 404 | 410))
    }

    /// The same, but worth another look: what was there a moment ago is gone, so that things stand otherwise now.
    pub(crate) fn read_anew(self) -> Self {
        let advice = Advice::Retry { after: None };
        Self { advice, ..self }
    }

    /// The target does not know the thing asked for, or hides it.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.http_status, Some(404 | 410))
    }
}

/// A failure as its finder knows it; the client adds which call it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) class: FailureClass,
    pub(crate) advice: Advice,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(class: FailureClass, advice: Advice, message: impl Into<String>) -> Self {
        Self {
            class,
            advice,
            message: message.into(),
        }
    }
}

/// Whether a call changes anything at the target; decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Only reads: may always be tried again.
    Reads,
    /// Has an effect: a lost answer leaves it open whether it took place.
    Acts,
}

impl Safety {
    /// What to do when the request went out and no usable answer came back.
    pub(crate) fn unanswered(self) -> Advice {
        match self {
            Self::Reads => Advice::Retry { after: None },
            Self::Acts => Advice::Ambiguous,
        }
    }
}
