//! The input of a verdict: GitLab's answer, the event history, and the merge itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EarlierFacts, HistoryEvent, MergeRequestKey, MergeTrigger, Reviewer, User, UserId};

/// A value that was read, or could not be read. Unknown is a separate state and never counts as approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// Read.
    Known(T),
    /// Permanently unreadable here (no permission, not in this tier, GitLab too old); the text contains the reason.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, if it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// A current approval as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved.
    pub user: User,
    /// When; `None` on GitLab versions that do not report it.
    pub approved_at: Option<Timestamp>,
}

/// A label added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEvent {
    /// The label's title; `None` if the label has been deleted since.
    pub label: Option<String>,
    /// The label's id: a project label and a group label may have the same title. `None`: GitLab did not return it, or read by an
    /// earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_id: Option<i64>,
    /// Added (`true`) or removed (`false`).
    pub added: bool,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Option<User>,
}

/// One version of the diff; each push makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffVersion {
    /// When GitLab saw the push.
    pub created_at: Timestamp,
    /// Head commit.
    pub head_sha: Option<String>,
    /// `git patch-id` of the diff: unchanged by a pure rebase. `None` on GitLab versions that do not report it.
    pub patch_id: Option<String>,
}

/// One of GitLab's own approval rules, and who satisfied it (Premium and Ultimate).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Its name.
    pub name: String,
    /// `regular`, `any_approver`, `code_owner`, `report_approver`.
    pub rule_type: Option<String>,
    /// How many approvals it requires.
    pub approvals_required: Option<i64>,
    /// Whether GitLab considered it satisfied.
    pub approved: Option<bool>,
    /// Its eligible approvers, as earlier versions kept them. A large team times many rules is too much to keep with each decision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eligible_approvers: Vec<User>,
    /// How many eligible approvers it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible_count: Option<u64>,
    /// SHA-256 (hex) of their ids in ascending order, joined by commas: two reads can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible_sha256: Option<String>,
    /// Whose approval counted for it.
    pub approved_by: Vec<User>,
}

/// Where a merge request mentions a tracker issue, ordered by how far the mention is trusted to be the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionPlace {
    /// In the name of the source branch.
    Branch,
    /// In the title.
    Title,
    /// In the description.
    Description,
}

/// Text that looks like an issue key, such as `ENG-123`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IssueMention {
    /// Where it was found.
    pub place: MentionPlace,
    /// The key, in upper case.
    pub key: String,
}

/// What was merged, by whom, when, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeFact {
    /// The merge time.
    pub merged_at: Timestamp,
    /// Who merged it (or set auto-merge), by the API.
    pub merge_user: Option<User>,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    /// Squash commit, if any.
    pub squash_commit_sha: Option<String>,
    /// Head of the merged diff.
    pub head_sha: Option<String>,
    /// How: `direct`, `auto_merge`, `merge_train`; `None` if unknown.
    pub merge_method: Option<String>,
}

/// Everything the API returned about one merged merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequestDetails {
    /// When the read began.
    pub read_at: Timestamp,
    /// GitLab's instance-wide id.
    pub mr_id: i64,
    /// Title.
    pub title: String,
    /// Web address; displayed, never called.
    pub url: String,
    /// `group/project`, if the answer contains it.
    pub project_path: Option<String>,
    /// Author.
    pub author: User,
    /// When it was created: a label set at creation leaves no label event. `None`: not returned, or read by an earlier version.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// `opened`, `closed`, `merged`, `locked`; `None`: read by an earlier version, which read merged ones only.
    #[serde(default)]
    pub state: Option<String>,
    /// When it was closed without a merge.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// The merge; if not merged, the state as if merged a day after it was read.
    pub merge: MergeFact,
    /// Labels when read, so possibly changed since the merge.
    pub labels_now: Vec<String>,
    /// Labels added and removed.
    pub label_events: Reading<Vec<LabelEvent>>,
    /// Current approvals when read.
    pub approvals: Vec<Approval>,
    /// Users whose approval counts for the approval rule named in the rules; `Unknown` if the tier has no rules.
    pub rule_approvers: Reading<BTreeSet<UserId>>,
    /// Versions of the diff.
    pub versions: Reading<Vec<DiffVersion>>,
    /// Assigned reviewers.
    pub reviewers: Reading<Vec<Reviewer>>,
    /// Eligible approvers as of now: the members of the configured group plus the listed users.
    pub eligible_now: Reading<BTreeSet<UserId>>,
    /// Whether an approver is a bot, where the API reports it.
    pub bots: BTreeMap<UserId, bool>,
    /// Approvers whose bot flag GitLab withholds: unknown does not count as a person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bots_unknown: BTreeSet<UserId>,
    /// Users who added commits; also `Unknown` where the rules do not exclude them, so that it was not read.
    #[serde(default = "not_asked", skip_serializing_if = "was_not_asked")]
    pub committers: Reading<BTreeSet<UserId>>,
    /// Offset of GitLab's clock from ours, in whole seconds, rounded up; positive: GitLab is ahead.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_offset_seconds: i64,
    /// GitLab's own approval rules, for the evidence only. Also `Unknown` where they were not requested: before a merge.
    #[serde(default = "not_asked")]
    pub approval_rules: Reading<Vec<ApprovalRule>>,
    /// Issues that branch, title and description mention, in that order.
    #[serde(default)]
    pub mentions: Vec<IssueMention>,
}

/// Reason for a value that was not read because nothing needs it.
pub const NOT_ASKED: &str = "not asked for";

/// Reason for a value that this GitLab version or tier does not offer. That is an answer: reading it again changes nothing.
pub const NOT_OFFERED: &str = "not offered by this GitLab version or tier";

/// The value assumed for an earlier version, which did not request it.
fn not_asked<T>() -> Reading<T> {
    Reading::Unknown(NOT_ASKED.to_owned())
}

fn was_not_asked<T>(reading: &Reading<T>) -> bool {
    matches!(reading, Reading::Unknown(why) if why == NOT_ASKED)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

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
    /// The reason.
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

/// The whole input of one verdict. Stored with it, so that the verdict can be recomputed exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The merge request.
    pub merge_request: MergeRequestKey,
    /// What the merge delivery itself reported.
    pub trigger: MergeTrigger,
    /// GitLab's answer.
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
