//! The merge request in GitLab's database at one instant.

use std::collections::{BTreeMap, BTreeSet};

use crate::people::Person;
use crate::setting::{Label, Setting};

/// Opened, closed or merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Open.
    Opened,
    /// Closed without a merge.
    Closed,
    Merged,
}

impl Phase {
    /// GitLab's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }
}

/// A label added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelAct {
    /// Which.
    pub label: Label,
    /// Whether it was added.
    pub added: bool,
    /// When.
    pub at: i64,
    /// By whom.
    pub by: Person,
}

/// An approval that GitLab lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// By whom.
    pub by: Person,
    /// When.
    pub at: i64,
    /// For which patch.
    pub patch: u8,
}

/// A version of the diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// When the push was seen.
    pub at: i64,
    /// Head commit.
    pub head: String,
    pub patch: u8,
}

/// The merge request at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Opened, closed or merged.
    pub phase: Phase,
    /// When it was merged.
    pub merged_at: Option<i64>,
    /// Who merged it.
    pub merger: Option<Person>,
    /// Labels that are on.
    pub labels: BTreeSet<Label>,
    /// Titles of renamed labels.
    pub renamed: BTreeMap<Label, String>,
    /// Labels that the project deleted.
    pub deleted: BTreeSet<Label>,
    /// Every label event.
    pub label_acts: Vec<LabelAct>,
    /// Approvals that GitLab lists.
    pub approvals: Vec<Given>,
    /// Versions, the oldest first.
    pub versions: Vec<Version>,
    /// Who added commits.
    pub committers: BTreeSet<Person>,
    /// Members of the security group.
    pub team: BTreeSet<Person>,
    /// When the row last changed.
    pub updated_at: i64,
}

impl State {
    pub(super) fn created(setting: &Setting) -> Self {
        Self {
            phase: Phase::Opened,
            merged_at: None,
            merger: None,
            labels: setting.labels.clone(),
            renamed: BTreeMap::new(),
            deleted: BTreeSet::new(),
            label_acts: Vec::new(),
            approvals: Vec::new(),
            versions: vec![Version {
                at: 0,
                head: "h0".to_owned(),
                patch: 0,
            }],
            committers: [Person::Author].into(),
            team: setting.team.clone(),
            updated_at: 0,
        }
    }

    /// The title of a label now.
    #[must_use]
    pub fn title(&self, label: Label) -> String {
        self.renamed
            .get(&label)
            .map_or_else(|| label.title().to_owned(), Clone::clone)
    }

    /// Titles of the labels that are on.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.titles_of(&self.labels.iter().copied().collect::<Vec<_>>())
    }

    /// Titles of labels; two labels of one title yield it twice.
    #[must_use]
    pub fn titles_of(&self, labels: &[Label]) -> Vec<String> {
        labels.iter().map(|label| self.title(*label)).collect()
    }

    /// The newest version.
    #[must_use]
    pub fn head(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    /// Whether a label is on and still has its security title.
    #[must_use]
    pub fn is_security(&self, label: Label) -> bool {
        label.is_security() && !self.renamed.contains_key(&label)
    }
}
