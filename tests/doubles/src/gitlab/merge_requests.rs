//! A merge request and its lists as GitLab writes them.

use serde_json::{Map, Value, json};

use super::people;
use super::world::{MergeRequest, Project, Reviewer, World};

/// The time of undated entries.
const UNDATED: &str = "2026-01-05T09:00:00.000Z";

/// One merge request seen through the API.
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) project_id: u64,
    pub(super) project: &'a Project,
    pub(super) iid: u64,
    pub(super) merge_request: &'a MergeRequest,
}

impl View<'_> {
    /// The answer to `merge_requests/:iid`.
    pub(super) fn single(&self) -> Value {
        let Self { project_id, iid, .. } = *self;
        let path = &self.project.path_with_namespace;
        let merged = self.text("state", "opened") == "merged";
        let sha = self.head();
        let people = self
            .merge_request
            .reviewers
            .iter()
            .map(|reviewer| self.reviewer(reviewer).0);
        let mut fields = object(json!({
            "id": self.id(), "iid": iid, "project_id": project_id,
            "title": format!("Merge request {iid}"), "description": "", "state": "opened",
            "created_at": UNDATED, "updated_at": UNDATED, "merged_by": null, "merge_user": null, "merged_at": null,
            "closed_by": null, "closed_at": null, "prepared_at": UNDATED,
            "target_branch": "main", "source_branch": format!("change-{iid}"),
            "source_project_id": project_id, "target_project_id": project_id,
            "author": people::short(self.world, people::DEFAULT_AUTHOR), "assignees": [], "assignee": null,
            "reviewers": people.collect::<Vec<_>>(), "labels": [], "draft": false, "work_in_progress": false,
            "detailed_merge_status": if merged { "not_open" } else { "mergeable" },
            "sha": sha, "merge_commit_sha": null, "squash_commit_sha": null,
            "reference": format!("!{iid}"),
            "references": {"short": format!("!{iid}"), "relative": format!("!{iid}"), "full": format!("{path}!{iid}")},
            "web_url": format!("{}/{path}/-/merge_requests/{iid}", self.world.web_url),
            "diff_refs": {"base_sha": same_digit("b"), "head_sha": sha, "start_sha": same_digit("b")},
        }));
        fields.extend(beside_the_point());
        if merged {
            fields.insert("merged_at".to_owned(), self.text("updated_at", UNDATED).into());
            fields.insert(
                "merge_commit_sha".to_owned(),
                format!("{:040x}", self.id() + 0xc0_ffee).into(),
            );
        }
        for (field, value) in &self.merge_request.attributes {
            fields.insert(field.clone(), self.expanded(field, value));
        }
        if !self.merge_request.attributes.contains_key("merged_by") {
            let who = fields.get("merge_user").cloned().unwrap_or_default();
            fields.insert("merged_by".to_owned(), if merged { who } else { Value::Null });
        }
        Value::Object(fields)
    }

    /// The answer to `resource_label_events`, oldest first.
    pub(super) fn label_events(&self) -> Vec<Value> {
        let numbered = self.merge_request.label_events.iter().zip(1..);
        let one = |(event, number): (&super::LabelEvent, u64)| {
            let label = match &event.label {
                Value::String(name) => json!({
                    "id": label_id(name), "name": name, "description": "", "description_html": "",
                    "text_color": "#FFFFFF", "color": "#D9534F", "archived": false,
                }),
                label => label.clone(),
            };
            json!({
                "id": event.id.unwrap_or(self.id() * 100 + number),
                "user": event.user.as_ref().map(|user| people::person(self.world, user)),
                "created_at": event.created_at, "resource_type": "MergeRequest", "resource_id": self.id(),
                "label": label, "action": event.action,
            })
        };
        numbered.map(one).collect()
    }

    /// The answer to `versions`, newest first.
    pub(super) fn versions(&self) -> Vec<Value> {
        let mut versions: Vec<_> = self.merge_request.versions.clone();
        if versions.is_empty() {
            versions.push(super::Version {
                id: None,
                head_commit_sha: self.head(),
                patch_id_sha: Some(format!("{:040x}", self.id() + 0x9a7c_0000)),
                created_at: self.text("created_at", UNDATED),
            });
        }
        let mut numbered: Vec<_> = versions
            .into_iter()
            .zip(1..)
            .map(|(version, number)| (version.id.unwrap_or(self.id() * 100 + number), version))
            .collect();
        numbered.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let one = |(id, version): (u64, super::Version)| {
            let mut fields = object(json!({
                "id": id, "head_commit_sha": version.head_commit_sha,
                "base_commit_sha": same_digit("b"), "start_commit_sha": same_digit("b"),
                "created_at": version.created_at, "merge_request_id": self.id(), "state": "collected", "real_size": "1",
            }));
            if !self.world.old_gitlab {
                fields.insert("patch_id_sha".to_owned(), version.patch_id_sha.into());
            }
            Value::Object(fields)
        };
        numbered.into_iter().map(one).collect()
    }

    /// The answer to `reviewers`.
    pub(super) fn reviewers(&self) -> Vec<Value> {
        let one = |reviewer| {
            let (user, state) = self.reviewer(reviewer);
            json!({"user": user, "state": state, "created_at": self.text("created_at", UNDATED)})
        };
        self.merge_request.reviewers.iter().map(one).collect()
    }

    /// The instance-wide id.
    pub(super) fn id(&self) -> u64 {
        let given = self.merge_request.attributes.get("id").and_then(Value::as_u64);
        given.unwrap_or(self.project_id * 1000 + self.iid)
    }

    fn head(&self) -> String {
        let last = self
            .merge_request
            .versions
            .last()
            .map(|version| version.head_commit_sha.clone());
        self.text("sha", &last.unwrap_or_else(|| format!("{:040x}", self.id() + 0x5_ea00)))
    }

    fn text(&self, field: &str, otherwise: &str) -> String {
        self.merge_request
            .attributes
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or(otherwise)
            .to_owned()
    }

    fn reviewer(&self, reviewer: &Reviewer) -> (Value, String) {
        match reviewer {
            Reviewer::Id(id) => (people::short(self.world, *id), "unreviewed".to_owned()),
            Reviewer::Stated { user, state } => (people::person(self.world, user), state.clone()),
        }
    }

    /// A field of the world, with people given by id replaced by what GitLab sends.
    fn expanded(&self, field: &str, value: &Value) -> Value {
        let short = |value: &Value| {
            value
                .as_u64()
                .map_or_else(|| value.clone(), |id| people::short(self.world, id))
        };
        match value {
            Value::Array(list) if people::LISTS.contains(&field) => list.iter().map(short).collect(),
            value if people::SINGLE.contains(&field) => short(value),
            value => value.clone(),
        }
    }
}

/// Fields that GitLab sends and Countersign does not use.
fn beside_the_point() -> Map<String, Value> {
    object(json!({
        "user_notes_count": 0, "upvotes": 0, "downvotes": 0, "milestone": null, "merge_when_pipeline_succeeds": false,
        "merge_status": "can_be_merged", "merge_error": null, "squash": false, "discussion_locked": null,
        "should_remove_source_branch": null, "force_remove_source_branch": false,
        "time_stats": {"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null, "human_total_time_spent": null},
        "task_completion_status": {"count": 0, "completed_count": 0}, "has_conflicts": false,
        "blocking_discussions_resolved": true, "approvals_before_merge": null, "subscribed": false,
        "changes_count": "1", "head_pipeline": null, "first_contribution": false, "user": {"can_merge": false},
    }))
}

/// The fields of a JSON object literal.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A label's id: constant for a name.
fn label_id(name: &str) -> u64 {
    name.bytes().fold(7, |id, byte| (id * 31 + u64::from(byte)) % 100_000)
}

/// A commit id made of one digit.
fn same_digit(digit: &str) -> String {
    digit.repeat(40)
}
