//! How an attempt ended, and what that makes of the effect.

use jiff::Timestamp;
use model::EffectState;

/// How an attempt ended. No text may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Done, or found done.
    Done {
        /// The target's id of it.
        external_id: String,
    },
    /// Surely not done, and worth another try.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Failure class of the audit trail.
        error_class: String,
        error: String,
    },
    /// Perhaps done: the call was sent and its answer lost, or looking at the target failed.
    Ambiguous {
        /// When to look.
        at: Timestamp,
        /// Failure class of the audit trail.
        error_class: String,
        error: String,
    },
    /// Refused for good; a person must act.
    Dead {
        /// Failure class of the audit trail.
        error_class: String,
        error: String,
    },
    /// Dry run: not sent, and never will be.
    Suppressed,
    /// Its reason has gone; not sent.
    Superseded {
        /// What took it away, for people.
        because: String,
    },
    /// Surely not sent, for a reason of our own (no time left): due again at once. Not for a [`crate::Lease::Resolve`] that could
    /// not look at the target: that stays [`AttemptOutcome::Ambiguous`].
    NotSent,
}

/// An outcome as columns.
pub(super) struct Report<'a> {
    pub(super) code: &'static str,
    pub(super) state: EffectState,
    pub(super) at: Option<Timestamp>,
    pub(super) external_id: Option<&'a String>,
    pub(super) error_class: Option<&'a String>,
    pub(super) error: Option<&'a String>,
    pub(super) superseded_because: Option<&'a String>,
}

impl<'a> Report<'a> {
    pub(super) fn of(outcome: &'a AttemptOutcome) -> Self {
        let plain = |code, state| Self {
            code,
            state,
            at: None,
            external_id: None,
            error_class: None,
            error: None,
            superseded_because: None,
        };
        let failed = |code, state, at, error_class, error| Self {
            at,
            error_class: Some(error_class),
            error: Some(error),
            ..plain(code, state)
        };
        match outcome {
            AttemptOutcome::Done { external_id } => Self {
                external_id: Some(external_id),
                ..plain("done", EffectState::Done)
            },
            AttemptOutcome::Retry { at, error_class, error } => {
                failed("retry", EffectState::Pending, Some(*at), error_class, error)
            }
            AttemptOutcome::Ambiguous { at, error_class, error } => {
                failed("ambiguous", EffectState::Ambiguous, Some(*at), error_class, error)
            }
            AttemptOutcome::Dead { error_class, error } => failed("dead", EffectState::Dead, None, error_class, error),
            AttemptOutcome::Suppressed => plain("suppressed", EffectState::Suppressed),
            AttemptOutcome::Superseded { because } => Self {
                superseded_because: Some(because),
                ..plain("superseded", EffectState::Superseded)
            },
            AttemptOutcome::NotSent => plain("not_sent", EffectState::Pending),
        }
    }
}
