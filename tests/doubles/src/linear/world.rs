//! The Linear double's state: teams, labels, issues, and failure switches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The state of a Linear double. An empty id is derived from its object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The only personal key (`lin_api_...`) or OAuth token accepted; any if absent.
    pub token: Option<String>,
    /// Rejects mutations, as for a key without the `write` scope.
    pub read_only: bool,
    /// Answers queries partially: the first selected nullable field is null and has an error. If none is selected, the answer is
    /// complete and has an error without a path.
    pub partial_errors: bool,
    /// Sends answers with null `data` under status 400. Linear was observed to use 200, and 400 in some reports.
    pub errors_as_400: bool,
    /// Rejects requests as rate limited.
    pub rate_limited: Option<RateLimited>,
    /// The id of the key's user.
    pub viewer: String,
    /// The workspace's part of issue addresses.
    pub url_key: String,
    /// Teams by key, such as `ENG`.
    pub teams: BTreeMap<String, Team>,
    /// Labels by id.
    pub labels: BTreeMap<String, Label>,
    /// Issues by identifier, such as `ENG-123`; the part before the number is the team's key.
    pub issues: BTreeMap<String, Issue>,
}

/// Rejection of requests with `RATELIMITED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// How many requests are rejected; all if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// Milliseconds until the limit is reset, for the headers.
    pub reset_in_ms: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    pub id: String,
    pub name: String,
    /// The workflow.
    pub states: Vec<WorkflowState>,
}

/// A state of a team's workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowState {
    #[serde(default)]
    pub id: String,
    /// The name, unique within the team.
    pub name: String,
    /// `triage`, `backlog`, `unstarted`, `started`, `completed`, `canceled` or `duplicate`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The position among the states of its type.
    #[serde(default)]
    pub position: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Label {
    pub name: String,
    /// The key of its team; absent for a label of the workspace.
    pub team: Option<String>,
    /// The color, such as `#bec2c8`.
    pub color: String,
    pub description: Option<String>,
    /// A group of labels, which cannot be put on an issue.
    pub is_group: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Issue {
    pub id: String,
    pub title: String,
    /// The name of its state.
    pub state: String,
    /// The ids of its labels.
    pub labels: Vec<String>,
    /// Its attachments, oldest first.
    pub attachments: Vec<Attachment>,
    /// Its comments, oldest first.
    pub comments: Vec<Comment>,
    /// In the trash.
    pub trashed: bool,
    /// When it was archived, as Linear writes it (`2026-03-02T10:00:00.000Z`).
    pub archived_at: Option<String>,
    /// When it was completed. The double sets it when the state changes.
    pub completed_at: Option<String>,
    /// When it was canceled. The double sets it when the state changes.
    pub canceled_at: Option<String>,
}

/// A link on an issue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attachment {
    pub id: String,
    /// The address, unique within the issue.
    pub url: String,
    pub title: String,
    /// The line below the title.
    pub subtitle: Option<String>,
    /// Any values.
    pub metadata: Map<String, Value>,
}

/// A comment on an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Comment {
    pub id: String,
    /// The text, in Markdown.
    pub body: String,
}

/// The key of an issue's team.
pub(super) fn team_of(identifier: &str) -> &str {
    identifier.rsplit_once('-').map_or(identifier, |(key, _)| key)
}

impl World {
    /// The identifier of an issue, found by id or by identifier in any case.
    pub(super) fn find_issue(&self, id: &str) -> Option<String> {
        let named = |(identifier, issue): &(&String, &Issue)| {
            identifier.eq_ignore_ascii_case(id) || issue.id.eq_ignore_ascii_case(id)
        };
        self.issues.iter().find(named).map(|(identifier, _)| identifier.clone())
    }

    /// A workflow state and the key of its team.
    pub(super) fn state(&self, id: &str) -> Option<(&str, &WorkflowState)> {
        self.teams.iter().find_map(|(key, team)| {
            let state = team.states.iter().find(|state| state.id == id)?;
            Some((key.as_str(), state))
        })
    }

    /// An attachment and the identifier of its issue.
    pub(super) fn attachment(&self, id: &str) -> Option<(&str, &Attachment)> {
        self.issues.iter().find_map(|(identifier, issue)| {
            let attachment = issue.attachments.iter().find(|attachment| attachment.id == id)?;
            Some((identifier.as_str(), attachment))
        })
    }

    /// A comment and the identifier of its issue.
    pub(super) fn comment(&self, id: &str) -> Option<(&str, &Comment)> {
        self.issues.iter().find_map(|(identifier, issue)| {
            let comment = issue
                .comments
                .iter()
                .find(|comment| comment.id.eq_ignore_ascii_case(id))?;
            Some((identifier.as_str(), comment))
        })
    }
}
