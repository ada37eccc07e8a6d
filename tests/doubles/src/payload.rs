//! Merge-request deliveries as GitLab 19 writes them
//! (<https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events>).

use jiff::Timestamp;
use serde_json::{Value, json};

/// A merge request of a test, as its deliveries describe it.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// Project id.
    pub project: u64,
    /// Number within the project.
    pub iid: u64,
    /// Author's user id.
    pub author: u64,
    /// Label titles when the hooks are built.
    pub labels: Vec<String>,
    /// Head of the diff.
    pub head: String,
}

impl MergeRequest {
    /// A merge request of project `payments/gateway-<project>` with these labels, by user 601.
    #[must_use]
    pub fn new(project: u64, iid: u64, labels: &[&str]) -> Self {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self {
            project,
            iid,
            author: 601,
            labels,
            head: "5f1c2e0d9a7b4c3e8f6d5a4b3c2d1e0f9a8b7c6d".to_owned(),
        }
    }

    /// `group/project`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("payments/gateway-{}", self.project)
    }

    /// The delivery for `action` by the user `actor`, at a whole second.
    #[must_use]
    pub fn event(&self, action: &str, actor: u64, at: Timestamp) -> Value {
        let path = self.path();
        let web_url = format!("https://gitlab.example.com/{path}");
        let project = json!({
            "id": self.project, "name": "gateway", "path_with_namespace": path, "web_url": web_url,
            "namespace": "Payments", "default_branch": "main", "visibility_level": 0, "avatar_url": null,
        });
        let labels: Vec<Value> = self
            .labels
            .iter()
            .enumerate()
            .map(|(id, title)| label(id, title))
            .collect();
        let at = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        let merged = action == "merge";
        let merge_commit = merged.then_some("b186370e62e2ae348df64fb187c13aff4008457b");
        let changes = if merged {
            json!({"state_id": {"previous": 1, "current": 3}})
        } else {
            json!({})
        };
        json!({
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": {"id": actor, "name": format!("User {actor}"), "username": username(actor), "email": "[REDACTED]"},
            "project": project,
            "object_attributes": {
                "id": 1_000_000 + self.iid, "iid": self.iid, "title": "Rotate the signing keys",
                "description": "Never kept", "action": action, "actioned_at": at, "updated_at": at,
                "created_at": "2026-01-05 08:00:00 UTC", "author_id": self.author, "draft": false,
                "state": if merged { "merged" } else { "opened" }, "state_id": if merged { 3 } else { 1 },
                "source_branch": "rotate", "target_branch": "main", "source_project_id": self.project,
                "target_project_id": self.project, "merge_commit_sha": merge_commit, "merge_user_id": null,
                "last_commit": {"id": self.head, "title": "Rotate", "author": {"name": "Dana", "email": "[REDACTED]"}},
                "labels": labels, "reviewer_ids": [], "assignee_ids": [], "system": false, "approval_rules": [],
                "detailed_merge_status": if merged { "not_open" } else { "mergeable" },
                "url": format!("{web_url}/-/merge_requests/{}", self.iid),
            },
            "labels": labels,
            "changes": changes,
        })
    }

    /// The delivery of a push that reset the approvals: the user is the pusher.
    #[must_use]
    pub fn reset_by_push(&self, pusher: u64, at: Timestamp) -> Value {
        let mut payload = self.event("unapproved", pusher, at);
        payload["object_attributes"]["system"] = json!(true);
        payload["object_attributes"]["system_action"] = json!("approvals_reset_on_push");
        payload
    }
}

/// The username of a user id in payloads.
#[must_use]
pub fn username(id: u64) -> String {
    match id {
        501 => "sec-alice".to_owned(),
        502 => "sec-bob".to_owned(),
        other => format!("user{other}"),
    }
}

fn label(id: usize, title: &str) -> Value {
    json!({
        "id": 9000 + id, "title": title, "color": "#d9534f", "project_id": 1, "template": false, "description": null,
        "created_at": "2026-01-12 09:30:00 UTC", "updated_at": "2026-01-12 09:30:00 UTC", "type": "ProjectLabel", "group_id": null,
    })
}
