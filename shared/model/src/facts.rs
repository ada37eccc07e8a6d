//! The input of a verdict: GitLab's answer, the event history, and the merge itself.

mod answer;
mod details;
mod reading;

use serde::{Deserialize, Serialize};

use crate::{EarlierFacts, HistoryEvent, MergeRequestKey, MergeTrigger};

pub use answer::{GitLabAnswer, LabelFacts, PartialAnswer};
pub use details::{
    Approval, ApprovalRule, DiffVersion, IssueMention, LabelEvent, MentionPlace, MergeFact, MergeRequestDetails,
};
pub use reading::{NOT_ASKED, NOT_OFFERED, Reading};

/// The whole input of one verdict. Stored with it, so that the verdict can be recomputed exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub merge_request: MergeRequestKey,
    /// What the merge delivery itself reported.
    pub trigger: MergeTrigger,
    pub api: GitLabAnswer,
    /// The deadline has passed: unreadable values are no longer waited for.
    pub deadline_passed: bool,
    /// Stored events of this merge request, in any order.
    pub history: Vec<HistoryEvent>,
    /// There are more stored events than an evaluation reads: their content is unknown.
    #[serde(default, skip_serializing_if = "is_false")]
    pub history_truncated: bool,
    /// What earlier GitLab answers showed.
    #[serde(default, skip_serializing_if = "EarlierFacts::is_empty")]
    pub earlier: EarlierFacts,
}

impl Facts {
    /// The facts of a merge request before anything is read.
    #[must_use]
    pub fn unread(merge_request: MergeRequestKey, trigger: MergeTrigger) -> Self {
        Self {
            merge_request,
            trigger,
            api: GitLabAnswer::Unavailable("not read yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
            history_truncated: false,
            earlier: EarlierFacts::default(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
