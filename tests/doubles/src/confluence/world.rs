//! The Confluence double's state: spaces, pages with all versions, and failure switches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a Confluence double. Maps are keyed by id, a string of digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The only credentials accepted, `email:token`; any if absent.
    pub credentials: Option<String>,
    /// Wrong credentials make everything look missing (404), as at real sites, instead of a 401.
    pub mask_unauthorized: bool,
    /// Rejects requests with 429.
    pub rate_limited: Option<RateLimited>,
    /// Answers a conflict with 500 and the text of the database's optimistic lock.
    pub conflict_as_500: bool,
    /// Rejects every write (403).
    pub read_only: bool,
    /// The most bytes in the body of a write (else 413).
    pub largest_body_bytes: usize,
    /// Edits by humans: the first one of a page happens just before the next update of that page.
    pub edit_before_next_put: Vec<HumanEdit>,
    /// Spaces by id.
    pub spaces: BTreeMap<String, Space>,
    /// Pages by id.
    pub pages: BTreeMap<String, Page>,
}

/// Rejection of requests with 429.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// The `Retry-After` header, in seconds; no such header if absent.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// How many requests are rejected; all if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// `RateLimit-Reason`: `confluence-burst-based`, `confluence-quota-tenant-based`, `confluence-quota-global-based`.
    #[serde(default = "burst")]
    pub reason: String,
}

fn burst() -> String {
    "confluence-burst-based".to_owned()
}

/// An edit of a page by another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HumanEdit {
    /// The page's id.
    pub page_id: String,
    /// The body after the edit.
    pub body: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Space {
    /// The key, in capitals.
    pub key: String,
    /// The name; the key if empty.
    pub name: String,
    /// The id of the root page.
    pub homepage_id: Option<String>,
}

/// Status of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageStatus {
    /// Published.
    #[default]
    Current,
    /// Not published.
    Draft,
    /// Archived; it keeps its title.
    Archived,
    /// In the trash: missing for the API.
    Trashed,
}

impl PageStatus {
    /// The name in the API.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Draft => "draft",
            Self::Archived => "archived",
            Self::Trashed => "trashed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// The title; `Page <id>` if empty.
    pub title: String,
    /// The space's id.
    pub space_id: String,
    /// The id of the parent page.
    pub parent_id: Option<String>,
    /// The body in storage format.
    pub body: String,
    /// The current version number.
    pub version: u64,
    /// What became of it.
    pub status: PageStatus,
    /// Every version, oldest first, including the current one; before the first request only those set by the test.
    pub versions: Vec<PageVersion>,
}

/// One version of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageVersion {
    /// Its number, from 1.
    pub number: u64,
    pub body: String,
    /// The author's version message.
    pub message: String,
    /// When it was created; the next request sets it if absent.
    pub created: Option<Timestamp>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            title: String::new(),
            space_id: "98304".to_owned(),
            parent_id: None,
            body: String::new(),
            version: 1,
            status: PageStatus::Current,
            versions: Vec::new(),
        }
    }
}

impl Page {
    /// Makes the next version.
    pub(super) fn advance(&mut self, body: String, message: String, now: Timestamp) {
        self.version += 1;
        self.body.clone_from(&body);
        self.versions.push(PageVersion {
            number: self.version,
            body,
            message,
            created: Some(now),
        });
    }

    /// Whether the API shows it without a request for the trash.
    pub(super) fn exists(&self) -> bool {
        self.status != PageStatus::Trashed
    }
}

impl Default for World {
    fn default() -> Self {
        let space = Space {
            key: "SEC".to_owned(),
            name: "Security".to_owned(),
            homepage_id: Some("98305".to_owned()),
        };
        let homepage = Page {
            title: "Security Home".to_owned(),
            ..Page::default()
        };
        Self {
            credentials: None,
            mask_unauthorized: false,
            rate_limited: None,
            conflict_as_500: false,
            read_only: false,
            largest_body_bytes: 5 * 1024 * 1024,
            edit_before_next_put: Vec::new(),
            spaces: BTreeMap::from([("98304".to_owned(), space)]),
            pages: BTreeMap::from([("98305".to_owned(), homepage)]),
        }
    }
}

impl World {
    /// An unused page and space id.
    pub(super) fn next_id(&self) -> u64 {
        let ids = self.pages.keys().chain(self.spaces.keys());
        let highest = ids.filter_map(|id| id.parse().ok()).max();
        highest.map_or(98_304, |highest: u64| highest + 1)
    }

    /// Pages in order of creation.
    pub(super) fn pages_in_order(&self) -> Vec<(&String, &Page)> {
        let mut pages: Vec<_> = self.pages.iter().collect();
        pages.sort_by_key(|(id, _)| id.parse::<u64>().unwrap_or_default());
        pages
    }

    /// Whether another page of the space has this title, ignoring case and the trash.
    pub(super) fn title_taken(&self, space_id: &str, title: &str, by_other_than: Option<&str>) -> bool {
        let title = title.to_lowercase();
        self.pages.iter().any(|(id, page)| {
            page.space_id == space_id
                && page.exists()
                && page.status != PageStatus::Draft
                && page.title.to_lowercase() == title
                && by_other_than != Some(id)
        })
    }

    /// Makes the scheduled human edit before an update of this page.
    pub(super) fn let_human_edit(&mut self, id: &str, now: Timestamp) {
        let Some(index) = self.edit_before_next_put.iter().position(|edit| edit.page_id == id) else {
            return;
        };
        let edit = self.edit_before_next_put.remove(index);
        if let Some(page) = self.pages.get_mut(id) {
            page.advance(edit.body, String::new(), now);
        }
    }

    /// Fills in what the test left out: names, times and the history up to the current version.
    pub(super) fn settle(&mut self, now: Timestamp) {
        for space in self.spaces.values_mut().filter(|space| space.name.is_empty()) {
            space.name.clone_from(&space.key);
        }
        for (id, page) in &mut self.pages {
            if page.title.is_empty() && page.status != PageStatus::Draft {
                page.title = format!("Page {id}");
            }
            if page.versions.last().is_none_or(|last| last.number != page.version) {
                page.versions.push(PageVersion {
                    number: page.version,
                    body: page.body.clone(),
                    ..PageVersion::default()
                });
            }
            for version in &mut page.versions {
                version.created.get_or_insert(now);
            }
        }
    }
}
