//! The GitLab double's state: projects with merge requests, groups with members, users, and failure switches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The state of a GitLab double. Maps are keyed by GitLab's numeric ids (merge requests by iid).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The only token accepted; any non-empty one if absent.
    pub token: Option<String>,
    /// The address in `web_url` fields.
    pub web_url: String,
    /// Answers like a GitLab before 18.4 without a licence: approvals without `approved_at`, versions without
    /// `patch_id_sha`, no `approval_state`.
    pub old_gitlab: bool,
    /// Omits the totals in paging headers, as GitLab.com does above 10,000 rows.
    pub omit_totals: bool,
    /// Rejects requests with 429.
    pub rate_limited: Option<RateLimited>,
    /// Projects by id.
    pub projects: BTreeMap<u64, Project>,
    /// Groups by id.
    pub groups: BTreeMap<u64, Group>,
    /// Users by id. A user that is only referred to is added automatically.
    pub users: BTreeMap<u64, User>,
}

/// Rejection of requests with 429.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// The `Retry-After` header, in seconds.
    pub retry_after: u32,
    /// How many requests are rejected; all if absent.
    #[serde(default)]
    pub times: Option<u32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// Such as `payments/gateway`; `group/project-<id>` if empty.
    pub path_with_namespace: String,
    /// Former paths: a request by one of them is redirected (301).
    pub previous_paths: Vec<String>,
    /// Merge requests by iid.
    pub merge_requests: BTreeMap<u64, MergeRequest>,
}

/// A merge request. Other fields are copied into GitLab's answer; people are given by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MergeRequest {
    /// The current approvals.
    pub approved_by: Vec<Approval>,
    /// Approvals required by GitLab's own rules.
    pub approvals_required: u64,
    /// GitLab's own approval rules.
    pub approval_rules: Vec<ApprovalRule>,
    /// Label events, oldest first.
    pub label_events: Vec<LabelEvent>,
    /// Diff versions, oldest first (GitLab lists the newest first); if empty there is one, of the head.
    pub versions: Vec<Version>,
    pub reviewers: Vec<Reviewer>,
    /// Users who added commits, by id.
    pub committers: Vec<u64>,
    /// Any field of GitLab's answer for a single merge request: `title`, `state`, `labels`, `author`, `merge_user`, ...
    #[serde(flatten)]
    pub attributes: Map<String, Value>,
}

/// A person: the id of a user of this world, or the full object as GitLab would send it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Person {
    /// A user's id.
    Id(u64),
    /// GitLab's object.
    Whole(Map<String, Value>),
}

/// A current approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who approved.
    pub user: Person,
    /// When, as GitLab writes it (`2026-03-02T10:00:00.000Z`); absent before GitLab 18.4.
    #[serde(default)]
    pub approved_at: Option<String>,
}

/// One of GitLab's approval rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// The rule's name.
    pub name: String,
    /// `regular`, `any_approver`, `code_owner` or `report_approver`.
    #[serde(default = "regular")]
    pub rule_type: String,
    /// How many approvals it requires.
    pub approvals_required: u64,
    /// Who may give them.
    #[serde(default)]
    pub eligible_approvers: Vec<Person>,
}

fn regular() -> String {
    "regular".to_owned()
}

/// A label added or removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelEvent {
    /// The event's id; generated if absent.
    #[serde(default)]
    pub id: Option<u64>,
    /// A label's name, GitLab's full object, or null for a deleted label.
    pub label: Value,
    /// `add` or `remove`.
    pub action: String,
    /// Who did it; null for a deleted user.
    #[serde(default)]
    pub user: Option<Person>,
    /// When, in ISO 8601 with milliseconds.
    pub created_at: String,
}

/// A version of the diff.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The version's id; generated if absent.
    #[serde(default)]
    pub id: Option<u64>,
    pub head_commit_sha: String,
    /// The identity of the change itself, unchanged by a pure rebase.
    #[serde(default)]
    pub patch_id_sha: Option<String>,
    /// When, in ISO 8601 with milliseconds.
    pub created_at: String,
}

/// A reviewer: a user's id, or an object with the review's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reviewer {
    /// A user's id, with the state `unreviewed`.
    Id(u64),
    /// With the state of the review.
    Stated {
        /// The reviewer.
        user: Person,
        /// `unreviewed`, `reviewed`, `requested_changes`, `approved`, ...
        state: String,
    },
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    pub full_path: String,
    /// Direct members by user id.
    pub members: BTreeMap<u64, Member>,
    /// Members inherited from parent groups, listed by `members/all` only.
    pub inherited: BTreeMap<u64, Member>,
}

/// A membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner.
    pub access_level: u8,
    /// Expiry date (`2026-12-31`).
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A user. Other fields are copied into GitLab's answer for `users/:id`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// The user name; `user-<id>` if empty.
    pub username: String,
    /// The display name; the user name if empty.
    pub name: String,
    /// `active`, `blocked`, `deactivated`, ...
    pub state: String,
    /// Whether it is a bot user.
    pub bot: bool,
    /// Further fields.
    #[serde(flatten)]
    pub attributes: Map<String, Value>,
}

/// A project looked up by id or path.
pub(super) enum Found<'a> {
    /// Found under this id.
    Here(u64, &'a Project),
    /// Requested by a former path.
    Moved(u64),
    /// Not found.
    Nowhere,
}

impl World {
    /// Whether a token is accepted.
    pub(super) fn accepts(&self, token: Option<&str>) -> bool {
        token.is_some_and(|token| self.token.as_deref().is_none_or(|only| only == token))
    }

    /// The project with this id or path.
    pub(super) fn project(&self, key: &str) -> Found<'_> {
        if let Some((id, project)) = key.parse().ok().and_then(|id| self.projects.get_key_value(&id)) {
            return Found::Here(*id, project);
        }
        let named = self
            .projects
            .iter()
            .find(|(_, project)| project.path_with_namespace.eq_ignore_ascii_case(key));
        if let Some((id, project)) = named {
            return Found::Here(*id, project);
        }
        let formerly = |project: &Project| project.previous_paths.iter().any(|path| path.eq_ignore_ascii_case(key));
        match self.projects.iter().find(|(_, project)| formerly(project)) {
            Some((id, _)) => Found::Moved(*id),
            None => Found::Nowhere,
        }
    }

    /// The group with this id or path.
    pub(super) fn group(&self, key: &str) -> Option<&Group> {
        let by_id = key.parse().ok().and_then(|id| self.groups.get(&id));
        by_id.or_else(|| {
            self.groups
                .values()
                .find(|group| group.full_path.eq_ignore_ascii_case(key))
        })
    }

    /// Fills in empty names and users only referred to.
    pub(super) fn settle(&mut self) {
        let mut mentioned: Vec<u64> = Vec::new();
        for (id, project) in &mut self.projects {
            if project.path_with_namespace.is_empty() {
                project.path_with_namespace = format!("group/project-{id}");
            }
            project
                .merge_requests
                .values()
                .for_each(|merge_request| merge_request.people(&mut mentioned));
        }
        for group in self.groups.values() {
            mentioned.extend(group.members.keys().chain(group.inherited.keys()));
        }
        for id in mentioned {
            self.users.entry(id).or_default();
        }
        for (id, user) in &mut self.users {
            if user.username.is_empty() {
                user.username = format!("user-{id}");
            }
            if user.name.is_empty() {
                user.name.clone_from(&user.username);
            }
        }
    }
}
