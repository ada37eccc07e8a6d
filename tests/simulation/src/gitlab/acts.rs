//! What people do to a merge request, and how GitLab reacts.

use super::state::{Given, LabelAct, Phase, State, Version};
use crate::people::Person;
use crate::setting::{Label, Setting};

/// Something that a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Adds a label; a scoped label replaces the other one of its scope.
    AddLabel(Person, Label),
    RemoveLabel(Person, Label),
    /// Deletes a label in the project.
    DeleteLabel(Label),
    /// Renames a label in the project to a title that no rule names.
    RenameLabel(Label),
    /// Pushes commits; the same patch is a rebase.
    Push(Person, u8),
    /// Pushes the first commit again.
    PushBack(Person),
    Approve(Person),
    /// Withdraws the own approval.
    Withdraw(Person),
    /// Requests changes: removes the own approval without a hook.
    RequestChanges(Person),
    /// A policy or an administrator removes all approvals without a hook.
    ResetSilently,
    /// Edits the title.
    Edit(Person),
    Close(Person),
    Reopen(Person),
    Merge(Person),
    /// Joins the security group.
    Join(Person),
    /// Leaves the security group.
    Leave(Person),
}

/// What an act or a job changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Opened,
    /// Labels changed.
    Labelled {
        /// Added labels.
        added: Vec<Label>,
        /// Removed labels.
        removed: Vec<Label>,
    },
    /// The project deleted a label.
    LabelDeleted(Label),
    /// The project renamed a label.
    LabelRenamed(Label),
    /// Commits were pushed.
    Pushed {
        /// The head before.
        oldrev: String,
    },
    Approved,
    /// Withdrew the own approval.
    Withdrawn,
    /// An approval was removed without a hook.
    WithdrawnSilently,
    /// GitLab removed the approvals given for another patch.
    Reset(Vec<Given>),
    /// GitLab removed the code owner's approval.
    OwnerReset(Vec<Given>),
    /// The title changed.
    Edited,
    Closed,
    Reopened,
    Merged,
    /// Joined the group.
    Joined,
    /// Left the group.
    Left,
}

/// What happens to the hook of one deed.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// It never arrives.
    pub lost: bool,
    /// How long after the act the hook of an approval is built, in milliseconds.
    pub built_ms: i64,
    /// How long after the act the system note changes the row, in milliseconds.
    pub note_ms: i64,
    /// How long the delivery takes.
    pub delay_ms: i64,
    /// The group's hook also reports it, this much later.
    pub twin_ms: Option<i64>,
    /// The same delivery is sent again, this much later.
    pub again_ms: Option<i64>,
    /// Its signature is too old: only its ids are trusted.
    pub stale: bool,
    /// Its label lists are cut for size.
    pub cut: bool,
}

/// A deed with its time and its actor.
#[derive(Debug, Clone)]
pub struct Done {
    /// When.
    pub at: i64,
    /// By whom; for a reset, the pusher.
    pub by: Person,
    /// What.
    pub deed: Deed,
    /// What happens to its hook.
    pub fate: Fate,
}

impl State {
    /// Applies an act; `None` if GitLab rejects it or nothing changes.
    pub(super) fn apply(&mut self, act: Act, now: i64, setting: &Setting) -> Option<(Person, Deed)> {
        let deed = match act {
            Act::AddLabel(by, label) => (by, self.add_label(by, label, now)?),
            Act::RemoveLabel(by, label) => {
                self.labels.remove(&label).then_some(())?;
                self.label_act(label, false, now, by);
                let (added, removed) = (Vec::new(), vec![label]);
                (by, Deed::Labelled { added, removed })
            }
            Act::DeleteLabel(label) => {
                self.deleted.insert(label).then_some(())?;
                self.labels.remove(&label);
                (Person::Author, Deed::LabelDeleted(label))
            }
            Act::RenameLabel(label) => (Person::Author, self.rename_label(label)?),
            Act::Push(by, patch) => (by, self.push(by, format!("h{now}"), patch, now)?),
            Act::PushBack(by) => {
                let first = self.versions[0].clone();
                if self.head().head == first.head {
                    return None;
                }
                (by, self.push(by, first.head, first.patch, now)?)
            }
            Act::Approve(by) => (by, self.approve(by, now)?),
            Act::Withdraw(by) => {
                let possible = match self.phase {
                    Phase::Opened => true,
                    Phase::Closed => false,
                    Phase::Merged => setting.version.withdraws_after_merge(),
                };
                (possible && self.take_back(by)).then_some((by, Deed::Withdrawn))?
            }
            Act::RequestChanges(by) => {
                (self.phase == Phase::Opened && self.take_back(by)).then_some((by, Deed::WithdrawnSilently))?
            }
            Act::ResetSilently => {
                if self.phase != Phase::Opened || self.approvals.is_empty() {
                    return None;
                }
                self.approvals.clear();
                (Person::Author, Deed::WithdrawnSilently)
            }
            Act::Edit(by) => (by, Deed::Edited),
            Act::Close(by) => (by, self.turn(Phase::Opened, Phase::Closed, Deed::Closed)?),
            Act::Reopen(by) => (by, self.turn(Phase::Closed, Phase::Opened, Deed::Reopened)?),
            Act::Merge(by) => {
                let deed = self.turn(Phase::Opened, Phase::Merged, Deed::Merged)?;
                (self.merged_at, self.merger) = (Some(now), Some(by));
                (by, deed)
            }
            Act::Join(who) => self.team.insert(who).then_some((who, Deed::Joined))?,
            Act::Leave(who) => self.team.remove(&who).then_some((who, Deed::Left))?,
        };
        Some(deed)
    }

