//! How a call failed, and what the caller should do about it.

use std::time::Duration;

use audit::{Action, FailureClass};

/// What to do after a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Nothing happened at the target, or the call only reads: retry.
    Retry {
        /// Not before this long from now, if the target asked for it; at most an hour.
        after: Option<Duration>,
    },
    /// A retry fails in the same way: manual intervention is needed.
    Permanent,
    /// The call may or may not have taken effect: check the target before a retry.
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

/// A failed call. Holds no secret, no body and no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {message}")]
pub struct CallError {
    pub action: Action,
    /// The class of the failure, as in the audit log.
    pub class: FailureClass,
    pub advice: Advice,
    /// `false` only if the request certainly never reached the target.
    pub sent: bool,
    /// The status of the answer, if one came.
    pub http_status: Option<u16>,
    /// What happened, in a few words.
    pub message: String,
}

impl CallError {
    /// The target answered without the resource: it is unknown (404, 410) or forbidden (403).
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        matches!(self.http_status, Some(403 | 404 | 410))
    }

    /// The same with the advice to retry: the resource disappeared between two calls, so its state must be read again.
    pub(crate) fn with_retry(self) -> Self {
        let advice = Advice::Retry { after: None };
        Self { advice, ..self }
    }

    /// The same, with the advice to retry if the resource is missing.
    pub(crate) fn retry_if_not_found(self) -> Self {
        if self.class == FailureClass::NotFound {
            self.with_retry()
        } else {
            self
        }
    }

    /// The target does not know the resource, or hides it.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.http_status, Some(404 | 410))
    }
}

/// A failure as detected; the client adds which call it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallProblem {
    pub(crate) class: FailureClass,
    pub(crate) advice: Advice,
    pub(crate) message: String,
}

impl CallProblem {
    pub(crate) fn new(class: FailureClass, advice: Advice, message: impl Into<String>) -> Self {
        Self {
            class,
            advice,
            message: message.into(),
        }
    }
}

/// Whether a call changes anything at the target; this decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Only reads: a retry is always safe.
    Reads,
    /// Has an effect: after a lost answer it is unknown whether it took place.
    Acts,
}

impl Safety {
    /// What to do after a request was sent and no usable answer came back.
    pub(crate) fn unanswered(self) -> Advice {
        match self {
            Self::Reads => Advice::Retry { after: None },
            Self::Acts => Advice::Ambiguous,
        }
    }
}
