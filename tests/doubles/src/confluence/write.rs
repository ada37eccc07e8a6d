//! Writing `pages`: creation and updates.

use http::StatusCode;

use super::fields::{body_text, id, status, title};
use super::refusal::{Refusal, object};
use super::world::{Page, PageStatus, PageVersion, World};
use super::{Answer, Received, pages};

/// Creates a page, by default below the space's homepage.
pub(super) fn create(world: &mut World, request: &Received) -> Result<Answer, Refusal> {
    check_size(world, request)?;
    let body = object(request)?;
    if world.read_only {
        let title = "Could not create content with type page";
        return Err(Refusal::new(StatusCode::FORBIDDEN, title));
    }
    let space_id = id(&body, "spaceId")?.ok_or_else(|| Refusal::wrong_type("null", "spaceId", "Long"))?;
    let missing = || {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("Cannot find a space with id [{space_id}]"),
        )
    };
    let homepage = world.spaces.get(&space_id).ok_or_else(missing)?.homepage_id.clone();
    let status = status(&body)?;
    let title = title(&body, status)?;
    let parent_id = match id(&body, "parentId")? {
        Some(parent) => Some(existing(world, parent)?),
        None if request.query_parameter("root-level").as_deref() == Some("true") => None,
        None => homepage,
    };
    let text = body_text(&body)?.unwrap_or_default();
    if status == PageStatus::Current && world.title_taken(&space_id, &title, None) {
        return Err(duplicate());
    }
    let id = world.next_id().to_string();
    let page = Page {
        title,
        space_id,
        parent_id,
        body: text.clone(),
        version: 1,
        status,
        versions: vec![PageVersion {
            number: 1,
            body: text,
            message: String::new(),
            created: Some(request.time),
        }],
    };
    let answer = pages::whole(world, &id, &page, true, request);
    world.pages.insert(id, page);
    Ok(answer)
}

/// Stores the next version of a page, if it is the next one.
pub(super) fn update(world: &mut World, page_id: &str, request: &Received) -> Result<Answer, Refusal> {
    check_size(world, request)?;
    world.let_human_edit(page_id, request.time);
    let page = world.pages.get(page_id).filter(|page| page.exists());
    let page = page.ok_or_else(|| Refusal::no_page(page_id))?;
    let body = object(request)?;
    if world.read_only {
        let title =
            format!("Could not update Content of type : class com.atlassian.confluence.pages.Page with id {page_id}");
        return Err(Refusal::new(StatusCode::FORBIDDEN, title));
    }
    let named = id(&body, "id")?;
    if named.as_deref() != Some(page_id) {
        return Err(Refusal::wrong_type(&named.unwrap_or_default(), "id", "ContentId"));
    }
    let status = status(&body)?;
    let title = title(&body, status)?;
    let number = body.get("version").and_then(|version| version["number"].as_u64());
    let number = number.ok_or_else(|| Refusal::wrong_type("null", "version.number", "Integer"))?;
    if number != page.version + 1 {
        return Err(conflict(world.conflict_as_500, page_id, page.version, number));
    }
    let space_id = page.space_id.clone();
    if id(&body, "spaceId")?.is_some_and(|given| given != space_id) {
        return Err(Refusal::bad("A page cannot be moved to another space"));
    }
    let parent_id = id(&body, "parentId")?
        .map(|parent| existing(world, parent))
        .transpose()?;
    let text = body_text(&body)?.ok_or_else(|| Refusal::wrong_type("null", "body", "PageBodyWrite"))?;
    if world.title_taken(&space_id, &title, Some(page_id)) {
        return Err(duplicate());
    }
    let message = body["version"]["message"].as_str().unwrap_or_default().to_owned();
    if let Some(page) = world.pages.get_mut(page_id) {
        page.title = title;
        page.status = status;
        page.parent_id = parent_id.or(page.parent_id.take());
        page.advance(text, message, request.time);
    }
    Ok(pages::whole(world, page_id, &world.pages[page_id], true, request))
}

fn check_size(world: &World, request: &Received) -> Result<(), Refusal> {
    if request.body.len() > world.largest_body_bytes {
        let title = format!("Request is too large: more than {} bytes", world.largest_body_bytes);
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, title));
    }
    Ok(())
}

/// The named version is not the next one: another writer was faster.
fn conflict(as_500: bool, id: &str, current: u64, given: u64) -> Refusal {
    if as_500 {
        let class = "com.atlassian.confluence.pages.Page";
        let title = format!(
            "org.springframework.orm.hibernate5.HibernateOptimisticLockingFailureException: Object of class [{class}] \
             with identifier [{id}]: optimistic locking failed; nested exception is \
             org.hibernate.StaleObjectStateException: Row was updated or deleted by another transaction (or \
             unsaved-value mapping was incorrect) : [{class}#{id}]"
        );
        return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, title);
    }
    let title = format!(
        "Version must be incremented when updating a page. Current Version: [{current}]. Provided version: [{given}]"
    );
    Refusal::new(StatusCode::CONFLICT, title)
}

fn duplicate() -> Refusal {
    Refusal::bad("A page with this title already exists: A page already exists with the same TITLE in this space")
}

fn existing(world: &World, parent: String) -> Result<String, Refusal> {
    if world.pages.get(&parent).is_some_and(Page::exists) {
        return Ok(parent);
    }
    let title = "The parent ID specified does not exist, or user does not have permissions";
    Err(Refusal::new(StatusCode::NOT_FOUND, title))
}
