//! What earlier answers of GitLab showed, accumulated.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Approval;

/// What earlier answers about the same merge request showed and a later answer may no longer show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlierFacts {
    /// Titles of labels that an answer showed at the merge or before it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Of these, titles that an answer showed at the merge.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels_at_merge: BTreeSet<String>,
    /// Approvals with their times that an answer listed while it showed the merge request as merged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Approvals with their times that an answer listed before the merge: they count as part of the event history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals_before_merge: Vec<Approval>,
}

impl EarlierFacts {
    /// Whether nothing is known from earlier answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what other answers showed; the order makes no difference.
    pub fn merge(&mut self, other: &Self) {
        self.labels.extend(other.labels.iter().cloned());
        self.labels_at_merge.extend(other.labels_at_merge.iter().cloned());
        let lists = [
            (&mut self.approvals, &other.approvals),
            (&mut self.approvals_before_merge, &other.approvals_before_merge),
        ];
        for (kept, more) in lists {
            kept.extend(more.iter().cloned());
            kept.sort();
            kept.dedup();
        }
    }
}
