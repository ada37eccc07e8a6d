//! What came of a delivery or a pending evaluation: for metrics, the log, and the queue.

use jiff::Timestamp;
use model::{Effect, Kind, Note, SecurityReviewException, Verdict};
use uuid::Uuid;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored already; nothing changed.
    Duplicate,
    /// Put into quarantine: its shape could not be read.
    Quarantined,
    /// Recorded; not a merge, and no verdict hangs on it.
    Recorded,
    /// The review was looked at and its row written; where it stands.
    Reviewed(Option<model::Decision>),
    /// A verdict was reached, or a later event was weighed and changed it.
    Judged(Box<Verdict>),
    /// A verdict stands, and what arrived did not change it.
    Unchanged,
    /// GitLab did not show the merge until the deadline; nothing is decided, and GitLab is read again.
    NotMerged,
    /// The merge was long before it was first seen: nothing is decided unless reconciliation or a backfill asks.
    BeforeWatch,
    /// The current decision remains unconfirmed, or is read again because an event contradicts it.
    Unconfirmed {
        /// Why.
        because: String,
    },
    /// GitLab could not be read yet.
    Pending {
        /// Why.
        because: String,
    },
}

impl Outcome {
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
            Self::Judged(verdict) => match verdict.outcome {
                model::Outcome::NotCarried => "not_carried",
                model::Outcome::Declassified => "declassified",
                model::Outcome::Approved { .. } => "approved",
                model::Outcome::Exception { .. } => "exception",
                model::Outcome::Pending { .. } => "pending",
            },
        }
    }
}

/// What came of it, and what must happen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What came of it.
    pub outcome: Outcome,
    /// Effects to be enqueued. Should that fail, the relay does it a little later.
    pub effects: Vec<Effect>,
}

impl Report {
    /// Metrics that this adds one to, besides those that tell outcomes apart.
    #[must_use]
    pub fn counted(&self) -> Vec<&'static str> {
        match &self.outcome {
            Outcome::Quarantined => vec!["deliveries_quarantined"],
            Outcome::Pending { .. } => vec!["evaluations_pending"],
            Outcome::NotMerged => vec!["merges_denied"],
            Outcome::BeforeWatch => vec!["merges_before_watch"],
            Outcome::Judged(verdict) => {
                let exception = verdict.exception().map(|_| "exceptions");
                let unreadable = verdict
                    .notes
                    .contains(&Note::LabelEventsUnreadable)
                    .then_some("label_events_unreadable");
                let unverified = (verdict.exception() == Some(Kind::Unverified)).then_some("exceptions_unverified");
                exception.into_iter().chain(unverified).chain(unreadable).collect()
            }
            Outcome::Duplicate
            | Outcome::Recorded
            | Outcome::Reviewed(_)
            | Outcome::Unchanged
            | Outcome::Unconfirmed { .. } => Vec::new(),
        }
    }

    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            effects: Vec::new(),
        }
    }
}

/// An exception row as it was written.
pub(crate) struct Written {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<Kind>,
    pub(crate) first: bool,
    /// The decision that it follows from, and when that was made: they name the audit entry.
    pub(crate) decision: (Timestamp, Uuid),
    /// `group/project`.
    pub(crate) project_path: String,
    /// Username of who merged, if known.
    pub(crate) merged_by: Option<String>,
}

impl Written {
    /// What `decision` wrote of this row; without a kind it withdrew it.
    pub(crate) fn of(
        exception: &SecurityReviewException,
        kind: Option<Kind>,
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
