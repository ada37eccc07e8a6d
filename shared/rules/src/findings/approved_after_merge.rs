//! The approval came after the merge.

use jiff::Timestamp;
use model::HistoryEvent;

use crate::act::{Act, readable};
use crate::case::{Case, Finding};

pub(crate) fn check(act: &Act<'_>, case: &Case<'_>) -> Finding {
    let merged_at = case.merged_at();
    let name = &act.user.username;
    match act.since(merged_at) {
        None => Finding::Unknown(format!("neither GitLab nor the stored events say when {name} approved")),
        // Stored times are whole seconds: within the second of the merge the order cannot be told.
        Some(since) if !act.timed_by_api() && since.as_second() == merged_at.as_second() => {
            Finding::Unknown(format!("{name} approved in the very second of the merge"))
        }
        // The API lists one approval without its time, and stored events show one after the merge: it may be that one.
        Some(since) if untimed_and_again(act, merged_at) && since <= merged_at => Finding::Unknown(format!(
            "{name} approved before and again after the merge, and GitLab does not say which one stands"
        )),
        Some(since) if since > merged_at => {
            Finding::Holds(format!("{name} approved at {}, after the merge", readable(since)))
        }
        Some(_) => Finding::Clear,
    }
}

fn untimed_and_again(act: &Act<'_>, merged_at: Timestamp) -> bool {
    let later = |event: &&HistoryEvent| event.occurred_at.as_second() >= merged_at.as_second();
    act.api.is_some() && !act.timed_by_api() && act.history.iter().any(later)
}

#[cfg(test)]
mod tests {
    use model::{Kind, Note};

    use crate::testing::{ALICE, Life, MERGED};

    #[test]
    fn an_approval_after_the_merge_does_not_count() {
        Life::labelled()
            .approved_by(ALICE, "12:00:01")
            .is_exception(Kind::ApprovedAfterMerge);
    }

    #[test]
    fn an_approval_at_the_very_instant_of_the_merge_counts() {
        Life::labelled().approved_by(ALICE, MERGED).is_approved();
    }

    #[test]
    fn an_older_gitlab_says_no_time_and_the_stored_event_does() {
        let life = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        assert!(life.is_approved().notes.contains(&Note::ApprovalTimeFromHistory));
        Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "12:30:00", Some(true))
            .is_exception(Kind::ApprovedAfterMerge);
    }

    #[test]
    fn without_any_time_or_in_the_second_of_the_merge_it_is_not_approved() {
        Life::labelled()
            .approved_without_time(ALICE)
            .is_exception(Kind::Unverified);
        Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, MERGED, Some(true))
            .is_exception(Kind::Unverified);
    }
    #[test]
    fn without_a_time_an_approval_given_again_after_the_merge_proves_nothing() {
        let life = Life::labelled()
            .approved_without_time(ALICE)
            .seen(ALICE, "10:00:00", Some(true));
        life.seen(ALICE, "12:30:00", Some(true)).is_exception(Kind::Unverified);
    }
}
