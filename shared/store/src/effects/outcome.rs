//! How an attempt ended, and the effect's next state.

use jiff::Timestamp;
use model::EffectState;

/// How an attempt ended. No text may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Done, or found to be done.
    Done {
        /// The target's id for it.
        external_id: String,
    },
    /// Certainly not done, and worth a retry.
    Retry {
        at: Timestamp,
        /// Failure class of the audit log.
        error_class: String,
        error: String,
    },
    /// Possibly done: the call was sent and its answer lost, or checking the target failed.
    Ambiguous {
        at: Timestamp,
        /// Failure class of the audit log.
        error_class: String,
        error: String,
    },
    /// Rejected permanently; needs manual intervention.
    Dead {
        /// Failure class of the audit log.
        error_class: String,
        error: String,
    },
    /// Dry run: never sent.
    Suppressed,
    /// Its reason no longer applies; not sent.
    Superseded {
        /// What removed the reason, for display.
        because: String,
    },
    /// Certainly not sent, for an internal reason (no time left): due again immediately. Not for a [`crate::Lease::Resolve`] that
    /// could not check the target: that stays [`AttemptOutcome::Ambiguous`].
    NotSent,
}

/// An outcome as columns.
pub(super) struct OutcomeColumns<'a> {
    pub(super) code: &'static str,
    pub(super) state: EffectState,
    pub(super) at: Option<Timestamp>,
    pub(super) external_id: Option<&'a String>,
    pub(super) error_class: Option<&'a String>,
    pub(super) error: Option<&'a String>,
    pub(super) superseded_because: Option<&'a String>,
}

impl<'a> OutcomeColumns<'a> {
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
