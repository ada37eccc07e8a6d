//! What was acted on: always a resource type, and the numbers that identify it.

use model::{MergeRequestKey, ProjectId};
use serde::Serialize;

/// The target of an action. Only identities, never content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Target {
    /// `merge_request`, `project`, `group`, `user`, `secret`, `queue`, `slack_channel`, `exception` ...
    pub resource_type: &'static str,
    /// The GitLab instance, by its configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// GitLab project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// Merge request within the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mr_iid: Option<i64>,
    /// Any other identity: a channel, a queue's name, a secret's name, a user's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Target {
    /// A merge request.
    #[must_use]
    pub fn merge_request(key: &MergeRequestKey) -> Self {
        Self {
            resource_type: "merge_request",
            instance: Some(key.instance.clone()),
            project_id: Some(key.project_id.0),
            mr_iid: Some(key.mr_iid.0),
            id: None,
        }
    }

    /// A project.
    #[must_use]
    pub fn project(instance: &str, project: ProjectId) -> Self {
        Self {
            resource_type: "project",
            instance: Some(instance.to_owned()),
            project_id: Some(project.0),
            ..Self::default()
        }
    }

    /// Anything else, by type and identity.
    #[must_use]
    pub fn other(resource_type: &'static str, id: impl Into<String>) -> Self {
        Self {
            resource_type,
            id: Some(id.into()),
            ..Self::default()
        }
    }
}
