//! A merge request for display, from the best source available.

use jiff::Timestamp;

use crate::{EventAction, Facts, GitLabAnswer, User};

/// A merge request for display: as GitLab answered, else as the delivery reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequestSnapshot {
    /// `group/project`.
    pub project_path: String,
    /// GitLab's instance-wide id of the merge request.
    pub mr_id: i64,
    pub title: String,
    /// Web address; displayed, never called.
    pub url: String,
    pub author: Option<User>,
    /// Who merged, if known: with auto-merge the user who set it.
    pub merged_by: Option<User>,
    /// When it was merged.
    pub merged_at: Timestamp,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    pub head_sha: Option<String>,
}

impl Facts {
    /// The snapshot of the merge request.
    #[must_use]
    pub fn snapshot(&self) -> MergeRequestSnapshot {
        let trigger = self.trigger.clone();
        if let GitLabAnswer::Full(api) = &self.api {
            return MergeRequestSnapshot {
                project_path: api.project_path.clone().unwrap_or(trigger.project_path),
                mr_id: api.mr_id,
                title: api.title.clone(),
                url: api.url.clone(),
                author: Some(api.author.clone()),
                merged_by: api.merge.merge_user.clone().or(trigger.merger),
                merged_at: api.merge.merged_at,
                merge_commit_sha: api.merge.merge_commit_sha.clone().or(trigger.merge_commit_sha),
                head_sha: api.merge.head_sha.clone().or(trigger.head_sha),
            };
        }
        let mut events = self.history.iter();
        let opened = events.find(|event| event.action == EventAction::Open && !event.stale);
        MergeRequestSnapshot {
            project_path: trigger.project_path,
            mr_id: trigger.mr_id,
            title: trigger.title,
            url: trigger.url,
            author: opened.and_then(|event| event.actor.clone()),
            merged_by: trigger.merger,
            merged_at: self.api.merged_at().unwrap_or(trigger.merged_at),
            merge_commit_sha: trigger.merge_commit_sha,
            head_sha: trigger.head_sha,
        }
    }
}
