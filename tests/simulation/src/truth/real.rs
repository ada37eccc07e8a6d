//! What really happened, by the simulated GitLab alone.

use std::collections::BTreeSet;

use model::ExceptionKind;

use crate::Person;
use crate::clock::MINUTE;
use crate::gitlab::{Deed, Given, World};
use crate::setting::{Label, Profile};

/// A membership reading counts for an act this close to it.
const NEAR: i64 = 10 * MINUTE;

/// What a merge really was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Real {
    /// There was none.
    NotMerged,
    /// No security label was ever on before the merge.
    NotCarried,
    /// It had enough valid approvals.
    Approved,
    /// An entitled person removed every security label.
    Declassified,
    /// None of these.
    Exception,
}

/// The real course of one life.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    pub(super) world: &'a World,
}

impl<'a> Truth<'a> {
    /// Of a world.
    #[must_use]
    pub fn of(world: &'a World) -> Self {
        Self { world }
    }

    /// What the merge really was.
    #[must_use]
    pub fn real(self) -> Real {
        let Some(merged_at) = self.world.merged_at() else {
            return Real::NotMerged;
        };
        if self.ever(merged_at).is_empty() {
            Real::NotCarried
        } else if self.valid().len() >= self.world.setting.profile.minimum() {
            Real::Approved
        } else if self.at_merge().is_empty() && self.is_declassified() {
            Real::Declassified
        } else {
            Real::Exception
        }
    }

    pub(super) fn merged_at(self) -> i64 {
        self.world.merged_at().unwrap_or(i64::MAX)
    }

    /// Security labels that were on at some time before an instant.
    pub(super) fn ever(self, until: i64) -> BTreeSet<Label> {
        let states = self.world.states.iter().filter(|(since, _)| *since <= until);
        states
            .flat_map(|(_, state)| state.labels.iter().copied().filter(|label| state.is_security(*label)))
            .collect()
    }

    fn at_merge(self) -> BTreeSet<Label> {
        let state = self.world.at(self.merged_at());
        state
            .labels
            .iter()
            .copied()
            .filter(|label| state.is_security(*label))
            .collect()
    }

    /// Valid approvals at the merge.
    pub(super) fn valid(self) -> Vec<Given> {
        let listed = self.world.at(self.merged_at()).approvals.iter().copied();
        listed
            .filter(|given| given.at <= self.merged_at() && self.objections(given).is_empty())
            .collect()
    }

    /// The real objections to an approval listed at the merge or later.
    pub(super) fn objections(self, given: &Given) -> Vec<ExceptionKind> {
        let merged = self.world.at(self.merged_at());
        let holds = [
            (ExceptionKind::ApprovedOtherCommit, given.patch != merged.head().patch),
            (ExceptionKind::SelfApproved, given.by == Person::Author),
            (ExceptionKind::CommitterApproved, self.is_excluded(given.by)),
            (ExceptionKind::BotApproved, given.by.is_bot()),
            (
                ExceptionKind::ApproverNotEligible,
                !self.is_eligible(given.by, given.at),
            ),
            (ExceptionKind::ApprovedAfterMerge, given.at > self.merged_at()),
            (
                ExceptionKind::ApprovalRevoked,
                !merged.approvals.contains(given) && given.at <= self.merged_at(),
            ),
        ];
        holds
            .into_iter()
            .filter(|(_, holds)| *holds)
            .map(|(kind, _)| kind)
            .collect()
    }

    fn is_excluded(self, person: Person) -> bool {
        self.world.setting.profile == Profile::NoCommitters
            && self.world.at(self.merged_at()).committers.contains(&person)
    }

    pub(super) fn is_eligible(self, person: Person, at: i64) -> bool {
        self.world.setting.profile.lists(person) || self.world.at(at).team.contains(&person)
    }

    /// Whether a person's membership cannot mislead: it never changed since shortly before an act.
    pub(super) fn is_membership_constant(self, person: Person, from: i64, to: i64) -> bool {
        self.world.setting.profile.lists(person)
            || !self.world.done.iter().any(|done| {
                done.by == person
                    && matches!(done.deed, Deed::Joined | Deed::Left)
                    && (from - NEAR..=to).contains(&done.at)
            })
    }

    /// Every approval ever given, up to an instant.
    pub(super) fn all_given(self, until: i64) -> Vec<Given> {
        let mut all: Vec<Given> = Vec::new();
        for (_, state) in self.world.states.iter().filter(|(since, _)| *since <= until) {
            for given in &state.approvals {
                if !all.contains(given) {
                    all.push(*given);
                }
            }
        }
        all
    }

    fn is_declassified(self) -> bool {
        let merged_at = self.merged_at();
        let state = self.world.at(merged_at);
        self.ever(merged_at).into_iter().all(|label| {
            if state.renamed.contains_key(&label) {
                return false;
            }
            let last = state.label_acts.iter().rfind(|act| act.label == label);
            last.is_some_and(|last| {
                !last.added && (self.is_replaced(label, last.at) || self.may_remove(last.by, last.at))
            }) && !self.was_deleted_while_on(label)
        })
    }

    /// A label replaced by another security label of its scope continues as that one, which must be removed itself.
    fn is_replaced(self, label: Label, at: i64) -> bool {
        let acts = &self.world.at(self.merged_at()).label_acts;
        acts.iter()
            .any(|act| act.added && act.at == at && act.label != label && act.label.is_scoped() && label.is_scoped())
    }

    pub(super) fn may_remove(self, person: Person, at: i64) -> bool {
        self.is_eligible(person, at) && person != Person::Author && !person.is_bot() && !self.is_excluded(person)
    }

    fn was_deleted_while_on(self, label: Label) -> bool {
        self.world.done.iter().any(|done| {
            done.deed == Deed::LabelDeleted(label)
                && done.at <= self.merged_at()
                && self.world.at(done.at - 1).labels.contains(&label)
        })
    }

    /// Who removed a security label before the merge, and when.
    pub(super) fn removers(self) -> Vec<(Person, i64)> {
        let state = self.world.at(self.merged_at());
        let removals = state
            .label_acts
            .iter()
            .filter(|act| !act.added && act.label.is_security());
        removals.map(|act| (act.by, act.at)).collect()
    }

    /// Whether a kind really applies to this merge.
    #[must_use]
    pub fn holds(self, kind: ExceptionKind, until: i64) -> bool {
        let merged_at = self.merged_at();
        let any = |kind| {
            self.all_given(until)
                .iter()
                .any(|given| self.objections(given).contains(&kind))
        };
        match kind {
            ExceptionKind::LabelRemovedBeforeMerge => {
                self.at_merge().is_empty() && !self.ever(merged_at).is_empty() && !self.is_declassified()
            }
            ExceptionKind::InsufficientApprovals => {
                (1..self.world.setting.profile.minimum()).contains(&self.valid().len())
            }
            ExceptionKind::NoApproval => self.world.at(merged_at).approvals.is_empty(),
            ExceptionKind::Unverified => true,
            kind => any(kind),
        }
    }
}
