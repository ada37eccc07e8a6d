//! One merge-request event as GitLab reported it: the compact row stored for every authentic delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MergeRequestIid, ProjectId, User};

/// What happened, by GitLab's name (`object_attributes.action`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventAction {
    Open,
    /// Closed without a merge.
    Close,
    Reopen,
    /// Anything edited: labels, title, commits, reviewers.
    Update,
    /// An approval that did not complete the rules.
    Approval,
    /// An approval after which GitLab's own rules are met (also every approval on the Free tier).
    Approved,
    /// An approval was revoked; the rules had not been met or still are.
    Unapproval,
    /// An approval was revoked and GitLab's own rules are no longer met.
    Unapproved,
    Merge,
    /// An action this version does not know, or none (a "Test" delivery has none).
    #[serde(untagged)]
    Other(String),
}

impl EventAction {
    /// Parses GitLab's name; an unknown one is kept unchanged.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "open" => Self::Open,
            "close" => Self::Close,
            "reopen" => Self::Reopen,
            "update" => Self::Update,
            "approval" => Self::Approval,
            "approved" => Self::Approved,
            "unapproval" => Self::Unapproval,
            "unapproved" => Self::Unapproved,
            "merge" => Self::Merge,
            other => Self::Other(other.to_owned()),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Update => "update",
            Self::Approval => "approval",
            Self::Approved => "approved",
            Self::Unapproval => "unapproval",
            Self::Unapproved => "unapproved",
            Self::Merge => "merge",
            Self::Other(word) => word,
        }
    }

    /// A user approved. `approval` and `approved` are the same act; the name depends on GitLab's rules at that moment.
    #[must_use]
    pub fn is_approval(&self) -> bool {
        matches!(self, Self::Approval | Self::Approved)
    }

    /// An approval was revoked (by its approver, or by the system when [`SystemAction`] is set).
    #[must_use]
    pub fn is_revocation(&self) -> bool {
        matches!(self, Self::Unapproval | Self::Unapproved)
    }
}

/// Why GitLab itself revoked approvals. Then the event's actor is the *pusher*, not an approver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemAction {
    /// A push removed all approvals whose diff changed.
    ApprovalsResetOnPush,
    /// A push removed the code owners' approvals of the files it changed.
    CodeOwnerApprovalsResetOnPush,
    /// A system action this version does not know.
    #[serde(untagged)]
    Other(String),
}

/// Where [`MergeRequestEvent::occurred_at`] comes from; an approval hook can contain an old `updated_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OccurredAtSource {
    /// `object_attributes.actioned_at` (GitLab 18.10 and later): when the act happened.
    ActionedAt,
    /// `object_attributes.updated_at`: when the merge request's row last changed.
    UpdatedAt,
    /// Neither could be read; the time the delivery was received.
    ReceivedAt,
}

/// The target project, as a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    /// `group/project` when we saw it.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    pub user: User,
    /// GitLab's review state (18.6 and later): `unreviewed`, `reviewed`, `requested_changes`, `approved` ...
    pub state: Option<String>,
}

/// The fields of a merge-request delivery that Countersign uses; size-limited, without description or e-mail addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequestEvent {
    pub project: Project,
    /// GitLab's instance-wide id of the merge request.
    pub mr_id: i64,
    /// The number within the project.
    pub mr_iid: MergeRequestIid,
    /// The title, cut to a limit.
    pub title: String,
    /// The web address from GitLab; displayed, never called.
    pub url: String,
    pub action: EventAction,
    /// `opened`, `closed`, `merged`, `locked`.
    pub state: Option<String>,
    /// Who did it; for a system reset, who pushed.
    pub actor: Option<User>,
    /// The merge request's author.
    pub author_id: Option<crate::UserId>,
    /// When it happened (whole seconds in webhooks).
    pub occurred_at: Timestamp,
    /// Which field that time is from.
    pub occurred_at_source: OccurredAtSource,
    /// The text that `occurred_at` was read from, as GitLab wrote it.
    pub occurred_at_raw: Option<String>,
    /// Titles of the labels set when the hook was built.
    pub labels: Vec<String>,
    /// Label titles that this event added.
    pub labels_added: Vec<String>,
    /// Label titles that this event removed.
    pub labels_removed: Vec<String>,
    /// One of the three lists was cut for size: a label missing from them may have been on the merge request.
    #[serde(default)]
    pub labels_truncated: bool,
    /// GitLab itself acted (`object_attributes.system`).
    pub system: bool,
    /// Which action of GitLab itself.
    pub system_action: Option<SystemAction>,
    /// Head of the diff when the hook was built (`last_commit.id`).
    pub head_sha: Option<String>,
    /// Set when the event brought new commits: the head before them.
    pub oldrev: Option<String>,
    /// Merge commit, if any (null for a fast-forward).
    pub merge_commit_sha: Option<String>,
    /// When it was merged, if the payload contains it (newest GitLab only).
    pub merged_at: Option<Timestamp>,
    pub source_branch: Option<String>,
    pub target_branch: Option<String>,
    pub reviewers: Vec<Reviewer>,
}
