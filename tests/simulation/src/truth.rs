//! Whether a decision is right: compares it with the real course and with what the sources had shown the flow.
//!
//! A verdict is wrong only if the sources together determined another one.

mod course;
mod missed;
mod open;
mod real;
mod shown;

pub use course::{Course, course};
pub use real::{Real, Truth};

use model::{ExceptionKind, Note, VerdictOutcome};

use crate::api::Mode;
use crate::ledger::{Decided, Record};
use shown::Shown;

/// Class of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Matches reality, or is `unverified` where no source showed more.
    Right,
    /// Differs from reality, and no source had shown reality.
    Misled,
    /// Depends on a membership that changed and that no source showed correctly.
    Membership,
    /// An exception, although the sources showed that there was none, or that this kind does not apply.
    WrongAccusation,
    /// No exception, although the sources showed one.
    MissedException,
}

/// An assessed decision.
#[derive(Debug, Clone)]
pub struct Assessed {
    pub class: Class,
    /// The reason, for people.
    pub why: String,
    /// It notes that the current membership was used.
    pub as_of_now: bool,
    /// It notes that label events could not be read.
    pub label_events_unreadable: bool,
}

impl Truth<'_> {
    /// Compares a decision with reality, given what the flow had seen until `until`.
    #[must_use]
    pub fn assess(self, decided: &Decided, record: &Record, until: i64) -> Assessed {
        let shown = Shown::until(self, record, until);
        let (class, why) = match (decided.verdict.outcome.clone(), self.real()) {
            (VerdictOutcome::Exception { kind }, Real::Exception) => self.kind(kind, decided, &shown),
            (VerdictOutcome::Exception { kind }, Real::Approved) => self.accused(kind, decided, &shown),
            (VerdictOutcome::Exception { kind }, Real::NotCarried) => self.labelled(kind, decided, &shown),
            (VerdictOutcome::Exception { kind }, Real::Declassified) => self.removed(kind, decided, &shown),
            (VerdictOutcome::Pending { .. }, _) | (_, Real::NotMerged) => {
                (Class::WrongAccusation, "a decision without a merge".to_owned())
            }
            (VerdictOutcome::NotCarried, Real::Exception) => self.missed_label(&shown),
            (VerdictOutcome::Approved { .. }, Real::Exception) => self.missed_objection(decided, &shown),
            (VerdictOutcome::Declassified, Real::Exception) => self.missed_removal(&shown),
            (_, Real::NotCarried | Real::Approved | Real::Declassified) => (Class::Right, String::new()),
        };
        let notes = &decided.verdict.notes;
        Assessed {
            class,
            why,
            as_of_now: notes.contains(&Note::EligibilityAsOfNow),
            label_events_unreadable: notes.contains(&Note::LabelEventsUnreadable),
        }
    }

    /// It is an exception; the kind must apply.
    fn kind(self, kind: ExceptionKind, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let why = format!("{} does not hold", kind.as_str());
        if self.holds(kind, decided.at) {
            (Class::Right, String::new())
        } else if (kind == ExceptionKind::NoApproval && !shown.any_approval())
            || (kind == ExceptionKind::LabelRemovedBeforeMerge && self.is_name_lost(shown))
            || (kind == ExceptionKind::InsufficientApprovals
                && self.valid().is_empty()
                && self.missed_objection(decided, shown).0 != Class::MissedException)
        {
            (Class::Misled, why)
        } else if kind == ExceptionKind::ApprovalRevoked && shown.reset_counts() {
            (
                Class::Misled,
                format!("{why}: a reset that took other approvals counts against an untimed one"),
            )
        } else if !self.is_membership_clear(decided.at) {
            (Class::Membership, why)
        } else if shown.whole_answer().is_some() {
            (Class::WrongAccusation, why)
        } else {
            (Class::Misled, why)
        }
    }

    /// It was validly approved.
    fn accused(self, kind: ExceptionKind, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let why = format!("{} although it was validly approved", kind.as_str());
        let minimum = self.world.setting.profile.minimum();
        let membership = self
            .valid()
            .iter()
            .any(|given| !self.is_clear(given.by, given.at, shown));
        let listed = shown.valid_listed();
        if listed >= minimum {
            return (Class::WrongAccusation, format!("{why}, and a whole answer lists it"));
        }
        if kind == ExceptionKind::Unverified {
            let class = if membership { Class::Membership } else { Class::Right };
            return (class, why);
        }
        if shown.reset_counts() && self.is_valid_one_revoked(decided) {
            return (Class::Misled, format!("{why}: a reset was seen"));
        }
        if membership {
            return (Class::Membership, why);
        }
        if shown.valid_seen(decided) >= minimum {
            return (Class::WrongAccusation, format!("{why}, and events show it"));
        }
        (Class::Misled, why)
    }

    /// The decision claims that a valid approval was withdrawn or reset.
    fn is_valid_one_revoked(self, decided: &Decided) -> bool {
        let valid = self.valid();
        let mut revoked = decided
            .verdict
            .approvals
            .iter()
            .filter(|seen| seen.against.contains(&ExceptionKind::ApprovalRevoked));
        revoked.any(|seen| valid.iter().any(|given| given.by.id() == seen.user.id))
    }

    /// No security label was on before the merge.
    fn labelled(self, kind: ExceptionKind, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let why = format!("{} although no security label was on up to the merge", kind.as_str());
        if kind == ExceptionKind::Unverified && !decided.confirmed {
            let unknown = shown.any_cut() || !decided.facts.trigger.trusted || !self.ever(decided.at).is_empty();
            let class = if unknown { Class::Right } else { Class::WrongAccusation };
            return (class, why);
        }
        // A cut list leaves the labels unknown; a time that is only a bound leaves their order unknown.
        if kind == ExceptionKind::Unverified && (shown.any_cut() || self.is_label_unordered(decided)) {
            return (Class::Right, why);
        }
        match shown.whole_answer() {
            Some(_) => (Class::WrongAccusation, format!("{why}, and a whole answer shows that")),
            None => (Class::Misled, why),
        }
    }

    /// An entitled person removed the labels.
    fn removed(self, kind: ExceptionKind, decided: &Decided, shown: &Shown<'_>) -> (Class, String) {
        let why = format!("{} although an entitled person removed the label", kind.as_str());
        if kind == ExceptionKind::Unverified && (!decided.confirmed || self.is_label_unordered(decided)) {
            return (Class::Right, why);
        }
        let nameless = !self.world.at(decided.at).deleted.is_empty() || !self.world.at(decided.at).renamed.is_empty();
        if nameless {
            return (Class::Misled, format!("{why}: GitLab's events have lost its name"));
        }
        if self.removers().iter().any(|(by, at)| !self.is_clear(*by, *at, shown)) {
            return (Class::Membership, why);
        }
        match shown.whole_answer() {
            Some(_) => (Class::WrongAccusation, format!("{why}, and a whole answer shows that")),
            None => (Class::Misled, why),
        }
    }

    /// No relevant membership changed.
    pub(super) fn is_membership_clear(self, until: i64) -> bool {
        let given = self.all_given(until);
        let acts = given.iter().map(|given| (given.by, given.at)).chain(self.removers());
        acts.into_iter()
            .all(|(by, at)| self.is_membership_constant(by, at, until))
    }

    /// The actor's membership misleads nothing: it did not change, or was read near the act.
    fn is_clear(self, by: crate::Person, at: i64, shown: &Shown<'_>) -> bool {
        self.is_membership_constant(by, at, shown.until)
            || (self.world.setting.version.has_approved_at()
                && self.is_membership_constant(by, at, at + 10 * crate::clock::MINUTE)
                && shown.is_membership_read(by, at))
    }
}

/// Whether a reading was made for a merge.
fn is_merge(mode: Mode) -> bool {
    mode == Mode::Merge
}
