//! Defects of the rules that are known and not mended yet: how to recognise the decisions that they explain.

use model::{Kind, Outcome, WitnessA};

use super::real::{Real, Truth};
use crate::clock::{SECOND, instant};
use crate::ledger::Decided;
use crate::setting::Label;

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// A kind is named because of one person's approval while another one's is only unknown.
    NamedBesideUnknown,
    /// An untimed approval whose interval begins before the first version is unknown, although there is one version only.
    BeforeFirstVersion,
    /// A kind is named because of a label of which it is unknown whether it was on before the merge.
    NamedByUnorderedLabel,
    /// Two labels of one title were on, and an event of one of them hides the other, which no event names.
    SecondLabelOfTitle,
    /// An answer that did not show the merge yet, with label events from after the merge, makes a label one from before it.
    EarlierLabelFromLater,
    /// An approval listed by a replica behind counts although a later answer no longer lists it.
    EarlierApprovalGone,
    /// GitLab lists an older approval of a person than an event from before the merge shows, and the older one names the kind.
    OlderApprovalListed,
    /// A label replaced by another security label that was deleted later is taken for removed.
    ReplacementDeleted,
    /// An approval after the merge makes one that was taken back before it count as given again.
    GivenAgainAfterMerge,
    /// An act after the merge changes the kind, because a stale time leaves its order unknown.
    KindChangedAfterMerge,
    /// The merged head is not among the versions that were read, and the newest of them is compared.
    HeadNotAmongVersions,
}

impl Truth<'_> {
    /// The defect that explains a wrong decision.
    #[must_use]
    pub fn defect(self, decided: &Decided) -> Option<Defect> {
        let verdict = &decided.verdict;
        let unknown = verdict.approvals.iter().any(|seen| seen.against == [Kind::Unverified]);
        match verdict.outcome {
            Outcome::Exception { kind } if kind != Kind::Unverified && unknown && self.real() == Real::Approved => {
                Some(Defect::NamedBesideUnknown)
            }
            Outcome::Exception { kind: Kind::Unverified } if self.is_before_first_version(decided) => {
                Some(Defect::BeforeFirstVersion)
            }
            Outcome::Exception { kind } if kind != Kind::Unverified && is_older_listed(decided) => {
                Some(Defect::OlderApprovalListed)
            }
            Outcome::Exception {
                kind: Kind::LabelRemovedBeforeMerge,
            }
            | Outcome::Declassified
                if self.has_second_label(decided) =>
            {
                Some(Defect::SecondLabelOfTitle)
            }
            Outcome::Exception { kind } if kind != Kind::Unverified && self.is_label_unordered(decided) => {
                Some(Defect::NamedByUnorderedLabel)
            }
            Outcome::Exception { .. } if self.is_earlier_label_from_later(decided) => {
                Some(Defect::EarlierLabelFromLater)
            }
            Outcome::Approved { .. } if is_earlier_approval_gone(decided) => Some(Defect::EarlierApprovalGone),
            Outcome::Declassified if self.is_replacement_deleted(decided) => Some(Defect::ReplacementDeleted),
            Outcome::Approved { .. } if head_unknown(&decided.facts.api) => Some(Defect::HeadNotAmongVersions),
            _ => None,
        }
    }

    /// An event that shows a security label may be from before the merge or from after it.
    pub(super) fn is_label_unordered(self, decided: &Decided) -> bool {
        let slack = self.world.setting.clock_offset_ms.abs() + 4 * SECOND;
        let merged_at = self.merged_at();
        let rules = self.world.setting.profile.rules();
        decided.facts.history.iter().any(|event| {
            let lists = [&event.labels, &event.labels_added, &event.labels_removed];
            let shows = lists.into_iter().flatten().any(|title| rules.is_security_label(title));
            let from = instant(event.occurred_at) - self.world.setting.clock_offset_ms - slack;
            let to = event.received_at.map_or(i64::MAX, instant) + 2 * slack;
            shows && !event.stale && event.state.as_deref() != Some("opened") && (from..=to).contains(&merged_at)
        })
    }

    /// Both labels of one title were on, and events name one of them only.
    fn has_second_label(self, decided: &Decided) -> bool {
        let acts = &self.world.at(decided.at).label_acts;
        let named = |label| acts.iter().any(|act| act.label == label);
        let pair = [Label::CriticalOfProject, Label::CriticalOfGroup];
        let on = pair
            .iter()
            .filter(|label| self.ever(decided.at).contains(label))
            .count();
        on == 2 && pair.into_iter().filter(|label| named(*label)).count() == 1
    }

    /// An earlier answer named a label that was first put on after the merge.
    fn is_earlier_label_from_later(self, decided: &Decided) -> bool {
        let ever = self.ever(self.merged_at());
        let known: Vec<&str> = ever.iter().map(|label| label.title()).collect();
        decided
            .facts
            .earlier
            .labels
            .iter()
            .any(|title| !known.contains(&title.as_str()))
    }

    fn is_replacement_deleted(self, decided: &Decided) -> bool {
        let state = self.world.at(decided.at);
        let gone = |label: &Label| state.deleted.contains(label) || state.renamed.contains_key(label);
        [Label::High, Label::Low].iter().any(gone)
    }

    fn is_before_first_version(self, decided: &Decided) -> bool {
        let slack = self.world.setting.clock_offset_ms.abs() + 3 * SECOND;
        let first = self.world.states[0].1.versions[0].at;
        !self.world.setting.version.has_approved_at()
            && decided.facts.history.iter().any(|event| {
                event.action.is_approval()
                    && instant(event.occurred_at) - self.world.setting.clock_offset_ms - slack <= first
            })
    }
}

/// Only an earlier answer lists an approval that counts.
fn is_earlier_approval_gone(decided: &Decided) -> bool {
    let WitnessA::Answer(answer) = &decided.facts.api else {
        return false;
    };
    decided.verdict.approvals.iter().any(|seen| {
        let listed = answer.approvals.iter().any(|approval| approval.user.id == seen.user.id);
        seen.in_api && seen.against.is_empty() && !listed
    })
}

/// An event from before the merge shows a later approval than GitLab lists of the same person.
fn is_older_listed(decided: &Decided) -> bool {
    let WitnessA::Answer(answer) = &decided.facts.api else {
        return false;
    };
    answer.approvals.iter().any(|approval| {
        decided.facts.history.iter().any(|event| {
            event.action.is_approval()
                && event.state.as_deref() == Some("opened")
                && event.actor.as_ref().is_some_and(|actor| actor.id == approval.user.id)
                && approval.approved_at.is_some_and(|at| event.occurred_at > at)
        })
    })
}

/// The merged head is not among the versions that were read.
pub(super) fn head_unknown(witness: &WitnessA) -> bool {
    let WitnessA::Answer(answer) = witness else {
        return false;
    };
    let head = answer.merge.head_sha.as_ref();
    let versions = answer.versions.known().into_iter().flatten();
    head.is_some() && !versions.into_iter().any(|version| version.head_sha.as_ref() == head)
}
