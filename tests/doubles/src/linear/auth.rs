//! Personal keys and OAuth tokens (<https://linear.app/developers/graphql#authentication>).

use super::Received;
use super::denied::Denied;
use super::world::World;

/// Prefix of personal API keys.
const KEY: &str = "lin_api_";

/// Whether the request has an OAuth token instead of a personal key: their limits differ.
pub(super) fn is_oauth(request: &Received) -> bool {
    request.bearer_token().is_some()
}

/// Accepts a bare personal key and an OAuth token after `Bearer`, if the world knows them.
pub(super) fn check(world: &World, request: &Received) -> Result<(), Denied> {
    let given = match request.bearer_token() {
        Some(token) if token.starts_with(KEY) => return Err(Denied::key_as_bearer()),
        Some(token) => Some(token),
        None => request.header("authorization").filter(|key| key.starts_with(KEY)),
    };
    match given {
        Some(given) if world.token.as_deref().is_none_or(|only| only == given) => Ok(()),
        _ => Err(Denied::unauthenticated()),
    }
}
