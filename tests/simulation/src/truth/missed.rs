//! No exception was decided although there was one: whether a source had shown it.

use model::{ExceptionKind, GitLabAnswer, LabelFacts};

use super::Class;
use super::open::head_unknown;
use super::real::Truth;
use super::shown::Shown;
use crate::Person;
use crate::clock::timestamp;
use crate::gitlab::Given;
use crate::ledger::Decided;
use crate::setting::Label;

impl Truth<'_> {
    /// A security label was on.
    pub(super) fn missed_label(self, shown: &Shown<'_>) -> (Class, String) {
        let why = "no label was seen although one was on".to_owned();
        let rules = self.world.setting.profile.rules();
        let matches = |titles: &[String]| titles.iter().any(|title| rules.is_security_label(title));
        let in_event = shown.events().any(|received| {
            let event = &received.event;
            let before = event.state.as_deref() == Some("opened") || event.action == model::EventAction::Merge;
            before && (matches(&event.labels) || matches(&event.labels_added) || matches(&event.labels_removed))
        });
        let merged_at = timestamp(self.world.shown(self.merged_at()));
        let in_reading = shown.readings().any(|reading| {
            let Some(labels) = labels_of(&reading.answer) else {
                return false;
            };
            labels.label_events.known().into_iter().flatten().any(|event| {
                event.at <= merged_at && event.label.as_ref().is_some_and(|label| rules.is_security_label(label))
            })
        });
        if in_event {
            (Class::MissedException, format!("{why}, and an event shows it"))
        } else if in_reading {
            (Class::MissedException, format!("{why}, and a label event shows it"))
        } else {
            (Class::Misled, why)
        }
    }

    /// Invalid approvals were counted.
    pub(super) fn missed_objection(self, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let counted = decided.verdict.approvals.iter();
        let counted = counted.filter(|seen| seen.in_api && seen.against.is_empty());
        let mut assessed: Vec<(Class, String)> = Vec::new();
        for seen in counted {
            let Some(person) = Person::of(seen.user.id) else {
                continue;
            };
            if self.valid().iter().any(|given| given.by == person) {
                continue;
            }
            let given = self.all_given(decided.at).into_iter().rfind(|given| {
                given.by == person
                    && (!self.world.setting.version.has_approved_at()
                        || seen.approved_at == Some(timestamp(self.world.shown(given.at))))
            });
            assessed.push(match given {
                Some(given) => self.counted(&given, decided, shown),
                None => (Class::MissedException, format!("{person:?} never approved")),
            });
        }
        let worst = assessed.into_iter().min_by_key(|(class, _)| *class);
        worst.unwrap_or((Class::MissedException, "enough valid approvals were counted".to_owned()))
    }

    fn counted(self, given: &Given, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let objections = self.objections(given);
        let why = format!("the approval of {:?} counted, against it: {objections:?}", given.by);
        let timed = self.world.setting.version.has_approved_at();
        let whole = matches!(&decided.facts.api, GitLabAnswer::Full(_))
            && shown
                .readings()
                .any(|reading| reading.fresh && reading.at == decided.at);
        let mut misled = (Class::Misled, why.clone());
        for kind in objections {
            let class = match kind {
                ExceptionKind::ApprovalRevoked if self.is_revocation_seen(given, shown) => Class::MissedException,
                ExceptionKind::ApprovalRevoked if timed && whole => {
                    return (
                        Class::MissedException,
                        format!("{why}; a later answer no longer lists it"),
                    );
                }
                ExceptionKind::ApproverNotEligible if !self.is_clear(given.by, given.at, shown) => Class::Membership,
                ExceptionKind::ApprovalRevoked => Class::Misled,
                _ if timed && whole => Class::MissedException,
                ExceptionKind::ApprovedOtherCommit if timed && head_unknown(&decided.facts.api) => {
                    return (
                        Class::MissedException,
                        format!("{why}; the merged head is not among the versions"),
                    );
                }
                ExceptionKind::SelfApproved => Class::MissedException,
                _ => Class::Misled,
            };
            if class > misled.0 {
                misled = (class, why.clone());
            }
        }
        misled
    }

    fn is_revocation_seen(self, given: &Given, shown: &Shown<'_>) -> bool {
        shown.events().any(|received| {
            received.event.action.is_revocation()
                && !received.event.system
                && received
                    .event
                    .actor
                    .as_ref()
                    .is_some_and(|actor| actor.id == given.by.id())
                && (given.at..=self.merged_at()).contains(&received.done_at)
        })
    }

    /// An unentitled person removed a label.
    pub(super) fn missed_removal(self, shown: &Shown<'_>) -> (Class, String) {
        let why = "declassified although entitled people did not remove all labels".to_owned();
        if self.removers().iter().any(|(by, at)| !self.is_clear(*by, *at, shown)) {
            return (Class::Membership, why);
        }
        // A renamed label appears as one that no rule names, unless an event still had its old name.
        if self.is_name_lost(shown) || shown.whole_answer().is_none() {
            return (Class::Misled, why);
        }
        (Class::MissedException, why)
    }

    /// A security label was renamed or deleted, and no event from before the merge shows its old name.
    pub(super) fn is_name_lost(self, shown: &Shown<'_>) -> bool {
        let state = self.world.at(shown.until);
        let seen = |label: Label| {
            shown.events().any(|received| {
                let then = self.world.at(received.done_at);
                let event = &received.event;
                let mut titles = [&event.labels, &event.labels_added].into_iter().flatten();
                received.done_at <= self.merged_at()
                    && then.labels.contains(&label)
                    && then.is_security(label)
                    && titles.any(|title| title == label.title())
            })
        };
        let lost = self
            .ever(self.merged_at())
            .into_iter()
            .filter(|label| state.renamed.contains_key(label) || state.deleted.contains(label));
        lost.into_iter().any(|label| !seen(label))
    }
}

fn labels_of(answer: &GitLabAnswer) -> Option<&LabelFacts> {
    match answer {
        GitLabAnswer::Full(_) => None,
        GitLabAnswer::LabelsOnly(labels) => Some(labels),
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            unread.labels.as_ref()
        }
    }
}
