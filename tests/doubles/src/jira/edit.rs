//! `PUT issue/{key}`: the labels, set as a whole or one by one. Any other field counts as missing from the screen.

use http::StatusCode;
use serde_json::{Map, Value};

use super::refusal::{Refusal, object};
use super::world::World;
use super::{Answer, Received, empty};

const LABELS: &str = "labels";
const LONGEST_LABEL: usize = 255;

/// Edits the issue completely or not at all. For an account without edit permission, no field is on the screen.
pub(super) fn edit(world: &mut World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let body = object(request)?;
    let part = |name: &str| body.get(name).and_then(Value::as_object);
    let (set, update) = (part("fields"), part("update"));
    if set.is_none() && update.is_none() {
        return Err(Refusal::bad("one of 'fields' or 'update' required"));
    }
    let editable = world.issues[key].editable;
    let unsettable: Map<_, _> = set
        .into_iter()
        .chain(update)
        .flat_map(Map::keys)
        .filter(|name| !editable || name.as_str() != LABELS)
        .map(|name| (name.clone(), Refusal::unsettable(name)))
        .collect();
    if !unsettable.is_empty() {
        return Err(Refusal::fields(unsettable));
    }
    let mut labels = world.issues[key].labels.clone();
    match (
        set.and_then(|fields| fields.get(LABELS)),
        update.and_then(|update| update.get(LABELS)),
    ) {
        (Some(_), Some(_)) => {
            return Err(Refusal::bad(
                "Field 'labels' cannot appear in both 'fields' and 'update'",
            ));
        }
        (Some(whole), None) => labels = all(whole)?,
        (None, Some(operations)) => {
            for operation in operations.as_array().into_iter().flatten() {
                apply(&mut labels, operation)?;
            }
        }
        (None, None) => {}
    }
    labels.sort();
    labels.dedup();
    if let Some(issue) = world.issues.get_mut(key) {
        issue.labels = labels;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

fn apply(labels: &mut Vec<String>, operation: &Value) -> Result<(), Refusal> {
    for (verb, value) in operation.as_object().into_iter().flatten() {
        match verb.as_str() {
            "add" => labels.push(label(value)?),
            "remove" => {
                let gone = label(value)?;
                labels.retain(|label| *label != gone);
            }
            "set" => *labels = all(value)?,
            other => {
                return Err(Refusal::bad(format!(
                    "Field with id' labels' and name 'Labels' does not support operation '{other}' Supported \
                     operation(s) are: 'add,set,remove'"
                )));
            }
        }
    }
    Ok(())
}

fn all(value: &Value) -> Result<Vec<String>, Refusal> {
    let list = value
        .as_array()
        .ok_or_else(|| Refusal::field(LABELS, "data was not an array"))?;
    list.iter().map(label).collect()
}

fn label(value: &Value) -> Result<String, Refusal> {
    let label = value
        .as_str()
        .ok_or_else(|| Refusal::field(LABELS, "data was not a string"))?;
    if label.is_empty() || label.contains(char::is_whitespace) {
        let problem = format!("The label '{label}' contains spaces which is invalid.");
        return Err(Refusal::field(LABELS, problem));
    }
    if label.chars().count() > LONGEST_LABEL {
        let problem = format!("The label '{label}' exceeds the maximum length of {LONGEST_LABEL} characters.");
        return Err(Refusal::field(LABELS, problem));
    }
    Ok(label.to_owned())
}
