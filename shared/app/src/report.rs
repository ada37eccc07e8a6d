//! What processing a delivery or a pending evaluation did: for metrics, the log, and the queue.

use jiff::Timestamp;
use model::{Effect, ExceptionKind, Note, SecurityReviewException, Verdict};
use uuid::Uuid;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Stored already; nothing changed.
    Duplicate,
    /// Put into quarantine: its shape could not be read.
    Quarantined,
    /// Recorded; not a merge, and no verdict depends on it.
    Recorded,
    /// The review was looked at and its row written; its state.
    Reviewed(Option<model::LedgerDecision>),
    /// The merge was decided, or a later event changed its decision.
    Decided(Box<Verdict>),
    /// There is a decision, and what arrived did not change it.
    Unchanged,
    /// GitLab did not show the merge until the deadline; nothing is decided, and GitLab is read again.
    NotMerged,
    /// The merge was long before it was first seen: nothing is decided unless reconciliation or a backfill asks.
    BeforeWatch,
    /// The current decision remains unconfirmed, or is read again because an event contradicts it.
    Unconfirmed { because: String },
    /// GitLab could not be read yet.
    Pending { because: String },
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

/// What came of it, and what must happen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// What came of it.
    pub outcome: DeliveryOutcome,
    /// Effects to be enqueued. Should that fail, the relay does it a little later.
    pub effects: Vec<Effect>,
}

impl DeliveryReport {
    /// Metrics that this adds one to, in addition to those by outcome.
    #[must_use]
    pub fn counted(&self) -> Vec<&'static str> {
        match &self.outcome {
            DeliveryOutcome::Quarantined => vec!["deliveries_quarantined"],
            DeliveryOutcome::Pending { .. } => vec!["evaluations_pending"],
            DeliveryOutcome::NotMerged => vec!["merges_denied"],
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

/// An exception row as it was written.
pub(crate) struct ExceptionChange {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<ExceptionKind>,
    pub(crate) first: bool,
    /// The decision that it follows from, and when that was made: they name the audit entry.
    pub(crate) decision: (Timestamp, Uuid),
    /// `group/project`.
    pub(crate) project_path: String,
    /// Username of who merged, if known.
    pub(crate) merged_by: Option<String>,
}

impl ExceptionChange {
    /// What `decision` wrote of this row; without a kind it withdrew it.
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
