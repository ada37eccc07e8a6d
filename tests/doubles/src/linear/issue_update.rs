//! Changes of an issue: its state, its labels, its title.

use jiff::Timestamp;
use serde_json::Value;

use super::input::{issue, string_value};
use super::nodes::Node;
use super::refusal::Refusal;
use super::world::{Issue, WorkflowState, World, team_of};

/// Updates an issue, or leaves it unchanged if any part of the input is invalid.
pub(super) fn update(world: &mut World, now: Timestamp, id: &Value, input: &Value) -> Result<Node, Refusal> {
    let identifier = issue(world, id)?;
    let team = team_of(&identifier);
    let state = input["stateId"]
        .as_str()
        .map(|id| state_of(world, team, id))
        .transpose()?;
    let listed = |field: &str| -> Result<Option<Vec<String>>, Refusal> {
        let ids = input[field]
            .as_array()
            .map(|ids| ids.iter().filter_map(string_value).collect());
        ids.map(|ids| labels_of(world, team, field, ids)).transpose()
    };
    let (all, added) = (listed("labelIds")?, listed("addedLabelIds")?);
    let removed: Vec<_> = input["removedLabelIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(string_value)
        .collect();
    let issue = world.issues.entry(identifier.clone()).or_default();
    if let Some(all) = all {
        issue.labels = all;
    }
    issue.labels.extend(added.unwrap_or_default());
    issue.labels.retain(|id| !removed.contains(id));
    issue.labels.sort();
    issue.labels.dedup();
    if let Some(title) = string_value(&input["title"]) {
        issue.title = title;
    }
    if let Some(state) = state {
        enter(issue, &state, now);
    }
    Ok(Node::Issue(identifier))
}

fn enter(issue: &mut Issue, state: &WorkflowState, now: Timestamp) {
    if issue.state == state.name {
        return;
    }
    state.name.clone_into(&mut issue.state);
    let now = Some(format!("{now:.3}"));
    (issue.completed_at, issue.canceled_at) = match state.kind.as_str() {
        "completed" => (now, None),
        "canceled" | "duplicate" => (None, now),
        _ => (None, None),
    };
}

fn state_of(world: &World, team: &str, id: &str) -> Result<WorkflowState, Refusal> {
    match world.state(id) {
        Some((key, state)) if key == team => Ok(state.clone()),
        Some(_) => {
            let message = "Discrepancy between issue team and state, cycle or project.";
            Err(Refusal::input(message, message))
        }
        None => Err(not_in_workspace("stateId")),
    }
}

fn labels_of(world: &World, team: &str, field: &str, ids: Vec<String>) -> Result<Vec<String>, Refusal> {
    for id in &ids {
        let label = world.labels.get(id).ok_or_else(|| not_in_workspace(field))?;
        if label.team.as_deref().is_some_and(|key| key != team) {
            let said = format!(
                "The label '{}' is not associated with the same team as the issue.",
                label.name
            );
            return Err(Refusal::input("labelIds for incorrect team", said));
        }
        if label.is_group {
            let said = format!(
                "The label '{}' is a group and cannot be assigned to issues directly.",
                label.name
            );
            return Err(Refusal::input(said.clone(), said));
        }
    }
    Ok(ids)
}

fn not_in_workspace(field: &str) -> Refusal {
    Refusal::input(
        format!("Entity not found in validateAccess: {field}"),
        format!("{field} contained an entry that could not be found."),
    )
}
