//! What GitLab's API returned about one merge request: the merge, labels, approvals, versions and mentions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::is_zero;
use super::reading::{Reading, not_asked, was_not_asked};
use crate::{Reviewer, User, UserId};

/// A current approval as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approval {
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
    pub at: Timestamp,
    pub actor: Option<User>,
}

/// One version of the diff; each push makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffVersion {
    /// When GitLab saw the push.
    pub created_at: Timestamp,
    pub head_sha: Option<String>,
    /// `git patch-id` of the diff: unchanged by a pure rebase. `None` on GitLab versions that do not report it.
    pub patch_id: Option<String>,
}

/// One of GitLab's own approval rules, and who satisfied it (Premium and Ultimate).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
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
    Title,
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
    pub mr_id: i64,
    pub title: String,
    /// Web address; displayed, never called.
    pub url: String,
    /// `group/project`, if the answer contains it.
    pub project_path: Option<String>,
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
