//! The checks, one file each. A check says what it found; what follows is decided in `evaluate`.

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

use model::Kind;

use crate::approval::ApprovalRecord;
use crate::case::{Case, CheckOutcome};

type Check = fn(&ApprovalRecord<'_>, &Case<'_>) -> CheckOutcome;

/// Every check of one approval, in order of precedence.
const CHECKS: [(Kind, Check); 7] = [
    (Kind::ApprovalRevoked, approval_revoked::check),
    (Kind::ApprovedOtherCommit, approved_other_commit::check),
    (Kind::SelfApproved, self_approved::check),
    (Kind::CommitterApproved, committer_approved::check),
    (Kind::BotApproved, bot_approved::check),
    (Kind::ApproverNotEligible, approver_not_eligible::check),
    (Kind::ApprovedAfterMerge, approved_after_merge::check),
];

/// What every check found about one approval, in order of precedence.
pub(crate) fn all(record: &ApprovalRecord<'_>, case: &Case<'_>) -> Vec<(Kind, CheckOutcome)> {
    CHECKS
        .iter()
        .map(|(kind, check)| (*kind, check(record, case)))
        .collect()
}
