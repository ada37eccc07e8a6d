//! The approver does not belong to the security team: judged by membership when the approval arrived, else by today's.

use model::{HistoryEvent, Reading};

use crate::act::Act;
use crate::case::{Case, Finding};
use crate::findings::approval_revoked::concerns;

pub(crate) fn check(act: &Act<'_>, case: &Case<'_>) -> Finding {
    let Some(approvers) = case.rules.approvers(case.instance) else {
        return Finding::Unknown(format!("the rules do not name the instance {}", case.instance));
    };
    let name = &act.user.username;
    let by_rule = match (&approvers.approval_rule, &case.api.rule_approvers) {
        (Some(_), Reading::Known(users)) => Some(users.contains(&act.user.id)),
        (Some(_), Reading::Unknown(_)) => None,
        (None, _) => Some(false),
    };
    let by_team = match (recorded(act, case), &case.api.eligible_now) {
        (Some(event), _) => event.eligible,
        (None, Reading::Known(members)) => Some(members.contains(&act.user.id)),
        (None, Reading::Unknown(_)) => None,
    };
    match (by_rule, by_team) {
        (Some(true), _) | (_, Some(true)) => Finding::Clear,
        (Some(false), Some(false)) => Finding::Holds(format!("{name} approved and is no eligible approver")),
        _ => Finding::Unknown(format!("whether {name} is an eligible approver could not be read")),
    }
}

/// Today's membership had to be used, because nothing was recorded when the approval arrived.
pub(crate) fn judged_as_of_now(act: &Act<'_>, case: &Case<'_>) -> bool {
    recorded(act, case).is_none()
}

/// The stored event of this very approval with a recorded membership: the last one up to it, if nothing revoked it in between. Of
/// two in one second the less favourable.
fn recorded<'a>(act: &Act<'a>, case: &Case<'_>) -> Option<&'a HistoryEvent> {
    let since = act.since(case.merged_at())?.as_second();
    let second = |event: &HistoryEvent| event.occurred_at.as_second();
    let revoked_in_between = |event: &HistoryEvent| {
        let revocations = case
            .history
            .iter()
            .filter(|other| other.action.is_revocation() && concerns(other, act));
        revocations
            .into_iter()
            .any(|other| second(other) > second(event) && second(other) <= since)
    };
    let of_this_approval = act
        .history
        .iter()
        .copied()
        .filter(|event| event.eligible.is_some() && second(event) <= since);
    of_this_approval
        .filter(|event| !revoked_in_between(event))
        .max_by_key(|event| (second(event), event.eligible == Some(false)))
}

#[cfg(test)]
mod tests {
    use model::{Kind, Note};

    use crate::testing::{ALICE, BOB, Life, OUTSIDER};

    #[test]
    fn an_approval_from_outside_the_team_does_not_count() {
        Life::labelled()
            .approved_by(OUTSIDER, "10:00:00")
            .is_exception(Kind::ApproverNotEligible);
    }

    #[test]
    fn membership_when_the_approval_arrived_decides_not_todays() {
        let left = Life::labelled()
            .eligible_now(&[BOB])
            .approved_by(ALICE, "10:00:00")
            .seen(ALICE, "10:00:00", Some(true));
        left.is_approved();
        let joined_later = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .seen(ALICE, "10:00:00", Some(false));
        joined_later.is_exception(Kind::ApproverNotEligible);
    }

    #[test]
    fn membership_recorded_with_an_earlier_approval_that_was_taken_back_says_nothing_about_a_new_one() {
        let life = Life::labelled()
            .members_unreadable()
            .seen(ALICE, "09:00:00", Some(true))
            .taken_back_by(ALICE, "09:30:00");
        life.approved_by(ALICE, "10:00:00").is_exception(Kind::Unverified);
    }

    #[test]
    fn membership_unknown_then_is_judged_as_of_now_and_marked_so() {
        let life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .seen(ALICE, "10:00:00", None);
        assert!(life.is_approved().notes.contains(&Note::EligibilityAsOfNow));
    }

    #[test]
    fn membership_unknown_then_and_now_is_not_approved() {
        Life::labelled()
            .members_unreadable()
            .approved_by(ALICE, "10:00:00")
            .is_exception(Kind::Unverified);
    }

    #[test]
    fn the_named_approval_rule_makes_eligible_too() {
        let life = Life::labelled()
            .approval_rule("Security")
            .rule_approvers(Some(&[OUTSIDER]))
            .approved_by(OUTSIDER, "10:00:00");
        life.is_approved();
        let unreadable = Life::labelled()
            .approval_rule("Security")
            .rule_approvers(None)
            .approved_by(OUTSIDER, "10:00:00");
        unreadable.is_exception(Kind::Unverified);
    }
}
