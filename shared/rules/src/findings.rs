//! The rules, one file each. A rule says what it found; what follows is decided in `evaluate`.

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

use crate::act::Act;
use crate::case::{Case, Finding};

type Rule = fn(&Act<'_>, &Case<'_>) -> Finding;

/// Every rule on one act, in order of precedence.
const RULES: [(Kind, Rule); 7] = [
    (Kind::ApprovalRevoked, approval_revoked::check),
    (Kind::ApprovedOtherCommit, approved_other_commit::check),
    (Kind::SelfApproved, self_approved::check),
    (Kind::CommitterApproved, committer_approved::check),
    (Kind::BotApproved, bot_approved::check),
    (Kind::ApproverNotEligible, approver_not_eligible::check),
    (Kind::ApprovedAfterMerge, approved_after_merge::check),
];

/// What every rule found about one act, in order of precedence.
pub(crate) fn all(act: &Act<'_>, case: &Case<'_>) -> Vec<(Kind, Finding)> {
    RULES.iter().map(|(kind, rule)| (*kind, rule(act, case))).collect()
}
