//! Nothing is proven against an approval act, and it is not proven itself either.

use model::{Kind, Reason};

use crate::act::{Act, readable};
use crate::case::{Case, Finding};

/// What is unknown about the act; if nothing is, then the API does not list what the stored events show.
pub(crate) fn reasons(act: &Act<'_>, findings: &[(Kind, Finding)], case: &Case<'_>) -> Vec<Reason> {
    let unverified = |detail: String| Reason {
        kind: Kind::Unverified,
        detail,
    };
    let unknown = findings.iter().filter_map(|(_, finding)| match finding {
        Finding::Unknown(detail) => Some(unverified(detail.clone())),
        Finding::Clear | Finding::Holds(_) => None,
    });
    let mut reasons: Vec<Reason> = unknown.collect();
    if reasons.is_empty() {
        let at = act.since(case.merged_at()).map(readable).unwrap_or_default();
        let name = &act.user.username;
        reasons.push(unverified(format!(
            "an approval by {name} at {at} was received and never taken back, but GitLab does not list it"
        )));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use model::Kind;

    use crate::testing::{ALICE, Life};

    #[test]
    fn an_approval_that_only_the_history_shows_is_unverified_with_both_sides_recorded() {
        let verdict = Life::labelled()
            .seen(ALICE, "10:00:00", Some(true))
            .is_exception(Kind::Unverified);
        let seen = &verdict.approvals[0];
        assert!(seen.in_history && !seen.in_api);
        assert_eq!(seen.against, [Kind::Unverified]);
        let detail = "an approval by alice at 2026-03-02 10:00:00 UTC was received and never taken back, but GitLab does not list it";
        assert_eq!(verdict.reasons[0].detail, detail);
    }

    #[test]
    fn what_is_unknown_is_told() {
        let verdict = Life::labelled()
            .versions_unreadable()
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::Unverified);
        assert_eq!(
            verdict.reasons[0].detail,
            "whether the code changed after alice approved could not be read"
        );
    }
}
