//! A double of Confluence Cloud's REST API v2: pages in storage format, their children, and spaces.
//!
//! Its [`World`] holds pages and spaces by id. The first world has the space 98304 (`SEC`) with only its homepage 98305. Pages are
//! versioned as at Confluence: an update names the next version, and any version in between is a conflict.
//! `edit_before_next_put` inserts a human's edit in between; a page keeps its `versions`.
//!
//! Bodies must be well-formed storage format: XHTML fragments whose prefixes `ac` and `ri` and whose XHTML entities need no
//! declaration. Their meaning is not checked.
//!
//! Sources: <https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-page/>, also `api-group-children` and
//! `api-group-space`, <https://developer.atlassian.com/cloud/confluence/rate-limiting/> for limits, and
//! <https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html> for bodies. Errors are hardly documented: their
//! texts follow recorded answers
//! (<https://community.developer.atlassian.com/t/replacing-a-page-with-copy-single-page-api-fails-with-optimisticlockexception/37622>
//! for a conflict that came as 500).

mod access;
mod characters;
mod fields;
mod pages;
mod paging;
mod refusal;
mod spaces;
mod storage;
mod throttle;
mod world;
mod write;

pub use world::{HumanEdit, Page, PageStatus, PageVersion, RateLimited, Space, World};

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::{Answer, Double, Received, System};
use refusal::Refusal;

/// A running double of Confluence.
pub type ConfluenceDouble = Double<Confluence>;

/// Starts a Confluence on a free port of the loopback interface.
pub async fn start() -> ConfluenceDouble {
    Double::start().await
}

impl ConfluenceDouble {
    /// The current page with this id, in any status.
    #[must_use]
    pub fn page(&self, id: &str) -> Option<Page> {
        self.world(|world| world.pages.get(id).cloned())
    }

    /// The page with this title outside the trash, with its id.
    #[must_use]
    pub fn page_titled(&self, title: &str) -> Option<(String, Page)> {
        self.pages()
            .into_iter()
            .find(|(_, page)| page.title == title && page.status != PageStatus::Trashed)
    }

    /// All pages by id.
    #[must_use]
    pub fn pages(&self) -> BTreeMap<String, Page> {
        self.world(|world| world.pages.clone())
    }
}

/// Confluence's behaviour.
#[derive(Debug, Default)]
pub struct Confluence {
    world: World,
}

impl System for Confluence {
    type World = World;
    const NAME: &'static str = "confluence";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let Some(path) = request.path().strip_prefix("/wiki/api/v2/") else {
            return Answer::with_type(
                StatusCode::NOT_FOUND,
                "text/html;charset=UTF-8",
                "<h1>404</h1>".to_owned(),
            );
        };
        self.world.settle(request.time);
        if let Some(refused) = throttle::refuse(&mut self.world, request.time) {
            return refused;
        }
        if !access::accepts(&self.world, request) {
            return access::refuse(&self.world);
        }
        self.route(request, path).unwrap_or_else(Refusal::answer)
    }
}

impl Confluence {
    fn route(&mut self, request: &Received, path: &str) -> Result<Answer, Refusal> {
        let segments: Vec<_> = path
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect();
        let segments: Vec<_> = segments.iter().map(AsRef::as_ref).collect();
        if let [_, id, ..] = segments.as_slice()
            && !is_id(id)
        {
            return Err(Refusal::wrong_type(id, "id", "ContentId"));
        }
        let world = &mut self.world;
        match (&request.method, segments.as_slice()) {
            (&Method::GET, ["pages"]) => pages::list(world, request),
            (&Method::POST, ["pages"]) => write::create(world, request),
            (&Method::GET, ["pages", id]) => pages::get_page(world, id, request),
            (&Method::PUT, ["pages", id]) => write::update(world, id, request),
            (&Method::GET, ["pages", id, "direct-children"]) => pages::children(world, id, request),
            (&Method::GET, ["spaces"]) => spaces::list(world, request),
            (&Method::GET, ["spaces", id]) => spaces::get_space(world, id, request),
            (_, ["pages" | "spaces"] | ["pages" | "spaces", _] | ["pages", _, "direct-children"]) => {
                Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
            }
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found")),
        }
    }
}

/// Whether it is an id: digits in a JSON string.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
