//! The author approved.

use crate::approval::ApprovalRecord;
use crate::case::{Case, CheckOutcome};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &Case<'_>) -> CheckOutcome {
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
    fn the_author_cannot_approve_even_as_a_member_of_the_security_team() {
        let life = Life::labelled()
            .eligible_now(&[AUTHOR, ALICE])
            .approved_by(AUTHOR, "10:00:00");
        life.is_exception(ExceptionKind::SelfApproved);
    }

    #[test]
    fn somebody_elses_valid_approval_makes_the_authors_own_harmless() {
        let life = Life::labelled()
            .approved_by(AUTHOR, "10:00:00")
            .approved_by(ALICE, "10:05:00");
        life.is_approved();
    }
}
