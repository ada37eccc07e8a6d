//! The ledger: the state of one merge request's security review, and its times.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{LedgerDecision, MergeRequestKey, Note, Proof, Reviewer, User, codes};

codes! {
    /// Why a time of the review is unknown. It is left out then, never guessed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum TimeUnknown {
        /// GitLab's label events could not be read.
        LabelEventsUnreadable = "label_events_unreadable",
        /// The label has been deleted since, and GitLab's events no longer name it.
        LabelDeleted = "label_deleted",
        /// The label was set when the merge request was created, and that time is unknown.
        CreationTimeUnknown = "creation_time_unknown",
        /// The label was added after the decision: there is no time between them.
        LabelledAfterDecision = "labelled_after_decision",
        /// Nothing is decided yet.
        NoDecision = "no_decision",
        /// The label was added after the approval.
        ApprovedBeforeLabel = "approved_before_label",
        /// There is no valid approval.
        NoValidApproval = "no_valid_approval",
        /// GitLab does not report when the approval was given.
        ApprovalTimeUnknown = "approval_time_unknown",
    }
}

/// How long the review took, by the clock of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLevel {
    /// The target of the risk tier.
    pub target: SignedDuration,
    /// From the label to the approval, or to the decision if there is no approval; in business hours if the target counts those.
    /// `None`: not decided, or a time is unknown.
    pub elapsed: Option<SignedDuration>,
}

/// The state of a merge request's review: a pure function of its facts and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The ledger decision; `None`: labelled, and nothing is decided yet.
    pub decision: Option<LedgerDecision>,
    /// When it was decided; also `None` if GitLab does not report when.
    pub decided_at: Option<Timestamp>,
    /// The eligible approver whose act decided: gave the last required approval, or revoked one.
    pub deciding_reviewer: Option<User>,
    /// Security labels: the current ones (at the merge), else the earlier ones.
    pub labels: Vec<String>,
    /// Highest tier of those labels.
    pub risk_tier: String,
    /// When the first security label was added. Removing it later does not stop the clock.
    pub labelled_at: Option<Timestamp>,
    /// When the first approval was given that is still valid.
    pub approved_at: Option<Timestamp>,
    /// Why one of the times between them is missing; the time to the decision takes precedence.
    pub time_unknown: Option<TimeUnknown>,
    /// Measured against the target of the tier, if the rules set one.
    pub service_level: Option<ServiceLevel>,
    /// Which source proved the approval.
    pub proof: Option<Proof>,
    /// Remarks that do not change the outcome.
    pub notes: Vec<Note>,
}

/// The merge of a merge request in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerMerge {
    pub by: Option<User>,
    /// How: `auto_merge`, `merge_train`; `None` if unknown.
    pub method: Option<String>,
    pub at: Timestamp,
    /// Merge commit, if any.
    pub commit_sha: Option<String>,
}

/// The evidence of a decision, as decision and ledger reference it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// Row id in `review_evidence`.
    pub id: Uuid,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// A row of `security_review_ledger`: the review, and what people need to find the merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    pub merge_request: MergeRequestKey,
    pub mr_id: i64,
    /// `group/project`.
    pub project_path: String,
    pub title: String,
    /// Web address; displayed, never called.
    pub web_url: String,
    pub author: Option<User>,
    /// Assigned reviewers, as far as they could be read.
    pub reviewers: Vec<Reviewer>,
    /// The state of the review.
    pub review: Review,
    /// The merge; `None`: not merged.
    pub merge: Option<LedgerMerge>,
    /// Head of the diff.
    pub head_sha: Option<String>,
    /// The rules that decided it.
    pub rules_hash: String,
    /// The decision that the row reports; `None`: nothing is decided yet.
    pub decision_id: Option<Uuid>,
    /// The evidence of that decision; `None` before a merge.
    pub evidence: Option<EvidenceRef>,
    /// When GitLab was read for it.
    pub read_at: Option<Timestamp>,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

impl LedgerRow {
    /// Whether another row reports the same about the merge request, apart from what caused it and when GitLab was read.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let bare = |row: &Self| Self {
            decision_id: None,
            read_at: None,
            correlation_id: Uuid::nil(),
            ..row.clone()
        };
        bare(self) == bare(other)
    }
}
