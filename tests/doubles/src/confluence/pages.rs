//! Reading `pages`: one, by title and space, and the children of one.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::refusal::Refusal;
use super::world::{Page, PageVersion, World};
use super::{Answer, Received, paging};

/// The author of everything.
pub(super) const AUTHOR: &str = "557058:countersign";

/// One page; with its body only if a format is requested.
pub(super) fn get_page(world: &World, id: &str, request: &Received) -> Result<Answer, Refusal> {
    let with_body = wants_body(request)?;
    let page = world.pages.get(id).filter(|page| has_status(page, request));
    let page = page.ok_or_else(|| Refusal::no_page(id))?;
    Ok(whole(world, id, page, with_body, request))
}

/// The answer with one page.
pub(super) fn whole(world: &World, id: &str, page: &Page, with_body: bool, request: &Received) -> Answer {
    let mut body = shape(world, id, page, with_body);
    body["_links"]["base"] = json!(format!("{}/wiki", request.base_url()));
    Answer::json(StatusCode::OK, &body)
}

/// The pages, filtered by `space-id`, `title`, `id` and `status`.
pub(super) fn list(world: &World, request: &Received) -> Result<Answer, Refusal> {
    let with_body = wants_body(request)?;
    let spaces = request.query_parameter("space-id");
    let ids = request.query_parameter("id");
    let title = request.query_parameter("title");
    for id in spaces.iter().chain(&ids).flat_map(|ids| ids.split(',')) {
        if !super::is_id(id) {
            return Err(Refusal::wrong_type(id, "space-id", "Long"));
        }
    }
    let among = |ids: &Option<String>, id: &str| ids.as_deref().is_none_or(|ids| ids.split(',').any(|one| one == id));
    let entries = world
        .pages_in_order()
        .into_iter()
        .filter(|(id, page)| among(&spaces, &page.space_id) && among(&ids, id))
        .filter(|(_, page)| title.as_ref().is_none_or(|title| *title == page.title))
        .filter(|(_, page)| has_status(page, request))
        .map(|(id, page)| shape(world, id, page, with_body))
        .collect();
    paging::page(request, entries)
}

/// The pages directly below one.
pub(super) fn children(world: &World, id: &str, request: &Received) -> Result<Answer, Refusal> {
    if !world.pages.get(id).is_some_and(Page::exists) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("Cannot find [page] entity with id [{id}]"),
        ));
    }
    let entries = world
        .pages_in_order()
        .into_iter()
        .filter(|(_, page)| page.parent_id.as_deref() == Some(id) && has_status(page, request))
        .enumerate()
        .map(|(position, (id, page))| {
            json!({
                "id": id,
                "status": page.status.name(),
                "title": page.title,
                "type": "page",
                "spaceId": page.space_id,
                "childPosition": position,
            })
        })
        .collect();
    paging::page(request, entries)
}

fn wants_body(request: &Received) -> Result<bool, Refusal> {
    match request.query_parameter("body-format").as_deref() {
        None | Some("") => Ok(false),
        Some("storage") => Ok(true),
        // Confluence has more formats; the double supports one.
        Some(other) => Err(Refusal::wrong_type(other, "body-format", "storage")),
    }
}

/// Whether the page has one of the requested statuses; by default neither draft nor trashed.
fn has_status(page: &Page, request: &Received) -> bool {
    let asked = request.query_parameter("status");
    let asked = asked.as_deref().unwrap_or("current,archived");
    asked.split(',').any(|status| status == page.status.name())
}

fn shape(world: &World, id: &str, page: &Page, with_body: bool) -> Value {
    let first = page.versions.first().map(created);
    let version = page.versions.last();
    let key = world.spaces.get(&page.space_id).map_or("", |space| &space.key);
    let title: String = byte_serialize(page.title.as_bytes()).collect();
    let mut shape = json!({
        "id": id,
        "status": page.status.name(),
        "title": page.title,
        "spaceId": page.space_id,
        "parentId": page.parent_id,
        "parentType": page.parent_id.as_ref().map(|_| "page"),
        "position": 0,
        "authorId": AUTHOR,
        "ownerId": AUTHOR,
        "lastOwnerId": null,
        "createdAt": first,
        "version": {
            "number": page.version,
            "message": version.map_or("", |version| &version.message),
            "minorEdit": false,
            "authorId": AUTHOR,
            "createdAt": version.map(created),
        },
        "_links": {
            "webui": format!("/spaces/{key}/pages/{id}/{title}"),
            "editui": format!("/pages/resumedraft.action?draftId={id}"),
            "tinyui": format!("/x/{id}"),
        },
    });
    if with_body {
        shape["body"] = json!({"storage": {"representation": "storage", "value": page.body}});
    }
    shape
}

fn created(version: &PageVersion) -> String {
    let time = version.created.unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
