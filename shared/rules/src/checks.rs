//! The checks, one file each. A check returns what it found; `evaluate` decides the consequences.

pub(crate) mod approval_revoked;
pub(crate) mod approved_after_merge;
pub(crate) mod approved_other_commit;
pub(crate) mod approver_not_eligible;
pub(crate) mod bot_approved;
pub(crate) mod committer_approved;
pub(crate) mod insufficient_approvals;
pub(crate) mod label_removed_before_merge;
pub(crate) mod no_approval;
pub(crate) mod self_approved;
pub(crate) mod unverified;

use model::ExceptionKind;

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};

type Check = fn(&ApprovalRecord<'_>, &MergeCase<'_>) -> CheckOutcome;

/// Every check of one approval, in order of precedence.
const CHECKS: [(ExceptionKind, Check); 7] = [
    (ExceptionKind::ApprovalRevoked, approval_revoked::check),
    (ExceptionKind::ApprovedOtherCommit, approved_other_commit::check),
    (ExceptionKind::SelfApproved, self_approved::check),
    (ExceptionKind::CommitterApproved, committer_approved::check),
    (ExceptionKind::BotApproved, bot_approved::check),
    (ExceptionKind::ApproverNotEligible, approver_not_eligible::check),
    (ExceptionKind::ApprovedAfterMerge, approved_after_merge::check),
];

/// The result of every check of one approval, in order of precedence.
pub(crate) fn all(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> Vec<(ExceptionKind, CheckOutcome)> {
    CHECKS
        .iter()
        .map(|(kind, check)| (*kind, check(record, case)))
        .collect()
}
