//! `spaces`: by id or by key.

use http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::world::{Space, World};
use super::{Answer, Received, paging};

/// The spaces, filtered by `keys` and `ids`.
pub(super) fn list(world: &World, request: &Received) -> Result<Answer, Refusal> {
    let (keys, ids) = (request.query_parameter("keys"), request.query_parameter("ids"));
    let chosen = |among: &Option<String>, value: &str| {
        among
            .as_deref()
            .is_none_or(|among| among.split(',').any(|one| one.eq_ignore_ascii_case(value)))
    };
    let mut spaces: Vec<_> = world.spaces.iter().collect();
    spaces.sort_by_key(|(id, _)| id.parse::<u64>().unwrap_or_default());
    let entries = spaces
        .into_iter()
        .filter(|(id, space)| chosen(&keys, &space.key) && chosen(&ids, id))
        .map(|(id, space)| shape(id, space))
        .collect();
    paging::page(request, entries)
}

/// One space.
pub(super) fn get_space(world: &World, id: &str, request: &Received) -> Result<Answer, Refusal> {
    let missing = || Refusal::new(StatusCode::NOT_FOUND, format!("Cannot find a space with id [{id}]"));
    let space = world.spaces.get(id).ok_or_else(missing)?;
    let mut body = shape(id, space);
    body["_links"]["base"] = json!(format!("{}/wiki", request.base_url()));
    Ok(Answer::json(StatusCode::OK, &body))
}

fn shape(id: &str, space: &Space) -> Value {
    json!({
        "id": id,
        "key": space.key,
        "name": space.name,
        "type": "global",
        "status": "current",
        "authorId": super::pages::AUTHOR,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "homepageId": space.homepage_id,
        "description": null,
        "icon": null,
        "_links": {"webui": format!("/spaces/{}", space.key)},
    })
}
