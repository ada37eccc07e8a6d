//! The author approved.

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    if record.user.id == case.api.author.id {
        CheckOutcome::Holds(format!("{} approved and is the author", record.user.username))
    } else {
        CheckOutcome::Clear
    }
}

#[cfg(test)]
mod tests {
    use model::ExceptionKind;

    use crate::testing::{ALICE, AUTHOR, Life};

    #[test]
    fn author_cannot_approve_as_security_team_member() {
        let life = Life::labelled()
            .eligible_now(&[AUTHOR, ALICE])
            .approved_by(AUTHOR, "10:00:00");
        life.is_exception(ExceptionKind::SelfApproved);
    }

    #[test]
    fn valid_approval_outweighs_self_approval() {
        let life = Life::labelled()
            .approved_by(AUTHOR, "10:00:00")
            .approved_by(ALICE, "10:05:00");
        life.is_approved();
    }
}
