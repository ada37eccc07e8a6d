//! The approver does not belong to the security team: by the membership read near the approval, else near the merge.

use jiff::{SignedDuration, Timestamp};
use model::{Reading, UserId};

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};
use crate::time::{Interval, Order};

/// A membership read this near to an act counts for the act.
const NEAR: SignedDuration = SignedDuration::from_mins(10);

/// Whether a person was an eligible approver at the time of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Eligibility {
    /// `None`: unknown.
    pub(crate) is_eligible: Option<bool>,
    /// No membership was read near the act; one read after the merge was used.
    pub(crate) as_of_now: bool,
}

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    let name = &record.user.username;
    match eligibility(record.user.id, record.given(), case).is_eligible {
        Some(true) => CheckOutcome::Clear,
        Some(false) if may_be_a_later_one(record, case) => CheckOutcome::Unknown(format!(
            "{name} is a member now, and GitLab does not show whether it lists an approval from before that"
        )),
        Some(false) => CheckOutcome::Holds(format!("{name} approved and is {}", not_eligible(case))),
        None => CheckOutcome::Unknown(format!(
            "whether {name} was an eligible approver at the time of the approval is unknown"
        )),
    }
}

/// GitLab lists the approval without its time, so it may be later than the events show: given as a member.
fn may_be_a_later_one(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> bool {
    let is_member = case
        .api
        .eligible_now
        .known()
        .is_some_and(|members| members.contains(&record.user.id));
    record.listed.is_some() && record.listed_at().is_none() && is_member
}

/// Whom the rules would have accepted.
fn not_eligible(case: &MergeCase<'_>) -> &'static str {
    let group = case.approvers.and_then(|approvers| approvers.group.as_ref());
    match group.map(|group| group.include_inherited) {
        Some(false) => "no eligible approver: no active direct member of the approvers' group",
        Some(true) => "no eligible approver: no active member of the approvers' group or of a group above it",
        None => "no eligible approver",
    }
}

/// Membership read after the merge was used, because none was read near the approval.
pub(crate) fn is_as_of_now(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> bool {
    eligibility(record.user.id, record.given(), case).as_of_now
}

/// Whether a person was an eligible approver when they acted.
pub(crate) fn eligibility(user: UserId, act: Option<Interval>, case: &MergeCase<'_>) -> Eligibility {
    let known = |is_eligible| Eligibility {
        is_eligible,
        as_of_now: false,
    };
    let Some(approvers) = case.approvers else {
        return known(None);
    };
    // The rules list the person: no read is needed.
    if approvers.users.contains(&user) {
        return known(Some(true));
    }
    let by_rule = match (&approvers.approval_rule, &case.api.rule_approvers) {
        (Some(_), Reading::Known(users)) => Some(users.contains(&user)),
        (Some(_), Reading::Unknown(_)) => None,
        (None, _) => Some(false),
    };
    if by_rule == Some(true) {
        return known(Some(true));
    }
    let by_team = match (&approvers.group, act.map(|act| read_near(user, act, case))) {
        (None, _) => known(Some(false)),
        (Some(_), Some(Some(near))) => known(near),
        (Some(_), _) => read_after_merge(user, case),
    };
    match (by_team.is_eligible, by_rule) {
        (Some(false), None) => Eligibility {
            is_eligible: None,
            ..by_team
        },
        _ => by_team,
    }
}

/// The reads near the act: their common result, `Some(None)` if they differ, `None` without a read. Reads with acts from after the
/// merge change no approval from before it.
#[expect(
    clippy::option_option,
    reason = "no reading and readings that differ lead to different answers"
)]
fn read_near(user: UserId, act: Interval, case: &MergeCase<'_>) -> Option<Option<bool>> {
    let is_late = act.order(case.merged_at()) == Order::After;
    let events = case
        .history
        .iter()
        .filter(|event| is_late || case.order_to_merge(event) != Order::After);
    let mut near = events.filter_map(|event| {
        let eligible = event.eligible?;
        let own = event.actor.as_ref().is_some_and(|actor| actor.id == user);
        let read_at: Timestamp = event
            .eligible_read_at
            .or(event.received_at)
            .unwrap_or(event.occurred_at);
        (own && act.distance(read_at) <= NEAR).then_some(eligible)
    });
    let first = near.next()?;
    Some(near.all(|eligible| eligible == first).then_some(first))
}

/// The membership read with the merge. Long after the merge, only being a member proves anything.
fn read_after_merge(user: UserId, case: &MergeCase<'_>) -> Eligibility {
    let deadline = SignedDuration::from_mins(i64::from(case.verify_deadline_minutes));
    let in_time = case.api.read_at.duration_since(case.merged_at()) <= deadline;
    let is_eligible = match &case.api.eligible_now {
        Reading::Known(members) if members.contains(&user) => Some(true),
        Reading::Known(_) if in_time => Some(false),
        _ => None,
    };
    Eligibility {
        is_eligible,
        as_of_now: true,
    }
}

#[cfg(test)]
mod tests {
    use model::{ExceptionKind, Note};

    use crate::testing::{ALICE, BOB, Life, OUTSIDER};

    #[test]
    fn approval_from_outside_the_team_does_not_count() {
        Life::labelled()
            .approved_by(OUTSIDER, "10:00:00")
            .is_exception(ExceptionKind::ApproverNotEligible);
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
        joined_later.is_exception(ExceptionKind::ApproverNotEligible);
    }

    #[test]
    fn membership_at_a_revoked_approval_proves_nothing_new() {
        let life = Life::labelled()
            .members_unreadable()
            .seen(ALICE, "09:00:00", Some(true))
            .taken_back_by(ALICE, "09:30:00");
        life.approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn unknown_past_membership_is_read_now_and_noted() {
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
            .is_exception(ExceptionKind::Unverified);
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
        unreadable.is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn readings_that_differ_leave_it_unknown() {
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .seen(ALICE, "10:00:00", Some(true))
            .seen(ALICE, "10:05:00", Some(false))
            .is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn a_reading_of_an_older_approval_says_nothing() {
        // Approved as a member, left the team, approved again: the event of the second approval was read after its second.
        Life::labelled()
            .eligible_now(&[BOB])
            .seen(ALICE, "10:00:00", Some(true))
            .seen(ALICE, "11:40:02", Some(false))
            .approved_by(ALICE, "11:40:00.9")
            .is_exception(ExceptionKind::ApproverNotEligible);
    }

    #[test]
    fn untimed_approval_of_later_member_is_unverified() {
        let life = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(false));
        life.clone().is_exception(ExceptionKind::Unverified);
        life.eligible_now(&[BOB])
            .is_exception(ExceptionKind::ApproverNotEligible);
    }

    #[test]
    fn long_after_the_merge_only_membership_counts() {
        let mut life = Life::labelled().approved_by(ALICE, "10:00:00");
        life.api.read_at = crate::testing::at("18:00:00");
        life.clone()
            .eligible_now(&[BOB])
            .is_exception(ExceptionKind::Unverified);
        assert!(life.is_approved().notes.contains(&Note::EligibilityAsOfNow));
    }

    #[test]
    fn a_listed_user_needs_no_reading() {
        let mut life = Life::labelled().members_unreadable().approved_by(OUTSIDER, "10:00:00");
        life.approvers().users = vec![model::UserId(OUTSIDER)];
        assert!(!life.is_approved().notes.contains(&Note::EligibilityAsOfNow));
    }
}
