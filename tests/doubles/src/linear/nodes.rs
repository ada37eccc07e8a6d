//! The types of objects in Linear's answers, and their scalar fields.

use serde_json::{Value, json};

use super::world::World;

/// An object with fields. Objects of the world are identified by their lookup key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// The root of a query.
    Query,
    /// The root of a mutation.
    Mutation,
    /// The key's user.
    Viewer,
    /// An issue, by identifier.
    Issue(String),
    /// A team, by key.
    Team(String),
    /// A workflow state, by id.
    State(String),
    /// A label, by id.
    Label(String),
    /// An attachment, by id.
    Attachment(String),
    /// A comment, by id.
    Comment(String),
    /// A page of a list.
    Connection(Connection),
    /// Position of a page in its list.
    PageInfo(Value),
    /// The answer of a mutation.
    Payload(Payload),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Connection {
    pub(super) type_name: &'static str,
    pub(super) nodes: Vec<Node>,
    pub(super) page_info: Value,
}

/// The answer of a mutation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Payload {
    pub(super) type_name: &'static str,
    /// The field with the changed object.
    pub(super) field: &'static str,
    pub(super) changed: Box<Node>,
    /// The number of this change.
    pub(super) change: u32,
}

/// Content of a field.
#[derive(Debug)]
pub(super) enum Content {
    /// A scalar.
    Leaf(Value),
    /// An object, or null.
    One(Option<Node>),
    /// A list of objects.
    Many(Vec<Node>),
}

impl Node {
    /// The type's name in the schema.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Viewer => "User",
            Self::Issue(_) => "Issue",
            Self::Team(_) => "Team",
            Self::State(_) => "WorkflowState",
            Self::Label(_) => "IssueLabel",
            Self::Attachment(_) => "Attachment",
            Self::Comment(_) => "Comment",
            Self::Connection(connection) => connection.type_name,
            Self::PageInfo(_) => "PageInfo",
            Self::Payload(payload) => payload.type_name,
        }
    }

    /// Whether it is an object of the world.
    pub(super) fn is_entity(&self) -> bool {
        !matches!(
            self,
            Self::Query | Self::Mutation | Self::Connection(_) | Self::PageInfo(_) | Self::Payload(_)
        )
    }

    /// The scalar fields; `None` if the world has no such object.
    pub(super) fn record(&self, world: &World) -> Option<Value> {
        match self {
            Self::Query | Self::Mutation | Self::Connection(_) => None,
            Self::Viewer => Some(json!({"id": world.viewer})),
            Self::Issue(identifier) => issue(world, identifier),
            Self::Team(key) => world
                .teams
                .get(key)
                .map(|team| json!({"id": team.id, "key": key, "name": team.name})),
            Self::State(id) => world.state(id).map(|(_, state)| {
                json!({"id": state.id, "name": state.name, "position": state.position, "type": state.kind})
            }),
            Self::Label(id) => world.labels.get(id).map(|label| {
                json!({
                    "id": id, "name": label.name, "color": label.color, "description": label.description,
                    "isGroup": label.is_group,
                })
            }),
            Self::Attachment(id) => world.attachment(id).map(|(_, attachment)| {
                json!({
                    "id": attachment.id, "url": attachment.url, "title": attachment.title,
                    "subtitle": attachment.subtitle, "metadata": attachment.metadata,
                })
            }),
            Self::Comment(id) => world
                .comment(id)
                .map(|(_, comment)| json!({"id": comment.id, "body": comment.body})),
            Self::PageInfo(page_info) => Some(page_info.clone()),
            Self::Payload(payload) => Some(json!({"success": true, "lastSyncId": f64::from(payload.change)})),
        }
    }
}

fn issue(world: &World, identifier: &str) -> Option<Value> {
    let issue = world.issues.get(identifier)?;
    let words: String = issue
        .title
        .chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let slug = words
        .split('-')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    Some(json!({
        "id": issue.id,
        "identifier": identifier,
        "title": issue.title,
        "url": format!("https://linear.app/{}/issue/{identifier}/{slug}", world.url_key),
        "branchName": format!("{}-{slug}", identifier.to_lowercase()),
        "labelIds": issue.labels,
        "trashed": issue.trashed.then_some(true),
        "archivedAt": issue.archived_at,
        "completedAt": issue.completed_at,
        "canceledAt": issue.canceled_at,
    }))
}
