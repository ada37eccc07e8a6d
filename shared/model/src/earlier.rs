//! What earlier GitLab answers showed, accumulated.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Approval;

/// What earlier answers about the same merge request showed and a later answer may no longer show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlierFacts {
    /// Titles of labels that an answer showed at or before the merge, with the most labels of that title that were on together.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, usize>,
    /// Titles of labels shown by an answer without the merge or its time, and since when the label was on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels_since: BTreeMap<String, Timestamp>,
    /// Of these, titles that an answer showed at the merge.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels_at_merge: BTreeSet<String>,
    /// Approvals with their times that an answer listed later than a minute after the merge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Approvals up to the merge that an answer listed earlier: they count as part of the event history. One without a time was
    /// listed before the merge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals_before_merge: Vec<Approval>,
}

impl EarlierFacts {
    /// Whether nothing is known from earlier answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what other answers showed; the order does not matter.
    pub fn merge(&mut self, other: &Self) {
        for (title, count) in &other.labels {
            let most = self.labels.entry(title.clone()).or_default();
            *most = (*most).max(*count);
        }
        for (title, since) in &other.labels_since {
            let first = self.labels_since.entry(title.clone()).or_insert(*since);
            *first = (*first).min(*since);
        }
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
