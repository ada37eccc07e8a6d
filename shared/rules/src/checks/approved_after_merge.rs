//! The approval came after the merge.

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};
use crate::time::{Order, readable};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    let merged_at = case.merged_at();
    let name = &record.user.username;
    let after = |at| CheckOutcome::Holds(format!("{name} approved at {}, after the merge", readable(at)));
    if let Some(at) = record.listed_at() {
        return if at > merged_at { after(at) } else { CheckOutcome::Clear };
    }
    // Not listed: the merge request's state also orders it. That never times an approval that GitLab lists without a time.
    let order = |seen: &crate::approval::SeenApproval| {
        if record.listed.is_some() {
            seen.by_time
        } else {
            seen.by_state
        }
    };
    let orders: Vec<Order> = record.seen.iter().map(order).collect();
    let all = |wanted: Order| orders.iter().all(|order| *order == wanted);
    match record.seen.last() {
        None => CheckOutcome::Unknown(format!(
            "neither GitLab nor the stored events show when {name} approved"
        )),
        Some(_) if all(Order::Before) => CheckOutcome::Clear,
        Some(last) if all(Order::After) => after(last.interval.from),
        Some(_) if record.listed.is_none() && orders.contains(&Order::Before) => CheckOutcome::Clear,
        Some(_) => CheckOutcome::Unknown(format!(
            "{name} approved about the time of the merge or also after it, and GitLab does not show which approval it lists"
        )),
    }
}

#[cfg(test)]
mod tests {
    use model::{ExceptionKind, Note};

    use crate::testing::{ALICE, Life, MERGED};

    #[test]
    fn an_approval_after_the_merge_does_not_count() {
        Life::labelled()
            .approved_by(ALICE, "12:00:01")
            .is_exception(ExceptionKind::ApprovedAfterMerge);
    }

    #[test]
    fn approval_at_the_merge_instant_counts() {
        Life::labelled().approved_by(ALICE, MERGED).is_approved();
    }

    #[test]
    fn untimed_approval_uses_time_of_stored_event() {
        let life = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        assert!(life.is_approved().notes.contains(&Note::ApprovalTimeFromHistory));
        Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "12:30:00", Some(true))
            .is_exception(ExceptionKind::ApprovedAfterMerge);
    }

    #[test]
    fn without_usable_time_approval_is_unverified() {
        Life::labelled()
            .approved_without_time(ALICE)
            .is_exception(ExceptionKind::Unverified);
        Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, MERGED, Some(true))
            .is_exception(ExceptionKind::Unverified);
    }
    #[test]
    fn untimed_reapproval_after_merge_is_unverified() {
        let life = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        life.seen(ALICE, "12:30:00", Some(true))
            .is_exception(ExceptionKind::Unverified);
    }
}
