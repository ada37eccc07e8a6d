//! No security label was on at the merge, but one had been, and no entitled person removed it.

use model::{ExceptionKind, Reading, Reason};

use super::approver_not_eligible::eligibility;
use super::committer_approved::is_committer;
use crate::case::MergeCase;
use crate::label_history::{LabelHistory, Removal};
use crate::time::{Interval, readable};

pub(crate) fn check(labels: &LabelHistory) -> Option<Reason> {
    // If it is unknown whether a label was on at the merge, no removal may be named.
    (labels.at_merge.is_empty() && !labels.ever.is_empty() && !labels.at_merge_unknown).then(|| Reason {
        kind: ExceptionKind::LabelRemovedBeforeMerge,
        detail: removed(labels),
    })
}

fn removed(labels: &LabelHistory) -> String {
    let titles = labels.ever.join(", ");
    match &labels.last_removal {
        Some(Removal { at, by: Some(user), .. }) => {
            format!("{titles} was taken off by {} at {}", user.username, readable(*at))
        }
        Some(Removal { at, by: None, .. }) => {
            format!("{titles} was taken off at {}", readable(*at))
        }
        None => format!("{titles} had been on the merge request and was gone at the merge"),
    }
}

/// Whether every label that was certainly on before the merge was removed by an entitled person: an eligible approver at that time
/// who is neither the author, nor a bot, nor an excluded committer.
///
/// GitLab's own label event must name the label and the person: a custom webhook template can forge a stored event, and a label
/// event without its label may be that of any other.
pub(crate) fn may_declassify(labels: &LabelHistory, case: &MergeCase<'_>) -> bool {
    !labels.removals.is_empty()
        && !labels.removal_unknown
        && labels.removals.iter().all(|removal| is_entitled(removal, case))
}

fn is_entitled(removal: &Removal, case: &MergeCase<'_>) -> bool {
    let Some(user) = &removal.by else { return false };
    let bot =
        user.looks_like_bot() || case.api.bots.get(&user.id) == Some(&true) || case.api.bots_unknown.contains(&user.id);
    let by_rule = matches!(&case.api.rule_approvers, Reading::Known(users) if users.contains(&user.id));
    let eligible = by_rule || eligibility(user.id, Some(Interval::exact(removal.at)), case).is_eligible == Some(true);
    eligible && !bot && user.id != case.api.author.id && is_committer(user.id, case) == Some(false)
}

#[cfg(test)]
mod tests {
    use model::{ExceptionKind, VerdictOutcome};

    use crate::testing::{ALICE, AUTHOR, Life, OUTSIDER};

    fn taken_off_by(who: i64) -> Life {
        Life::unlabelled().label_event(Some("security::high"), false, who, "11:00:00")
    }

    #[test]
    fn ineligible_user_cannot_remove_the_label() {
        taken_off_by(OUTSIDER).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
        taken_off_by(AUTHOR)
            .eligible_now(&[AUTHOR, ALICE])
            .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
        taken_off_by(ALICE)
            .bot(ALICE, true)
            .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
        taken_off_by(ALICE)
            .members_unreadable()
            .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    }

    #[test]
    fn an_eligible_approver_may_take_the_label_off() {
        assert_eq!(taken_off_by(ALICE).verdict().outcome, VerdictOutcome::Declassified);
    }
}
