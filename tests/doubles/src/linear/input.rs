//! The values in a mutation's input.

use serde_json::Value;

use super::refusal::Refusal;
use super::world::World;

/// The issue's identifier.
pub(super) fn issue(world: &World, id: &Value) -> Result<String, Refusal> {
    world
        .find_issue(id.as_str().unwrap_or_default())
        .ok_or_else(|| Refusal::not_found("Issue"))
}

/// The text of a string value.
pub(super) fn string_value(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
