//! The ledger: where the security review of one merge request stands, and since when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{LedgerDecision, MergeRequestKey, Note, Proof, Reviewer, User};

/// Why a time of the review cannot be told. It is left out then, never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnknown {
    /// GitLab's label events could not be read.
    LabelEventsUnreadable,
    /// The label has been deleted since, and GitLab's events no longer say which they told of.
    LabelDeleted,
    /// The label was set when the merge request was created, and when that was is not known.
    CreationTimeUnknown,
    /// The label was put on after the decision: there is no time between them.
    LabelledAfterDecision,
    /// Nothing is decided yet.
    NoDecision,
    /// The label was put on after the approval.
    ApprovedBeforeLabel,
    /// There is no valid approval.
    NoValidApproval,
    /// GitLab does not say when the approval was given.
    ApprovalTimeUnknown,
}

impl TimeUnknown {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::LabelEventsUnreadable,
        Self::LabelDeleted,
        Self::CreationTimeUnknown,
        Self::LabelledAfterDecision,
        Self::NoDecision,
        Self::ApprovedBeforeLabel,
        Self::NoValidApproval,
        Self::ApprovalTimeUnknown,
    ];

    /// The stable code used in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LabelEventsUnreadable => "label_events_unreadable",
            Self::LabelDeleted => "label_deleted",
            Self::CreationTimeUnknown => "creation_time_unknown",
            Self::LabelledAfterDecision => "labelled_after_decision",
            Self::NoDecision => "no_decision",
            Self::ApprovedBeforeLabel => "approved_before_label",
            Self::NoValidApproval => "no_valid_approval",
            Self::ApprovalTimeUnknown => "approval_time_unknown",
        }
    }
}

/// How long the review took, by the clock that its target counts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLevel {
    /// The target of the risk tier.
    pub target: SignedDuration,
    /// From the label to the approval, or to the decision where there is no approval; in business hours if the target counts those.
    /// `None`: not decided, or a time is unknown.
    pub elapsed: Option<SignedDuration>,
}

/// Where the review of a merge request stands: a pure function of its facts and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The ledger's word; `None`: labelled, and nothing is decided yet.
    pub decision: Option<LedgerDecision>,
    /// When it was decided; `None` also if GitLab does not say when.
    pub decided_at: Option<Timestamp>,
    /// The eligible approver whose act decided: gave the approval that was still needed, or took one back.
    pub deciding_reviewer: Option<User>,
    /// Security labels: those that stand (at the merge), else those that stood.
    pub labels: Vec<String>,
    /// Highest tier of those labels.
    pub risk_tier: String,
    /// When the first security label was put on. Taking it off later does not stop the clock.
    pub labelled_at: Option<Timestamp>,
    /// When the first valid approval was given that stands.
    pub approved_at: Option<Timestamp>,
    /// Why one of the times between them is missing; that to the decision goes before that to the approval.
    pub time_unknown: Option<TimeUnknown>,
    /// Measured against the target of the tier, if the rules set one.
    pub service_level: Option<ServiceLevel>,
    /// Which witness proved the approval.
    pub proof: Option<Proof>,
    /// Remarks that change nothing.
    pub notes: Vec<Note>,
}

/// The merge of a merge request in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerMerge {
    /// Who merged it.
    pub by: Option<User>,
    /// How: `auto_merge`, `merge_train`; `None` if it cannot be told.
    pub method: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Merge commit, if any.
    pub commit_sha: Option<String>,
}

/// The evidence that a decision rests on, as decision and ledger name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// Row id in `review_evidence`.
    pub id: Uuid,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// A row of `security_review_ledger`: the review, and what people need to find the merge request again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// GitLab's instance-wide id.
    pub mr_id: i64,
    /// `group/project`.
    pub project_path: String,
    /// Title.
    pub title: String,
    /// Web address; shown, never called.
    pub web_url: String,
    /// Author.
    pub author: Option<User>,
    /// Assigned reviewers, as far as they could be read.
    pub reviewers: Vec<Reviewer>,
    /// Where the review stands.
    pub review: Review,
    /// The merge; `None`: not merged.
    pub merge: Option<LedgerMerge>,
    /// Head of the diff.
    pub head_sha: Option<String>,
    /// The rules it was judged by.
    pub rules_hash: String,
    /// The decision that the row tells of; `None`: nothing is decided yet.
    pub decision_id: Option<Uuid>,
    /// The evidence that decision rests on; `None` before a merge.
    pub evidence: Option<EvidenceRef>,
    /// When GitLab was read for it.
    pub read_at: Option<Timestamp>,
    /// The delivery, poll cycle or action that led to it.
    pub correlation_id: Uuid,
}

impl LedgerRow {
    /// Whether another row says the same of the merge request, whatever led to it and whenever GitLab was read.
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
