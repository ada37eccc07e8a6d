//! Somebody who pushed commits approved, and the rules exclude committers.
//!
//! Who pushed is known from the stored events; it is known completely only if they begin with the opening.

use model::Action;

use crate::act::Act;
use crate::case::{Case, Finding};

pub(crate) fn check(act: &Act<'_>, case: &Case<'_>) -> Finding {
    let approvers = case.rules.approvers(case.instance);
    if approvers.is_some_and(|approvers| !approvers.exclude_committers) {
        return Finding::Clear;
    }
    let name = &act.user.username;
    let pushed = case
        .history
        .iter()
        .any(|event| event.pushed && event.actor.as_ref().is_some_and(|actor| actor.id == act.user.id));
    if pushed {
        Finding::Holds(format!("{name} approved and had pushed commits"))
    } else if case.history.iter().any(|event| event.action == Action::Open) {
        Finding::Clear
    } else {
        Finding::Unknown(format!(
            "whether {name} had pushed commits is unknown: the stored events do not begin with the opening"
        ))
    }
}

#[cfg(test)]
mod tests {
    use model::Kind;

    use crate::testing::{ALICE, Life};

    #[test]
    fn a_committer_may_approve_unless_the_rules_exclude_it() {
        let life = Life::labelled()
            .opened("08:00:00")
            .pushed_by(ALICE, "09:00:00")
            .approved_by(ALICE, "10:00:00");
        life.is_approved();
        life.excluding_committers().is_exception(Kind::CommitterApproved);
    }

    #[test]
    fn whoever_did_not_push_may_approve() {
        Life::labelled()
            .opened("08:00:00")
            .excluding_committers()
            .approved_by(ALICE, "10:00:00")
            .is_approved();
    }

    #[test]
    fn without_the_whole_history_it_is_unknown_and_so_not_approved() {
        Life::labelled()
            .excluding_committers()
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::Unverified);
    }
}
