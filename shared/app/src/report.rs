//! The result of processing a delivery or a pending evaluation: for metrics, the log, and the queue.

use jiff::Timestamp;
use model::{Effect, ExceptionKind, Note, SecurityReviewException, Verdict};
use uuid::Uuid;

use crate::gitlab_audit::GitLabAuditAlarm;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Already stored; nothing changed.
    Duplicate,
    /// Quarantined: its shape could not be read.
    Quarantined,
    /// Recorded; not a merge, and no verdict depends on it.
    Recorded,
    /// The review was evaluated and its row written; its state.
    Reviewed(Option<model::LedgerDecision>),
    /// The merge was decided, or a later event changed its decision.
    Decided(Box<Verdict>),
    /// A decision exists, and the delivery did not change it.
    Unchanged,
    /// GitLab did not show the merge by the deadline; nothing is decided, and GitLab is read again.
    NotMerged,
    /// The merge happened long before it was first seen: not decided unless reconciliation or a backfill requests it.
    BeforeWatch,
    /// The current decision remains unconfirmed, or is read again because an event contradicts it.
    Unconfirmed { because: String },
    /// GitLab could not be read yet.
    Pending { because: String },
    /// Events of GitLab's audit event stream were recorded; those that raise an alarm.
    GitlabAudit { alarms: Vec<GitLabAuditAlarm> },
}

impl DeliveryOutcome {
    /// One word for logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Recorded => "recorded",
            Self::Reviewed(_) => "reviewed",
            Self::Unchanged => "unchanged",
            Self::NotMerged => "not_merged",
            Self::BeforeWatch => "before_watch",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Pending { .. } => "pending",
            Self::GitlabAudit { .. } => "gitlab_audit",
            Self::Decided(verdict) => match verdict.outcome {
                model::VerdictOutcome::NotCarried => "not_carried",
                model::VerdictOutcome::Declassified => "declassified",
                model::VerdictOutcome::Approved { .. } => "approved",
                model::VerdictOutcome::Exception { .. } => "exception",
                model::VerdictOutcome::Pending { .. } => "pending",
            },
        }
    }
}

/// The delivery outcome, and the effects to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    pub outcome: DeliveryOutcome,
    /// Effects to enqueue. If that fails, the relay does it later.
    pub effects: Vec<Effect>,
}

impl DeliveryReport {
    /// Metrics to increment, in addition to those by outcome.
    #[must_use]
    pub fn counted(&self) -> Vec<&'static str> {
        match &self.outcome {
            DeliveryOutcome::Quarantined => vec!["deliveries_quarantined"],
            DeliveryOutcome::Pending { .. } => vec!["evaluations_pending"],
            DeliveryOutcome::NotMerged => vec!["merges_denied"],
            DeliveryOutcome::GitlabAudit { alarms } => alarms.iter().map(|_| "gitlab_audit_alarms").collect(),
            DeliveryOutcome::BeforeWatch => vec!["merges_before_watch"],
            DeliveryOutcome::Decided(verdict) => {
                let exception = verdict.exception().map(|_| "exceptions");
                let unreadable = verdict
                    .notes
                    .contains(&Note::LabelEventsUnreadable)
                    .then_some("label_events_unreadable");
                let unverified =
                    (verdict.exception() == Some(ExceptionKind::Unverified)).then_some("exceptions_unverified");
                exception.into_iter().chain(unverified).chain(unreadable).collect()
            }
            DeliveryOutcome::Duplicate
            | DeliveryOutcome::Recorded
            | DeliveryOutcome::Reviewed(_)
            | DeliveryOutcome::Unchanged
            | DeliveryOutcome::Unconfirmed { .. } => Vec::new(),
        }
    }

    pub(crate) fn of(outcome: DeliveryOutcome) -> Self {
        Self {
            outcome,
            effects: Vec::new(),
        }
    }
}

/// An exception row as written.
pub(crate) struct ExceptionChange {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<ExceptionKind>,
    pub(crate) first: bool,
    /// Time and id of its decision: they identify the audit entry.
    pub(crate) decision: (Timestamp, Uuid),
    /// `group/project`.
    pub(crate) project_path: String,
    /// Username of the merger, if known.
    pub(crate) merged_by: Option<String>,
}

impl ExceptionChange {
    /// What `decision` wrote to this row; without a kind it withdrew it.
    pub(crate) fn of(
        exception: &SecurityReviewException,
        kind: Option<ExceptionKind>,
        first: bool,
        decision: (Timestamp, Uuid),
    ) -> Self {
        Self {
            id: exception.id,
            kind,
            first,
            decision,
            project_path: exception.project_path.clone(),
            merged_by: exception.merged_by.as_ref().map(|user| user.username.clone()),
        }
    }
}
