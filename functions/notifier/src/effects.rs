//! The effects, one file each: each checks its target and adds what is missing there, so that a repetition changes nothing.

mod confluence;
mod jira;
mod ledger_event;
mod linear;
mod merge;
mod slack_alert;
mod slack_alert_update;
mod slack_confirmation;
mod slack_message;

use audit::Context;
use clients::CallError;
use model::{Effect, EffectKind};
use runtime::aws::AwsError;
use store::StoreError;

use crate::targets::Targets;
use merge::MergeEffect;

/// One attempt at an effect.
pub(crate) struct EffectContext<'a> {
    pub(crate) context: &'a Context,
    pub(crate) effect: &'a Effect,
    /// An earlier attempt may have reached the target.
    pub(crate) check_first: bool,
    /// Nothing may be changed at the target.
    pub(crate) dry_run: bool,
}

/// The result of an attempt without an error.
pub(crate) enum Applied {
    /// Applied; the id that the target gave it.
    Done {
        external_id: String,
    },
    /// Not applied, and the target must not be changed.
    Missing,
    /// The rules do not name the target.
    NotConfigured(&'static str),
    Superseded {
        because: String,
    },
    /// Waiting for another effect.
    Waiting(&'static str),
    /// Its decision, ledger row or exception does not exist.
    Impossible(&'static str),
}

/// Why an attempt failed.
pub(crate) enum EffectError {
    Store(StoreError),
    Call {
        error: Box<CallError>,
        /// The effect may be at its target already; only another check shows it.
        may_exist: bool,
    },
    /// The event bus rejected the event, or could not be called.
    EventBus(AwsError),
}

impl From<StoreError> for EffectError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl EffectError {
    /// A call failed, and the target does not have the effect.
    fn not_applied(error: impl Into<Box<CallError>>) -> Self {
        Self::Call {
            error: error.into(),
            may_exist: false,
        }
    }

    /// A check failed, so the target may have the effect.
    fn unchecked(error: impl Into<Box<CallError>>) -> Self {
        Self::Call {
            error: error.into(),
            may_exist: true,
        }
    }
}

impl EffectContext<'_> {
    /// An error before the target was checked.
    fn failed(&self, error: impl Into<Box<CallError>>) -> EffectError {
        EffectError::Call {
            error: error.into(),
            may_exist: self.check_first,
        }
    }
}

/// Applies the effect at its target.
pub(crate) async fn apply_effect(targets: &Targets, attempt: &EffectContext<'_>) -> Result<Applied, EffectError> {
    match attempt.effect.kind {
        EffectKind::SlackExceptionAlert => slack_alert::apply(targets, attempt).await,
        EffectKind::SlackExceptionUpdate => slack_alert_update::apply(targets, attempt).await,
        EffectKind::LedgerRowEvent => ledger_event::apply(targets, attempt).await,
        EffectKind::LinearIssue
        | EffectKind::JiraIssue
        | EffectKind::ConfluenceRow
        | EffectKind::SlackPodConfirmation => apply_to_merge(targets, attempt).await,
    }
}

/// Effects that record a decision on a merge.
async fn apply_to_merge(targets: &Targets, attempt: &EffectContext<'_>) -> Result<Applied, EffectError> {
    let Some(merge) = MergeEffect::load(targets, attempt).await? else {
        return Ok(Applied::Impossible("its decision does not exist"));
    };
    if merge.read_only && !attempt.check_first {
        return Ok(merge.missing());
    }
    match attempt.effect.kind {
        EffectKind::LinearIssue => linear::apply(targets, &merge).await,
        EffectKind::JiraIssue => jira::apply(targets, &merge).await,
        EffectKind::ConfluenceRow => confluence::apply(targets, &merge).await,
        EffectKind::SlackPodConfirmation => slack_confirmation::apply(targets, &merge).await,
        EffectKind::SlackExceptionAlert | EffectKind::SlackExceptionUpdate | EffectKind::LedgerRowEvent => {
            Ok(Applied::Missing)
        }
    }
}
