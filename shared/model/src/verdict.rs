//! The verdict on one merge, as data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{User, codes};

codes! {
    /// Why a merge is an exception, in order of precedence: the first that applies is the exception's kind.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ExceptionKind {
        /// No security label was set at the merge, but one had been, and no entitled user removed it.
        LabelRemovedBeforeMerge = "label_removed_before_merge",
        /// An approval was revoked or reset before the merge.
        ApprovalRevoked = "approval_revoked",
        /// The diff changed after the approval.
        ApprovedOtherCommit = "approved_other_commit",
        SelfApproved = "self_approved",
        /// A user who pushed commits approved, and the rules exclude committers.
        CommitterApproved = "committer_approved",
        BotApproved = "bot_approved",
        /// The approver does not belong to the security team.
        ApproverNotEligible = "approver_not_eligible",
        /// The approval came after the merge.
        ApprovedAfterMerge = "approved_after_merge",
        /// Valid approvals, but fewer than the rules require.
        InsufficientApprovals = "insufficient_approvals",
        /// No approval was seen.
        NoApproval = "no_approval",
        /// No other kind is proven, and no approval either.
        Unverified = "unverified",
    }
}

/// One objection to the merge: the code, and the details in plain words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    pub kind: ExceptionKind,
    /// Who and when, for people; no secrets, no e-mail addresses.
    pub detail: String,
}

codes! {
    /// Which source proved an approval.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Proof {
        Api = "api",
        /// The API and the stored history.
        Both = "both",
    }
}

codes! {
    /// Information that does not change the outcome.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Note {
        /// An eligible approver removed the security label before the merge.
        Declassified = "declassified",
        /// The security label was removed before the merge, but the merge was validly approved.
        LabelRemovedButApproved = "label_removed_but_approved",
        /// A valid approval was given before the security label was added.
        ApprovedBeforeLabel = "approved_before_label",
        /// Eligibility at the time of the approval is unknown; today's membership was used.
        EligibilityAsOfNow = "eligibility_as_of_now",
        /// GitLab does not report when the approval was given; the stored history does.
        ApprovalTimeFromHistory = "approval_time_from_history",
        /// Label events could not be read, and no source shows a security label.
        LabelEventsUnreadable = "label_events_unreadable",
        /// A security label was first added after the merge.
        LabelledAfterMerge = "labelled_after_merge",
        /// An event reports that an approval was revoked before the merge, but GitLab, read again later, still lists it.
        RevocationNotConfirmed = "revocation_not_confirmed",
    }
}

/// One approval record as both sources show it, and the objections to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalSeen {
    pub user: User,
    pub approved_at: Option<Timestamp>,
    /// The API lists it.
    pub in_api: bool,
    /// The stored history shows it.
    pub in_history: bool,
    /// The objections; empty for a valid approval.
    pub against: Vec<ExceptionKind>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum VerdictOutcome {
    /// The merge request had no security label before the merge: nothing to review.
    NotCarried,
    /// An eligible approver removed the label before the merge: a note, no exception.
    Declassified,
    Approved {
        /// Which source proved it.
        proof: Proof,
    },
    /// Merged without a valid approval, or without proof of one.
    Exception {
        /// The first kind that applies.
        kind: ExceptionKind,
    },
    /// GitLab could not be read yet.
    Pending { because: String },
}

/// The verdict with its basis. A pure function of [`crate::Facts`] and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    #[serde(flatten)]
    pub outcome: VerdictOutcome,
    /// All objections to the merge, in order of precedence; empty unless it is an exception.
    pub reasons: Vec<Reason>,
    /// Remarks that do not change the outcome.
    pub notes: Vec<Note>,
    /// Every approval that either source shows.
    pub approvals: Vec<ApprovalSeen>,
    /// Matching labels, set at the merge or before it, sorted.
    pub security_labels: Vec<String>,
    /// Highest tier of those labels.
    pub risk_tier: String,
}

impl Verdict {
    /// The exception's kind, if it is one.
    #[must_use]
    pub fn exception(&self) -> Option<ExceptionKind> {
        match self.outcome {
            VerdictOutcome::Exception { kind } => Some(kind),
            _ => None,
        }
    }
}

codes! {
    /// The ledger decision: the state of a merge request's review.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum LedgerDecision {
        /// Merged (or not yet merged) with a valid approval by an eligible approver.
        Approved = "approved",
        /// A valid approval was revoked.
        ApprovalRevoked = "approval_revoked",
        /// Merged with a valid approval.
        Merged = "merged",
        /// Merged without a valid approval.
        MergedWithoutApproval = "merged_without_approval",
        /// Merged, and neither approval nor its absence could be proven.
        MergedUnverified = "merged_unverified",
        /// Closed without a merge.
        Closed = "closed",
        Reopened = "reopened",
    }
}

impl LedgerDecision {
    /// The ledger decision of a merge's verdict; `None` while pending or if no security label was set.
    #[must_use]
    pub fn of_merge(outcome: &VerdictOutcome) -> Option<Self> {
        match outcome {
            VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => None,
            VerdictOutcome::Approved { .. } | VerdictOutcome::Declassified => Some(Self::Merged),
            VerdictOutcome::Exception {
                kind: ExceptionKind::Unverified,
            } => Some(Self::MergedUnverified),
            VerdictOutcome::Exception { .. } => Some(Self::MergedWithoutApproval),
        }
    }
}
