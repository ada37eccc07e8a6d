//! The first world, helpers that extend it, and generated ids.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::world::{Issue, Label, Team, WorkflowState, World};

impl Default for World {
    fn default() -> Self {
        let mut world = Self {
            token: None,
            read_only: false,
            partial_errors: false,
            errors_as_400: false,
            rate_limited: None,
            viewer: made_up("viewer"),
            url_key: "countersign-test".to_owned(),
            teams: BTreeMap::new(),
            labels: BTreeMap::new(),
            issues: BTreeMap::new(),
        };
        world.team("ENG", "Engineering");
        let backend = world.label(Some("ENG"), "backend");
        let issue = world.issue("ENG-123", "Rotate the signing keys");
        "In Progress".clone_into(&mut issue.state);
        issue.labels.push(backend);
        world
    }
}

impl World {
    /// The team with this key and name, added with the usual states if missing.
    pub fn team(&mut self, key: &str, name: &str) -> &mut Team {
        let team = self.teams.entry(key.to_owned()).or_insert_with(|| Team {
            states: states(),
            ..Team::default()
        });
        name.clone_into(&mut team.name);
        self.settle();
        self.teams.entry(key.to_owned()).or_default()
    }

    /// The id of the label with this name in a team or, for `None`, in the workspace; added if missing.
    pub fn label(&mut self, team: Option<&str>, name: &str) -> String {
        let known = |(_, label): &(&String, &Label)| label.team.as_deref() == team && label.name == name;
        if let Some((id, _)) = self.labels.iter().find(known) {
            return id.clone();
        }
        let id = made_up(&format!("label {} {name}", team.unwrap_or_default()));
        let label = Label {
            name: name.to_owned(),
            team: team.map(str::to_owned),
            color: "#bec2c8".to_owned(),
            ..Label::default()
        };
        self.labels.insert(id.clone(), label);
        id
    }

    /// The issue with this identifier and title, added in the state `Todo` if missing.
    pub fn issue(&mut self, identifier: &str, title: &str) -> &mut Issue {
        let issue = self.issues.entry(identifier.to_owned()).or_insert_with(|| Issue {
            id: made_up(&format!("issue {identifier}")),
            state: "Todo".to_owned(),
            ..Issue::default()
        });
        title.clone_into(&mut issue.title);
        issue
    }

    /// The id of a state, by its team's key and its name.
    #[must_use]
    pub fn state_id(&self, team: &str, name: &str) -> Option<String> {
        let states = &self.teams.get(team)?.states;
        states
            .iter()
            .find(|state| state.name == name)
            .map(|state| state.id.clone())
    }

    /// Generates missing ids.
    pub(super) fn settle(&mut self) {
        for (key, team) in &mut self.teams {
            fill(&mut team.id, || format!("team {key}"));
            for state in &mut team.states {
                fill(&mut state.id, || format!("state {key} {}", state.name));
            }
        }
        for (identifier, issue) in &mut self.issues {
            fill(&mut issue.id, || format!("issue {identifier}"));
            for attachment in &mut issue.attachments {
                fill(&mut attachment.id, || {
                    format!("attachment {identifier} {}", attachment.url)
                });
            }
            for (index, comment) in issue.comments.iter_mut().enumerate() {
                fill(&mut comment.id, || format!("comment {identifier} {index}"));
            }
        }
    }
}

fn states() -> Vec<WorkflowState> {
    [
        ("Backlog", "backlog"),
        ("Todo", "unstarted"),
        ("In Progress", "started"),
        ("Done", "completed"),
        ("Canceled", "canceled"),
        ("Duplicate", "duplicate"),
    ]
    .into_iter()
    .zip(0_u32..)
    .map(|((name, kind), position)| WorkflowState {
        id: String::new(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        position: f64::from(position),
    })
    .collect()
}

fn fill(id: &mut String, of: impl FnOnce() -> String) {
    if id.is_empty() {
        *id = made_up(&of());
    }
}

/// A UUID v4 derived from a text.
pub(super) fn made_up(of: &str) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, of).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    let bytes = ((half(0) << 64) | half(1)).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
