//! GitLab's answer as a whole: complete, partial or refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::details::{Approval, LabelEvent, MergeRequestDetails};
use super::reading::Reading;
use super::{is_false, is_zero};

/// The labels read of a merge, and the merge time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelFacts {
    /// The merge time, by the API; `None`: GitLab shows it as merged without a time, or not as merged.
    pub merged_at: Option<Timestamp>,
    /// Labels when read, so possibly changed since the merge.
    pub labels_now: Vec<String>,
    /// Labels added and removed.
    pub label_events: Reading<Vec<LabelEvent>>,
    /// How many seconds GitLab's clock is ahead of ours.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_offset_seconds: i64,
}

/// Why the API returned no complete answer, and what it returned nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialAnswer {
    pub because: String,
    /// The labels, if they were read: kept even if something else could not be read.
    pub labels: Option<LabelFacts>,
    /// Approvals that GitLab listed while it showed the merge request as merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// When these approvals were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// GitLab shows the merge request as merged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub merged: bool,
    /// How long GitLab asks us to wait, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The merge request itself was read; not stored.
    #[serde(skip)]
    pub details_read: bool,
    /// GitLab did not answer at all; not stored.
    #[serde(skip)]
    pub silent: bool,
}

impl From<String> for PartialAnswer {
    fn from(because: String) -> Self {
        Self {
            because,
            labels: None,
            approvals: Vec::new(),
            read_at: None,
            merged: false,
            details_read: false,
            retry_after_seconds: None,
            silent: false,
        }
    }
}

/// What GitLab's API returned about a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GitLabAnswer {
    /// All that the verdict needs.
    #[serde(rename = "answer")]
    Full(Box<MergeRequestDetails>),
    /// Merged, and neither the delivery, the history nor GitLab shows a security label: nothing more was read.
    #[serde(rename = "not_asked")]
    LabelsOnly(LabelFacts),
    /// GitLab could not be read *yet* (down, rate limited): worth a retry.
    #[serde(rename = "unreadable")]
    Unavailable(PartialAnswer),
    /// GitLab does not show it: deleted, or no permission.
    #[serde(rename = "refused")]
    Denied(PartialAnswer),
    /// GitLab shows it, but not as merged: too early, or the delivery was wrong. Never a verdict.
    NotMerged(PartialAnswer),
}

impl GitLabAnswer {
    /// When the merge happened, if the answer shows it.
    #[must_use]
    pub fn merged_at(&self) -> Option<Timestamp> {
        match self {
            Self::Full(answer) => Some(answer.merge.merged_at),
            Self::LabelsOnly(labels) => labels.merged_at,
            Self::Unavailable(unread) | Self::Denied(unread) => unread.labels.as_ref()?.merged_at,
            Self::NotMerged(_) => None,
        }
    }
}
