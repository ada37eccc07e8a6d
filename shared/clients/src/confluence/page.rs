//! Pages and spaces, one call each.

use audit::{Action, Context, FailureClass, Target};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Confluence;
use crate::error::CallProblem;
use crate::http::HttpResponse;
use crate::{Advice, CallError};

/// A page with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfluencePage {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) space_id: String,
    pub(super) version: u64,
    pub(super) body: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Space {
    pub(super) id: String,
    pub(super) homepage_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ListJson<T> {
    results: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageJson {
    id: String,
    status: String,
    title: String,
    space_id: String,
    version: VersionJson,
    body: BodyJson,
}

#[derive(Debug, Deserialize)]
struct VersionJson {
    number: u64,
}

#[derive(Debug, Deserialize)]
struct BodyJson {
    storage: StorageJson,
}

#[derive(Debug, Deserialize)]
struct StorageJson {
    value: String,
}

/// The answer to a write, without the body.
#[derive(Debug, Deserialize)]
struct WrittenJson {
    id: String,
    version: VersionJson,
}

/// A page after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) id: String,
    pub(super) version: u64,
}

impl Confluence {
    /// The page; `None`: it does not exist, is in the trash, or is hidden from the account.
    pub(super) async fn page(&self, context: &Context, id: &str) -> Result<Option<ConfluencePage>, CallError> {
        let url = self.url(&["pages", id], &[("body-format", "storage")]);
        let read = self
            .get(context, Action::ConfluenceGetPage, &page_target(id), url)
            .await;
        match read {
            Ok(page) => Ok(current(page)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The space's page with this title.
    pub(super) async fn page_titled(
        &self,
        context: &Context,
        space_id: &str,
        title: &str,
    ) -> Result<Option<ConfluencePage>, CallError> {
        let query = [
            ("space-id", space_id),
            ("title", title),
            ("status", "current"),
            ("body-format", "storage"),
        ];
        let url = self.url(&["pages"], &query);
        let target = Target::other("confluence_page", title);
        let found: ListJson<PageJson> = self.get(context, Action::ConfluenceFindPage, &target, url).await?;
        Ok(found.results.into_iter().find_map(current))
    }

    /// The space with this key; `None`: it does not exist, or is hidden from the account.
    pub(super) async fn space(&self, context: &Context, key: &str) -> Result<Option<Space>, CallError> {
        let url = self.url(&["spaces"], &[("keys", key)]);
        let target = Target::other("confluence_space", key);
        let found: ListJson<Space> = self.get(context, Action::ConfluenceGetSpace, &target, url).await?;
        Ok(found.results.into_iter().next())
    }

    /// Creates a page. Titles are unique within a space: Confluence rejects a second page of the same title.
    pub(super) async fn create(
        &self,
        context: &Context,
        (space_id, parent_id): (&str, Option<&str>),
        title: &str,
        body: &str,
    ) -> Result<Written, CallError> {
        let body = json!({
            "spaceId": space_id, "status": "current", "title": title, "parentId": parent_id,
            "body": {"representation": "storage", "value": body},
        });
        let target = Target::other("confluence_page", title);
        let made = (Method::POST, self.url(&["pages"], &[]));
        let written: WrittenJson = self
            .change(context, Action::ConfluenceCreatePage, &target, made, &body)
            .await?;
        Ok(written.into())
    }

    /// Replaces the body of the page as it was read; rejected if it was changed since.
    pub(super) async fn update(
        &self,
        context: &Context,
        page: &ConfluencePage,
        body: &str,
        message: &str,
    ) -> Result<Written, CallError> {
        let body = json!({
            "id": page.id, "status": "current", "title": page.title,
            "body": {"representation": "storage", "value": body},
            "version": {"number": page.version + 1, "message": message},
        });
        let changed = (Method::PUT, self.url(&["pages", &page.id], &[]));
        let written: WrittenJson = self
            .change(
                context,
                Action::ConfluenceUpdatePage,
                &page_target(&page.id),
                changed,
                &body,
            )
            .await?;
        Ok(written.into())
    }
}

impl From<WrittenJson> for Written {
    fn from(written: WrittenJson) -> Self {
        Self {
            id: written.id,
            version: written.version.number,
        }
    }
}

/// A page that people can see: not in the trash, a draft, or archived.
fn current(page: PageJson) -> Option<ConfluencePage> {
    (page.status == "current").then_some(ConfluencePage {
        id: page.id,
        title: page.title,
        space_id: page.space_id,
        version: page.version.number,
        body: page.body.storage.value,
    })
}

fn page_target(id: &str) -> Target {
    Target::other("confluence_page", id)
}

/// Reads an answer. Confluence also reports a conflicting edit as a server error that names its database's exception; nothing was
/// written then.
pub(super) fn parse_answer<T: DeserializeOwned>(answer: &HttpResponse) -> Result<T, CallProblem> {
    if (200..300).contains(&answer.status) {
        return answer.json();
    }
    let text = String::from_utf8_lossy(&answer.body);
    let lock = ["OptimisticLock", "StaleObjectState", "StaleState"];
    if answer.status == 409 || answer.status >= 500 && lock.iter().any(|name| text.contains(name)) {
        let again = Advice::Retry { after: None };
        let message = format!("answered {}: the page was changed concurrently", answer.status);
        return Err(CallProblem::new(FailureClass::Conflict, again, message));
    }
    Err(answer.refusal())
}
