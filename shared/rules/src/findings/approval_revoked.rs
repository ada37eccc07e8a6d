//! An approval was taken back by its giver, or reset by a push, before the merge.
//!
//! Only the stored events can show it: GitLab deletes the row of an approval that is taken back.

use jiff::Timestamp;
use model::HistoryEvent;

use crate::act::{Act, readable};
use crate::case::{Case, Finding};

pub(crate) fn check(act: &Act<'_>, case: &Case<'_>) -> Finding {
    let name = &act.user.username;
    let Some(since) = act.since(case.merged_at()) else {
        return Finding::Clear;
    };
    let revocations = case
        .history
        .iter()
        .copied()
        .filter(|event| event.action.is_revocation() && concerns(event, act));
    let mut tie = false;
    for event in revocations {
        match (act.api.is_some(), order(event.occurred_at, since, case.merged_at())) {
            (_, Order::Between) => {
                let by = if event.system {
                    "was reset by a push"
                } else {
                    "was taken back"
                };
                return Finding::Holds(format!(
                    "the approval of {name} {by} at {}",
                    readable(event.occurred_at)
                ));
            }
            // In the second of the approval: if the API lists the approval with its time, the API decides. If the API lists
            // nothing, the approval is gone, and that is what taking it back does.
            (true, Order::TieWithApproval) => tie |= !act.timed_by_api(),
            (false, Order::TieWithApproval) => {
                return Finding::Holds(format!(
                    "the approval of {name} was taken back at {}",
                    readable(event.occurred_at)
                ));
            }
            // In the second of the merge: an approval that the API still lists stood.
            (true, Order::TieWithMerge) | (_, Order::Outside) => {}
            (false, Order::TieWithMerge) => tie = true,
        }
    }
    if tie {
        Finding::Unknown(format!(
            "the approval of {name} was taken back in the same second; the order cannot be told"
        ))
    } else {
        Finding::Clear
    }
}

/// A reset concerns everybody (GitLab does not say whose approvals went); otherwise it is the actor's own.
pub(crate) fn concerns(event: &HistoryEvent, act: &Act<'_>) -> bool {
    event.system || event.actor.as_ref().is_some_and(|actor| actor.id == act.user.id)
}

enum Order {
    Between,
    TieWithApproval,
    TieWithMerge,
    Outside,
}

/// Where a stored time (whole seconds) lies between the approval and the merge.
fn order(at: Timestamp, since: Timestamp, merged_at: Timestamp) -> Order {
    let (at, since, merged_at) = (at.as_second(), since.as_second(), merged_at.as_second());
    if at < since || at > merged_at {
        Order::Outside
    } else if at == since {
        Order::TieWithApproval
    } else if at == merged_at {
        Order::TieWithMerge
    } else {
        Order::Between
    }
}

#[cfg(test)]
mod tests {
    use model::Kind;

    use crate::testing::{ALICE, BOB, Life, MERGED};

    #[test]
    fn an_approval_taken_back_before_the_merge_does_not_count_even_if_the_api_still_lists_it() {
        let life = Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "11:00:00");
        life.is_exception(Kind::ApprovalRevoked);
    }

    #[test]
    fn a_reset_by_a_push_takes_every_earlier_approval_with_it() {
        let life = Life::labelled().approved_by(ALICE, "10:00:00").reset("11:00:00");
        life.clone().is_exception(Kind::ApprovalRevoked);
        life.approved_by(BOB, "11:30:00").is_approved();
    }

    #[test]
    fn somebody_elses_taking_back_changes_nothing() {
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
    fn taking_back_after_the_merge_changes_nothing() {
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "12:00:01")
            .is_approved();
    }

    #[test]
    fn an_approval_gone_from_the_api_and_seen_taken_back_is_revoked() {
        Life::labelled()
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, "11:00:00")
            .is_exception(Kind::ApprovalRevoked);
    }

    #[test]
    fn within_one_second_the_api_decides_else_it_is_unverified() {
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, "10:00:00")
            .is_approved();
        Life::labelled()
            .approved_by(ALICE, "10:00:00")
            .taken_back_by(ALICE, MERGED)
            .is_approved();
        let untimed = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        untimed.taken_back_by(ALICE, "10:00:00").is_exception(Kind::Unverified);
        let gone = Life::labelled()
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, MERGED);
        gone.is_exception(Kind::Unverified);
    }
}
