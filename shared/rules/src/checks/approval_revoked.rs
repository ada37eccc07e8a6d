//! An approval was revoked by the approver, or reset by a push, before the merge.
//!
//! GitLab deletes the row of a revoked approval, so an approval that GitLab lists with its time decides, even after a reset: a
//! reset does not name the approvals it deleted, and it keeps those given for the current patch. Only the approver's own revocation
//! contradicts it, and then GitLab must be read again (see [`contradictions`]).

use jiff::Timestamp;

use crate::approval::{ApprovalRecord, Revocation, SeenApproval};
use crate::case::{CheckOutcome, MergeCase};
use crate::time::{Interval, Order, readable};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    if record.listed_at().is_some() {
        return CheckOutcome::Clear;
    }
    let name = &record.user.username;
    let Some(given) = record.given() else {
        return CheckOutcome::Clear;
    };
    let mut unknown = None;
    for revocation in case.revocations(record.user.id, true) {
        match (order_to_approval(record, &revocation, given), revocation.to_merge) {
            (Order::Before, _) | (_, Order::After) => {}
            (Order::After, Order::Before) => return CheckOutcome::Holds(detail(name, &revocation)),
            // If the approval is gone, its approver's revocation in the same second removed it.
            (Order::Unknown, Order::Before) if record.listed.is_none() && same_second(&revocation, given) => {
                return CheckOutcome::Holds(detail(name, &revocation));
            }
            _ => unknown = Some(revocation.interval.from),
        }
    }
    match unknown {
        Some(at) => CheckOutcome::Unknown(format!(
            "the approval of {name} was taken back or reset about {}, and the order cannot be determined",
            readable(at)
        )),
        None => CheckOutcome::Clear,
    }
}

/// The earliest read that settles each contradiction: GitLab lists the approval with its time, and an event reports that the
/// approver revoked it later and before the merge.
pub(crate) fn contradictions(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> Vec<Timestamp> {
    let Some(at) = record.listed_at() else {
        return Vec::new();
    };
    let given = Interval::exact(at);
    case.revocations(record.user.id, false)
        .filter(|revocation| {
            revocation.interval.order_to(given) != Order::Before && revocation.to_merge != Order::After
        })
        .map(|revocation| revocation.confirmable_at())
        .collect()
}

/// A revocation that the events show before a later approval of the same person does not concern that approval.
fn order_to_approval(record: &ApprovalRecord<'_>, revocation: &Revocation<'_>, given: Interval) -> Order {
    let order = revocation.interval.order_to(given);
    let again = |wanted: Order| {
        let later = |seen: &SeenApproval| seen.interval.from > revocation.interval.to && seen.by_state == wanted;
        record.seen.iter().any(later)
    };
    if again(Order::Before) {
        Order::Before
    } else if again(Order::Unknown) {
        Order::Unknown
    } else {
        order
    }
}

/// Both are known to the second, and in the same second.
fn same_second(revocation: &Revocation<'_>, given: Interval) -> bool {
    let second = |interval: Interval| interval.from.as_second() == interval.to.as_second();
    second(revocation.interval) && second(given) && revocation.interval.from.as_second() == given.from.as_second()
}

fn detail(name: &str, revocation: &Revocation<'_>) -> String {
    let by = if revocation.event.system {
        "was reset by a push"
    } else {
        "was taken back"
    };
    format!(
        "the approval of {name} {by} at {}",
        readable(revocation.event.occurred_at)
    )
}

#[cfg(test)]
mod tests {
    use model::{EventAction, ExceptionKind, HistoryEvent, Note, OccurredAtSource, SystemAction, VerdictOutcome};

    use crate::testing::{ALICE, BOB, Life, MERGED, at};

    /// Read before a revocation received at that time can be confirmed.
    fn pending(life: &Life) -> bool {
        matches!(life.verdict().outcome, VerdictOutcome::Pending { .. })
    }

    #[test]
    fn own_revocation_needs_a_second_reading() {
        let mut life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "11:59:30");
        life.api.read_at = at("12:00:02");
        assert!(pending(&life));
        life.api.read_at = at("12:00:30");
        assert!(life.is_approved().notes.contains(&Note::RevocationNotConfirmed));
    }

    #[test]
    fn no_second_reading_after_the_deadline() {
        let mut life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "11:59:30");
        life.facts.deadline_passed = true;
        life.is_approved();
    }

    #[test]
    fn no_second_reading_where_nothing_depends_on_it() {
        let life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "11:59:30");
        life.clone().approved_by(BOB, "10:00:00").is_approved();
        life.minimum(2).is_exception(ExceptionKind::InsufficientApprovals);
    }

    #[test]
    fn a_timed_approval_survives_any_reset() {
        for system_action in [
            SystemAction::ApprovalsResetOnPush,
            SystemAction::CodeOwnerApprovalsResetOnPush,
        ] {
            let life = Life::labelled().approved_by(ALICE, "10:05:05");
            let event = HistoryEvent {
                system_action: Some(system_action),
                ..life.clone().reset("10:05:10").facts.history[0].clone()
            };
            life.with(event).is_approved();
        }
    }

    #[test]
    fn an_untimed_or_unlisted_approval_is_reset() {
        let untimed = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        untimed.reset("11:00:00").is_exception(ExceptionKind::ApprovalRevoked);
        let gone = Life::labelled().seen(ALICE, "10:00:00", Some(true));
        gone.reset("11:00:00").is_exception(ExceptionKind::ApprovalRevoked);
    }

    #[test]
    fn an_untimed_approval_taken_back_does_not_count() {
        Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, "11:00:00")
            .is_exception(ExceptionKind::ApprovalRevoked);
    }

    #[test]
    fn only_the_givers_own_revocation_counts() {
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(BOB, "11:00:00")
            .is_approved();
    }

    #[test]
    fn an_approval_given_again_counts() {
        Life::labelled()
            .approved_by(ALICE, "11:30:00")
            .taken_back_by(ALICE, "11:00:00")
            .is_approved();
    }

    #[test]
    fn a_revocation_after_the_merge_changes_nothing() {
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "12:00:01")
            .is_approved();
    }

    #[test]
    fn gone_and_seen_taken_back_is_revoked() {
        Life::labelled()
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, "11:00:00")
            .is_exception(ExceptionKind::ApprovalRevoked);
    }

    #[test]
    fn one_second_decides_nothing_for_an_untimed_approval() {
        let untimed = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        untimed
            .taken_back_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::Unverified);
        let gone = Life::labelled()
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, MERGED);
        gone.is_exception(ExceptionKind::Unverified);
    }

    #[test]
    fn uncertain_revocation_is_unverified_unless_state_is_open() {
        // GitLab before 18.10: the revocation contains the time of an earlier change.
        let life = Life::labelled().seen(ALICE, "10:00:00", Some(true));
        let mut revocation = HistoryEvent {
            occurred_at_source: Some(OccurredAtSource::UpdatedAt),
            received_at: Some(at("12:00:30")),
            ..life.event(EventAction::Unapproved, ALICE, "10:00:00")
        };
        life.clone()
            .with(revocation.clone())
            .is_exception(ExceptionKind::Unverified);
        revocation.occurred_at = at("11:00:00");
        revocation.state = Some("opened".into());
        life.with(revocation).is_exception(ExceptionKind::ApprovalRevoked);
    }
}
