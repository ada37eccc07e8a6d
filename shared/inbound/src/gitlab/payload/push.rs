//! Translates a push (`object_kind` `push` or `tag_push`).

use model::{Project, User, UserId};
use serde_json::Value;

use super::merge_request::{project_id, project_path};
use super::text::{ID_CHARS, TEXT_CHARS, member};

/// A push to one branch or tag. It carries no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushEvent {
    pub project: Project,
    /// `refs/heads/main`.
    pub git_ref: Option<String>,
    /// The ref is new.
    pub is_created: bool,
    pub is_deleted: bool,
    /// The commit before, unless the ref is new.
    pub before: Option<String>,
    /// The commit now, unless the ref is deleted.
    pub after: Option<String>,
    /// How many commits are new; 0 also if the ref was moved back.
    pub commits: Option<i64>,
    /// Name of the default branch at that time.
    pub default_branch: Option<String>,
    pub pusher: Option<User>,
}

/// `None`: the project cannot be identified.
pub(super) fn parse_push(document: &Value) -> Option<PushEvent> {
    let text = |name: &str| member(document, name, TEXT_CHARS);
    // GitLab writes zeros in place of a commit that does not exist.
    let is_zero = |sha: &String| sha.bytes().all(|digit| digit == b'0');
    let (before, after) = (text("before"), text("after"));
    let pusher_id = document.get("user_id").and_then(Value::as_i64);
    Some(PushEvent {
        project: Project {
            id: project_id(document)
                .ok()
                .or_else(|| super::top_level_project(document))?,
            path: project_path(document).unwrap_or_default(),
        },
        git_ref: text("ref"),
        is_created: before.as_ref().is_some_and(is_zero),
        is_deleted: after.as_ref().is_some_and(is_zero),
        before: before.filter(|sha| !is_zero(sha)),
        after: after.filter(|sha| !is_zero(sha)),
        commits: document.get("total_commits_count").and_then(Value::as_i64),
        default_branch: document
            .get("project")
            .and_then(|project| member(project, "default_branch", ID_CHARS)),
        pusher: pusher_id.map(|id| User {
            id: UserId(id),
            username: member(document, "user_username", ID_CHARS).unwrap_or_default(),
        }),
    })
}
