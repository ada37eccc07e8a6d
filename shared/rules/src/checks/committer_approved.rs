//! A person who added commits approved, and the rules exclude committers.

use model::{Reading, UserId};

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    let name = &record.user.username;
    match is_committer(record.user.id, case) {
        Some(true) => CheckOutcome::Holds(format!("{name} approved and had added commits")),
        Some(false) => CheckOutcome::Clear,
        None => CheckOutcome::Unknown(format!("whether {name} had added commits could not be read")),
    }
}

/// Whether the rules exclude a person as a committer: by GitLab's list, or by a push in the events. `None`: unknown.
pub(crate) fn is_committer(user: UserId, case: &MergeCase<'_>) -> Option<bool> {
    if !case.approvers?.exclude_committers {
        return Some(false);
    }
    if case.pushed(user) {
        return Some(true);
    }
    match &case.api.committers {
        Reading::Known(committers) => Some(committers.contains(&user)),
        Reading::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use model::{ExceptionKind, VerdictOutcome};

    use crate::testing::{ALICE, BOB, Life};

    #[test]
    fn a_committer_may_approve_unless_excluded() {
        let life = Life::labelled()
            .pushed_by(ALICE, "09:00:00")
            .approved_by(ALICE, "10:00:00");
        life.is_approved();
        life.excluding_committers()
            .is_exception(ExceptionKind::CommitterApproved);
    }

    #[test]
    fn gitlabs_list_of_committers_decides() {
        let life = Life::labelled().excluding_committers().approved_by(ALICE, "10:00:00");
        life.clone().committers(&[BOB]).is_approved();
        life.committers(&[ALICE]).is_exception(ExceptionKind::CommitterApproved);
    }

    #[test]
    fn unknown_committers_are_no_approval() {
        // The events begin with the opening, but the branch may have been pushed before.
        Life::labelled()
            .opened("08:00:00")
            .excluding_committers()
            .approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn an_excluded_committer_declassifies_nothing() {
        let life = Life::unlabelled()
            .label_event(Some("security::high"), false, ALICE, "11:00:00")
            .excluding_committers();
        assert_eq!(
            life.clone().committers(&[BOB]).verdict().outcome,
            VerdictOutcome::Declassified
        );
        life.committers(&[ALICE])
            .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    }
}
