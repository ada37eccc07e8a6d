//! Relations between objects: the non-scalar fields of queries and entities.

use serde_json::{Value, json};

use super::filter;
use super::nodes::{Connection, Content, Node};
use super::refusal::Refusal;
use super::world::{World, team_of};

/// The default page size (<https://linear.app/developers/pagination>).
const PAGE: u64 = 50;

/// The content of a node's field.
pub(super) fn content(world: &World, node: &Node, field: &str, arguments: &Value) -> Result<Content, Refusal> {
    let found = match node {
        Node::Query => return query(world, field, arguments),
        Node::Connection(connection) => match field {
            "nodes" => Some(Content::Many(connection.nodes.clone())),
            _ => Some(Content::One(Some(Node::PageInfo(connection.page_info.clone())))),
        },
        Node::Payload(payload) if field == payload.field => Some(Content::One(Some((*payload.changed).clone()))),
        Node::Issue(identifier) => of_issue(world, identifier, field, arguments),
        Node::Team(key) if field == "states" => world.teams.get(key).map(|team| {
            let states = team.states.iter().map(|state| Node::State(state.id.clone()));
            connection(world, "WorkflowStateConnection", states, arguments)
        }),
        Node::State(id) if field == "team" => world
            .state(id)
            .map(|(team, _)| single_node(Node::Team(team.to_owned()))),
        Node::Label(id) if field == "team" => world
            .labels
            .get(id)
            .map(|label| Content::One(label.team.clone().map(Node::Team))),
        Node::Attachment(id) if field == "issue" => world
            .attachment(id)
            .map(|(issue, _)| single_node(Node::Issue(issue.to_owned()))),
        Node::Comment(id) if field == "issue" => world
            .comment(id)
            .map(|(issue, _)| single_node(Node::Issue(issue.to_owned()))),
        _ => None,
    };
    Ok(found.unwrap_or_else(|| Content::Leaf(node.record(world).unwrap_or_default()[field].clone())))
}

fn single_node(node: Node) -> Content {
    Content::One(Some(node))
}

fn query(world: &World, field: &str, arguments: &Value) -> Result<Content, Refusal> {
    match field {
        "viewer" => Ok(single_node(Node::Viewer)),
        "issue" => match world.find_issue(arguments["id"].as_str().unwrap_or_default()) {
            Some(identifier) => Ok(single_node(Node::Issue(identifier))),
            None => Err(Refusal::not_found("Issue")),
        },
        "comment" => match world.comment(arguments["id"].as_str().unwrap_or_default()) {
            Some((_, comment)) => Ok(single_node(Node::Comment(comment.id.clone()))),
            None => Err(Refusal::not_found("Comment")),
        },
        "issueLabels" => {
            let labels = world.labels.keys().cloned().map(Node::Label);
            Ok(connection(world, "IssueLabelConnection", labels, arguments))
        }
        _ => {
            let attachments = world
                .issues
                .values()
                .flat_map(|issue| &issue.attachments)
                .filter(|attachment| Some(attachment.url.as_str()) == arguments["url"].as_str())
                .map(|attachment| Node::Attachment(attachment.id.clone()));
            Ok(connection(world, "AttachmentConnection", attachments, arguments))
        }
    }
}

fn of_issue(world: &World, identifier: &str, field: &str, arguments: &Value) -> Option<Content> {
    let issue = world.issues.get(identifier)?;
    let key = team_of(identifier);
    Some(match field {
        "team" => single_node(Node::Team(key.to_owned())),
        "state" => {
            let states = &world.teams.get(key)?.states;
            let state = states.iter().find(|state| state.name == issue.state)?;
            single_node(Node::State(state.id.clone()))
        }
        "labels" => {
            let labels = issue.labels.iter().cloned().map(Node::Label);
            connection(world, "IssueLabelConnection", labels, arguments)
        }
        "attachments" => {
            let attachments = issue.attachments.iter().map(|one| Node::Attachment(one.id.clone()));
            connection(world, "AttachmentConnection", attachments, arguments)
        }
        "comments" => {
            let comments = issue.comments.iter().map(|one| Node::Comment(one.id.clone()));
            connection(world, "CommentConnection", comments, arguments)
        }
        _ => return None,
    })
}

/// One page of the nodes that pass the filter. A cursor is the id of its node.
fn connection(world: &World, type_name: &'static str, nodes: impl Iterator<Item = Node>, arguments: &Value) -> Content {
    let passing: Vec<_> = nodes
        .filter_map(|node| Some((facts(world, &node)?, node)))
        .filter(|(facts, _)| filter::passes(&arguments["filter"], facts))
        .collect();
    let start = match &arguments["after"] {
        Value::Null => 0,
        cursor => passing
            .iter()
            .position(|(facts, _)| facts["id"] == *cursor)
            .map_or(passing.len(), |before| before + 1),
    };
    let size = usize::try_from(arguments["first"].as_u64().unwrap_or(PAGE)).unwrap_or(usize::MAX);
    let page: Vec<_> = passing.iter().skip(start).take(size).collect();
    let page_info = json!({
        "hasNextPage": start + page.len() < passing.len(),
        "hasPreviousPage": start > 0,
        "startCursor": page.first().map(|(facts, _)| &facts["id"]),
        "endCursor": page.last().map(|(facts, _)| &facts["id"]),
    });
    single_node(Node::Connection(Connection {
        type_name,
        nodes: page.into_iter().map(|(_, node)| node.clone()).collect(),
        page_info,
    }))
}

/// The input of filters: the scalar fields, and a label's team.
fn facts(world: &World, node: &Node) -> Option<Value> {
    let mut facts = node.record(world)?;
    if let Node::Label(id) = node {
        let team = world.labels.get(id)?.team.clone();
        facts["team"] = team.and_then(|key| Node::Team(key).record(world)).unwrap_or_default();
    }
    Some(facts)
}
