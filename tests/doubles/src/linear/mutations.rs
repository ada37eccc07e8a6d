//! Changes: labels, attachments and comments.

use serde_json::Value;
use uuid::Uuid;

use super::build::made_up;
use super::input::{issue, string_value};
use super::issue_update;
use super::nodes::{Content, Node, Payload};
use super::refusal::Refusal;
use super::session::Session;
use super::world::{Attachment, Comment, Label, World};

/// Runs one mutation. A rejected one changes nothing.
pub(super) fn run(session: &Session<'_>, field: &str, arguments: &Value) -> Result<Content, Refusal> {
    let world = &mut *session.world.borrow_mut();
    let change = session.changes.get() + 1;
    let new_id = made_up(&format!("{field} {change}"));
    let input = &arguments["input"];
    let (type_name, field, changed) = match field {
        "issueUpdate" => (
            "IssuePayload",
            "issue",
            issue_update::update(world, session.now, &arguments["id"], input)?,
        ),
        "issueLabelCreate" => ("IssueLabelPayload", "issueLabel", create_label(world, new_id, input)?),
        "attachmentCreate" => ("AttachmentPayload", "attachment", attach(world, new_id, input)?),
        _ => ("CommentPayload", "comment", comment(world, new_id, input)?),
    };
    session.changes.set(change);
    Ok(Content::One(Some(Node::Payload(Payload {
        type_name,
        field,
        changed: Box::new(changed),
        change,
    }))))
}

/// The caller's id, which must be a UUID v4, or the generated one.
fn id(input: &Value, made_up: String) -> Result<String, Refusal> {
    let Some(id) = input["id"].as_str() else {
        return Ok(made_up);
    };
    match Uuid::parse_str(id) {
        Ok(uuid) if uuid.get_version_num() == 4 => Ok(uuid.to_string()),
        _ => Err(Refusal::argument("id must be a UUID.")),
    }
}

fn taken(entity: &str, id: &str) -> Refusal {
    Refusal::input(
        format!("conflict on insert of {entity}"),
        format!("Entity {entity} with id {id} already exists."),
    )
}

/// A label's name must be unique within a team and, ignoring case, across the team and the workspace.
fn create_label(world: &mut World, new_id: String, input: &Value) -> Result<Node, Refusal> {
    let id = id(input, new_id)?;
    if world.labels.contains_key(&id) {
        return Err(taken("IssueLabel", &id));
    }
    let team = match input["teamId"].as_str() {
        None => None,
        Some(id) => {
            let team = world.teams.iter().find(|(_, team)| team.id == id);
            let (key, _) = team.ok_or_else(|| Refusal::not_found("Team"))?;
            Some(key.clone())
        }
    };
    let name = string_value(&input["name"]).unwrap_or_default();
    let clashes = |label: &Label| {
        let reach = team.is_none() || label.team.is_none() || label.team == team;
        reach && label.name.to_lowercase() == name.to_lowercase()
    };
    if let Some(other) = world.labels.values().find(|label| clashes(label)) {
        let place = other
            .team
            .as_ref()
            .map_or("the workspace".to_owned(), |key| format!("team {key}"));
        let said = format!("Label \"{}\" already exists in {place}.", other.name);
        return Err(Refusal::input("duplicate label name", said));
    }
    let label = Label {
        name,
        team,
        color: string_value(&input["color"]).unwrap_or_else(|| "#bec2c8".to_owned()),
        description: string_value(&input["description"]),
        is_group: false,
    };
    world.labels.insert(id.clone(), label);
    Ok(Node::Label(id))
}

/// A second attachment with the same address on the same issue updates the first one.
fn attach(world: &mut World, new_id: String, input: &Value) -> Result<Node, Refusal> {
    let id = id(input, new_id)?;
    let identifier = issue(world, &input["issueId"])?;
    let url = string_value(&input["url"]).unwrap_or_default();
    let issue = world.issues.entry(identifier).or_default();
    // Observed for trashed and archived issues, which can still be read.
    if issue.trashed || issue.archived_at.is_some() {
        return Err(Refusal::not_found("Issue"));
    }
    let index = issue.attachments.iter().position(|known| known.url == url);
    let index = index.unwrap_or_else(|| {
        let id = id.clone();
        issue.attachments.push(Attachment {
            id,
            url,
            ..Attachment::default()
        });
        issue.attachments.len() - 1
    });
    let attachment = &mut issue.attachments[index];
    attachment.title = string_value(&input["title"]).unwrap_or_default();
    attachment.subtitle = string_value(&input["subtitle"]);
    attachment.metadata = input["metadata"].as_object().cloned().unwrap_or_default();
    Ok(Node::Attachment(attachment.id.clone()))
}

/// The caller may choose the id, which must be unused.
fn comment(world: &mut World, new_id: String, input: &Value) -> Result<Node, Refusal> {
    let id = id(input, new_id)?;
    let identifier = issue(world, &input["issueId"])?;
    if world.comment(&id).is_some() {
        return Err(taken("Comment", &id));
    }
    let body = string_value(&input["body"]).filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| Refusal::argument("body should not be empty."))?;
    let comment = Comment { id: id.clone(), body };
    world.issues.entry(identifier).or_default().comments.push(comment);
    Ok(Node::Comment(id))
}
