//! What the merge delivery itself reported: kept with a pending evaluation, so that it can be decided later without the delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MergeRequestEvent, User, UserId};

/// The webhook's data about one merge. Snapshots for display and for [`crate::Facts`]; the API's answer takes precedence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeTrigger {
    /// Whether the other fields are trusted; of a stale delivery only its ids are.
    pub trusted: bool,
    /// Who merged, by the webhook.
    pub merger: Option<User>,
    /// When the merge happened, by the webhook.
    pub merged_at: Timestamp,
    /// Label titles on the merge event.
    pub labels: Vec<String>,
    /// There is no merge event, or its label list was cut: a label missing from `labels` proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labels_unknown: bool,
    /// GitLab's instance-wide id of the merge request.
    pub mr_id: i64,
    /// `group/project`.
    pub project_path: String,
    pub title: String,
    /// Web address; displayed, never called.
    pub url: String,
    /// The merge request's author.
    pub author_id: Option<UserId>,
    /// Head of the diff when the hook was built.
    pub head_sha: Option<String>,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
}

impl MergeTrigger {
    /// Takes the input of an evaluation from a merge event.
    #[must_use]
    pub fn of(event: &MergeRequestEvent) -> Self {
        Self {
            trusted: true,
            merger: event.actor.clone(),
            merged_at: event.merged_at.unwrap_or(event.occurred_at),
            labels: event.labels.clone(),
            labels_unknown: event.labels_truncated,
            mr_id: event.mr_id,
            project_path: event.project.path.clone(),
            title: event.title.clone(),
            url: event.url.clone(),
            author_id: event.author_id,
            head_sha: event.head_sha.clone(),
            merge_commit_sha: event.merge_commit_sha.clone(),
        }
    }

    /// From an event that shows a merge but is not the merge event: its labels and its actor are those of another time.
    #[must_use]
    pub fn of_other(event: &MergeRequestEvent) -> Self {
        Self {
            merger: None,
            labels: Vec::new(),
            labels_unknown: true,
            merge_commit_sha: event.merge_commit_sha.clone(),
            ..Self::of(event)
        }
    }

    /// From a delivery whose content is not trusted: the identity and the time of receipt only.
    #[must_use]
    pub fn untrusted(event: &MergeRequestEvent, received_at: Timestamp) -> Self {
        Self {
            trusted: false,
            merger: None,
            merged_at: received_at,
            labels: Vec::new(),
            labels_unknown: true,
            mr_id: event.mr_id,
            project_path: String::new(),
            title: String::new(),
            url: String::new(),
            author_id: None,
            head_sha: None,
            merge_commit_sha: None,
        }
    }
}
