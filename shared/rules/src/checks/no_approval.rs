//! No approval was seen by either source.

use model::{ExceptionKind, Reason};

pub(crate) fn check(approvals: usize) -> Option<Reason> {
    let detail = "no approval was seen, neither by GitLab's API nor in the events received".to_owned();
    (approvals == 0).then_some(Reason {
        kind: ExceptionKind::NoApproval,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use model::ExceptionKind;

    use crate::testing::{Life, OUTSIDER};

    #[test]
    fn no_approval_in_either_source() {
        Life::labelled().is_exception(ExceptionKind::NoApproval);
    }

    #[test]
    fn any_approval_excludes_the_no_approval_kind() {
        let verdict = Life::labelled()
            .approved_by(OUTSIDER, "10:00:00")
            .is_exception(ExceptionKind::ApproverNotEligible);
        assert!(
            verdict
                .reasons
                .iter()
                .all(|reason| reason.kind != ExceptionKind::NoApproval)
        );
    }
}