    fn rename_label(&mut self, label: Label) -> Option<Deed> {
        if self.renamed.contains_key(&label) || self.deleted.contains(&label) {
            return None;
        }
        self.renamed.insert(label, format!("triage {}", label.id()));
        Some(Deed::LabelRenamed(label))
    }

    fn approve(&mut self, by: Person, now: i64) -> Option<Deed> {
        let listed = self.approvals.iter().any(|given| given.by == by);
        if listed || self.phase == Phase::Closed {
            return None;
        }
        let patch = self.head().patch;
        self.approvals.push(Given { by, at: now, patch });
        Some(Deed::Approved)
    }

    fn turn(&mut self, from: Phase, to: Phase, deed: Deed) -> Option<Deed> {
        (self.phase == from).then(|| {
            self.phase = to;
            deed
        })
    }

    fn add_label(&mut self, by: Person, label: Label, now: i64) -> Option<Deed> {
        if self.deleted.contains(&label) || self.labels.contains(&label) {
            return None;
        }
        let scoped = |label: Label, state: &Self| label.is_scoped() && !state.renamed.contains_key(&label);
        let replaced: Vec<Label> = self
            .labels
            .iter()
            .copied()
            .filter(|other| scoped(label, self) && scoped(*other, self))
            .collect();
        for other in &replaced {
            self.labels.remove(other);
            self.label_act(*other, false, now, by);
        }
        self.labels.insert(label);
        self.label_act(label, true, now, by);
        Some(Deed::Labelled {
            added: vec![label],
            removed: replaced,
        })
    }

    fn label_act(&mut self, label: Label, added: bool, at: i64, by: Person) {
        self.label_acts.push(LabelAct { label, added, at, by });
    }

    fn push(&mut self, by: Person, head: String, patch: u8, now: i64) -> Option<Deed> {
        if self.phase == Phase::Merged {
            return None;
        }
        let oldrev = self.head().head.clone();
        self.versions.push(Version { at: now, head, patch });
        self.committers.insert(by);
        Some(Deed::Pushed { oldrev })
    }

    fn take_back(&mut self, by: Person) -> bool {
        let before = self.approvals.len();
        self.approvals.retain(|given| given.by != by);
        self.approvals.len() < before
    }

    /// The reset job: removes only approvals given for another patch, and only before the merge.
    pub(super) fn reset(&mut self) -> Option<Deed> {
        let patch = self.head().patch;
        self.delete(|given| given.patch != patch).map(Deed::Reset)
    }

    pub(super) fn reset_owner(&mut self, owner: Option<Person>) -> Option<Deed> {
        let pushed_at = self.head().at;
        self.delete(|given| Some(given.by) == owner && given.at < pushed_at)
            .map(Deed::OwnerReset)
    }

    fn delete(&mut self, goes: impl Fn(&Given) -> bool) -> Option<Vec<Given>> {
        if self.phase == Phase::Merged {
            return None;
        }
        let (gone, kept): (Vec<Given>, Vec<Given>) = self.approvals.iter().copied().partition(goes);
        self.approvals = kept;
        (!gone.is_empty()).then_some(gone)
    }
}
