//! No security label stood at the merge, but one had, and nobody entitled took it off.

use model::{Kind, Reading, Reason};

use crate::act::readable;
use crate::carried::{Carried, Removal};
use crate::case::Case;

pub(crate) fn check(labels: &Carried) -> Option<Reason> {
    labels.at_merge.is_empty().then(|| Reason {
        kind: Kind::LabelRemovedBeforeMerge,
        detail: removed(labels),
    })
}

fn removed(labels: &Carried) -> String {
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

/// Whether the label was taken off by somebody who may decide that: an eligible approver who is neither the author nor a bot.
///
/// GitLab itself must say who it was: a stored event can be forged by whoever writes a custom webhook template.
pub(crate) fn may_declassify(labels: &Carried, case: &Case<'_>) -> bool {
    let told = labels
        .last_removal
        .as_ref()
        .filter(|removal| removal.told_by_gitlab && !labels.vanished);
    let Some((removal, user)) = told.and_then(|removal| Some((removal, removal.by.as_ref()?))) else {
        return false;
    };
    let now = case.api.eligible_now.known().map(|members| members.contains(&user.id));
    let by_rule = matches!(&case.api.rule_approvers, Reading::Known(users) if users.contains(&user.id));
    let bot = user.looks_like_bot() || case.api.bots.get(&user.id) == Some(&true);
    let eligible = by_rule || removal.eligible.or(now) == Some(true);
    eligible && !bot && user.id != case.api.author.id
}

#[cfg(test)]
mod tests {
    use model::{Kind, Outcome};

    use crate::testing::{ALICE, AUTHOR, Life, OUTSIDER};

    fn taken_off_by(who: i64) -> Life {
        Life::unlabelled().label_event(Some("security::high"), false, who, "11:00:00")
    }

    #[test]
    fn whoever_is_not_entitled_cannot_take_the_label_off() {
        taken_off_by(OUTSIDER).is_exception(Kind::LabelRemovedBeforeMerge);
        taken_off_by(AUTHOR)
            .eligible_now(&[AUTHOR, ALICE])
            .is_exception(Kind::LabelRemovedBeforeMerge);
        taken_off_by(ALICE)
            .bot(ALICE, true)
            .is_exception(Kind::LabelRemovedBeforeMerge);
        taken_off_by(ALICE)
            .members_unreadable()
            .is_exception(Kind::LabelRemovedBeforeMerge);
    }

    #[test]
    fn an_eligible_approver_may_take_the_label_off() {
        assert_eq!(taken_off_by(ALICE).verdict().outcome, Outcome::Declassified);
    }
}
