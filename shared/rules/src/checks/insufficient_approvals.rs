//! Valid approvals, but fewer than the rules require.

use model::{ExceptionKind, Reason};

pub(crate) fn check(valid: usize, minimum: usize) -> Option<Reason> {
    let detail = format!("{valid} valid approval(s), {minimum} required");
    (valid > 0 && valid < minimum).then_some(Reason {
        kind: ExceptionKind::InsufficientApprovals,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use model::ExceptionKind;

    use crate::testing::{ALICE, BOB, Life};

    #[test]
    fn fewer_valid_approvals_than_required_are_insufficient() {
        let life = Life::labelled().minimum(2).approved_by(ALICE, "10:00:00");
        life.is_exception(ExceptionKind::InsufficientApprovals);
        life.approved_by(BOB, "10:30:00").is_approved();
    }

    #[test]
    fn one_person_approving_twice_is_one_approval() {
        let life = Life::labelled()
            .minimum(2)
            .approved_by(ALICE, "10:00:00")
            .approved_by(ALICE, "10:30:00");
        life.is_exception(ExceptionKind::InsufficientApprovals);
    }
}
