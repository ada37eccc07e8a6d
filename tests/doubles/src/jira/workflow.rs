//! `issue/{key}/transitions`: available transitions, and performing one.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::refusal::{Refusal, json_answer, object};
use super::world::{Deployment, Issue, Transition, World};
use super::{Answer, Received, empty, fields};

/// The transitions available now.
pub(super) fn list(world: &World, key: &str, request: &Received) -> Answer {
    let base = request.base_url();
    let expand = request.query_parameter("expand").unwrap_or_default();
    let with_fields = expand.split(',').any(|name| name == "transitions.fields");
    let listed: Vec<_> = world
        .transitions
        .iter()
        .filter(|transition| available(&world.issues[key], transition))
        .map(|transition| shape(world, transition, &base, with_fields))
        .collect();
    json_answer(StatusCode::OK, &json!({"expand": "transitions", "transitions": listed}))
}

/// Moves the issue completely or not at all.
pub(super) fn perform(world: &mut World, key: &str, request: &Received) -> Result<Answer, Refusal> {
    let body = object(request)?;
    let id = match body.get("transition").map(|transition| &transition["id"]) {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(Refusal::bad("Missing 'transition' identifier")),
    };
    let transition = world.transitions.iter().find(|transition| transition.id == id);
    let Some(transition) = transition.filter(|transition| available(&world.issues[key], transition)) else {
        return Err(unavailable(world.deployment, key, &id, transition));
    };
    check_screen(transition, &body)?;
    let to = transition.to.clone();
    if let Some(issue) = world.issues.get_mut(key) {
        issue.status = to;
        issue.transitioned.push(id);
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

fn available(issue: &Issue, transition: &Transition) -> bool {
    issue.transitionable && (transition.from.is_empty() || transition.from.contains(&issue.status))
}

fn unavailable(deployment: Deployment, key: &str, id: &str, known: Option<&Transition>) -> Refusal {
    match (deployment, known) {
        (Deployment::DataCenter, Some(transition)) => Refusal::bad(format!(
            "It seems that you have tried to perform a workflow operation ({}) that is not valid for the current state \
             of this issue ({key}). The likely cause is that somebody has changed the issue recently, please look at \
             the issue history for details.",
            transition.name
        )),
        _ => Refusal::bad(format!("Transition id '{id}' is not valid for this issue.")),
    }
}

/// A transition must set exactly the fields of its screen.
fn check_screen(transition: &Transition, body: &Map<String, Value>) -> Result<(), Refusal> {
    let given: Vec<&String> = ["fields", "update"]
        .iter()
        .filter_map(|part| body.get(*part)?.as_object())
        .flat_map(Map::keys)
        .collect();
    let unsettable = given
        .iter()
        .filter(|name| !transition.required.contains(name))
        .map(|name| ((*name).clone(), Refusal::unsettable(name)));
    let missing = transition
        .required
        .iter()
        .filter(|name| !given.contains(name))
        .map(|name| (name.clone(), Value::String(format!("{} is required.", title(name)))));
    let errors: Map<_, _> = unsettable.chain(missing).collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal::fields(errors))
    }
}

fn shape(world: &World, transition: &Transition, base: &str, with_fields: bool) -> Value {
    let mut shape = json!({
        "id": transition.id,
        "name": transition.name,
        "to": fields::status(&world.status(&transition.to), base),
    });
    // Data Center's answer has no more than this.
    if world.deployment == Deployment::Cloud {
        shape["hasScreen"] = json!(!transition.required.is_empty());
        shape["isGlobal"] = json!(transition.from.is_empty());
        shape["isInitial"] = json!(false);
        shape["isAvailable"] = json!(true);
        shape["isConditional"] = json!(false);
        shape["isLooped"] = json!(false);
    }
    if with_fields {
        let field = |name: &String| json!({"required": true, "name": title(name), "key": name, "operations": ["set"]});
        let fields = transition.required.iter().map(|name| (name.clone(), field(name)));
        shape["fields"] = Value::Object(fields.collect());
    }
    shape
}

/// A field's display name.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
