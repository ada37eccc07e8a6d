//! An issue as Linear returns it, with only the fields that decide what is missing.

use serde::Deserialize;

/// The fields that are read. `url` is the merge request's, `comment` the id of our comment.
pub(super) const FIELDS: &str = "
    id identifier trashed archivedAt
    state { id name type }
    team { id key states(filter: { type: { eq: \"completed\" } }, first: 50) { nodes { id name position } } }
    labels(first: 250) { nodes { id name } }
    attachments(filter: { url: { eq: $url } }, first: 1) { nodes { id } }
    comments(filter: { id: { eq: $comment } }, first: 1) { nodes { id } }";

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Nodes<T> {
    pub(super) nodes: Vec<T>,
}

/// An object of which only the id matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Known {}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct IssueLabel {
    pub(super) id: String,
    pub(super) name: String,
}

/// A state that closes an issue.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CompletedState {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) position: f64,
}

/// The state of an issue.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct IssueState {
    /// `triage`, `backlog`, `unstarted`, `started`, `completed`, `canceled`, `duplicate`.
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// The team of an issue.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) states: Nodes<CompletedState>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinearIssue {
    pub(super) id: String,
    pub(super) identifier: String,
    pub(super) trashed: Option<bool>,
    pub(super) archived_at: Option<String>,
    pub(super) state: IssueState,
    pub(super) team: Team,
    pub(super) labels: Nodes<IssueLabel>,
    pub(super) attachments: Nodes<Known>,
    pub(super) comments: Nodes<Known>,
}

impl LinearIssue {
    /// Its key, such as `ENG-123`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.identifier
    }

    /// Its label of this name; Linear's names are the same in any case.
    pub(super) fn label(&self, name: &str) -> Option<&IssueLabel> {
        let named = |label: &&IssueLabel| label.name.to_lowercase() == name.to_lowercase();
        self.labels.nodes.iter().find(named)
    }

    /// Whether work on it has ended, completed or not.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state.kind.as_str(), "completed" | "canceled" | "duplicate")
    }

    /// The state with this name, or the team's first that closes an issue.
    pub(super) fn completed_state(&self, name: Option<&str>) -> Option<&CompletedState> {
        let states = &self.team.states.nodes;
        match name {
            Some(name) => states.iter().find(|state| state.name.eq_ignore_ascii_case(name)),
            None => states
                .iter()
                .min_by(|one, other| one.position.total_cmp(&other.position)),
        }
    }
}
