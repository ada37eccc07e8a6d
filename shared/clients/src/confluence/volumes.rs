//! The sequence of pages: the first, created from the template if it is missing, and the next ones when one is full.

use audit::{Context, FailureClass};
use rules::AuditPage;

use super::errors::{gone, malformed, no_space, problem};
use super::page::ConfluencePage;
use super::task::{Recorded, Task, Tried};
use super::{Confluence, edit};
use crate::CallError;

/// Most pages that are searched.
pub(super) const MOST_PAGES: usize = 1000;

/// A page that was to be created.
enum Created {
    /// With the row on it.
    Ours(Recorded),
    /// Another writer created a page of this title first.
    Theirs(ConfluencePage),
}

/// What follows a page.
pub(super) enum Next {
    Page(Box<ConfluencePage>),
    /// Nothing yet; this title is free.
    Free(String),
}

impl Confluence {
    /// Goes from a full page to the next one with room, and creates that if it is missing.
    pub(super) async fn roll_over(
        &self,
        context: &Context,
        task: Task<'_>,
        full: ConfluencePage,
    ) -> Result<Recorded, CallError> {
        let space_id = full.space_id.clone();
        let mut title = full.title.clone();
        loop {
            let next = match self.next_volume(context, &space_id, &title).await? {
                Next::Page(next) => *next,
                Next::Free(free) => {
                    let parent = self.parent(context, task, &full).await?;
                    match self
                        .create_page_with_row(context, task, (&space_id, parent.as_deref()), &free)
                        .await?
                    {
                        Created::Ours(recorded) => return Ok(recorded),
                        Created::Theirs(page) => page,
                    }
                }
            };
            title.clone_from(&next.title);
            if let Tried::Recorded(recorded) = self.on_page(context, task, next, true).await? {
                return Ok(recorded);
            }
        }
    }

    /// The parent of new pages: the first page.
    async fn parent(
        &self,
        context: &Context,
        task: Task<'_>,
        full: &ConfluencePage,
    ) -> Result<Option<String>, CallError> {
        match &task.settings.page {
            AuditPage::Id(id) => Ok(Some(id.clone())),
            AuditPage::Titled { title, .. } if *title == full.title => Ok(Some(full.id.clone())),
            AuditPage::Titled { .. } => Ok(self.first(context, &task.settings.page).await?.map(|first| first.id)),
        }
    }

    /// The page after this title, or its free title. A page of that title without our table is not ours.
    pub(super) async fn next_volume(&self, context: &Context, space_id: &str, title: &str) -> Result<Next, CallError> {
        let (base, number) = volume_of(title);
        for volume in number + 1..MOST_PAGES {
            let title = format!("{base} ({volume})");
            match self.page_titled(context, space_id, &title).await? {
                Some(page) if edit::is_ours(&page.body) => return Ok(Next::Page(Box::new(page))),
                Some(_) => (),
                None => return Ok(Next::Free(title)),
            }
        }
        let message = format!("{MOST_PAGES} pages already have this title");
        Err(problem(FailureClass::InvalidResponse, message))
    }

    /// The first page, if it exists.
    pub(super) async fn first(&self, context: &Context, page: &AuditPage) -> Result<Option<ConfluencePage>, CallError> {
        match page {
            AuditPage::Id(id) => match self.page(context, id).await? {
                Some(page) => Ok(Some(page)),
                None => Err(gone(id)),
            },
            AuditPage::Titled { space, title, .. } => {
                let found = self.space(context, space).await?.ok_or_else(|| no_space(space))?;
                self.page_titled(context, &found.id, title).await
            }
        }
    }

    pub(super) async fn make_first(&self, context: &Context, task: Task<'_>) -> Result<Recorded, CallError> {
        let AuditPage::Titled {
            space,
            title,
            parent_id,
        } = &task.settings.page
        else {
            return Err(problem(
                FailureClass::NotFound,
                "the audit page does not exist".to_owned(),
            ));
        };
        let found = self.space(context, space).await?.ok_or_else(|| no_space(space))?;
        let parent = parent_id.clone().or(found.homepage_id);
        match self
            .create_page_with_row(context, task, (&found.id, parent.as_deref()), title)
            .await?
        {
            Created::Ours(recorded) => Ok(recorded),
            Created::Theirs(page) => self.add(context, task, page).await,
        }
    }

    /// Creates a page with the row on it, in one call. If it was created concurrently, returns that page.
    async fn create_page_with_row(
        &self,
        context: &Context,
        task: Task<'_>,
        below: (&str, Option<&str>),
        title: &str,
    ) -> Result<Created, CallError> {
        let body = edit::first(task.merge, task.wording).map_err(|error| malformed(&error))?;
        match self.create(context, below, title, &body).await {
            Ok(written) => Ok(Created::Ours(written.into())),
            // Confluence answers 400 to a second page of the same title.
            Err(error) if matches!(error.http_status, Some(400 | 409)) => {
                let theirs = self.page_titled(context, below.0, title).await?;
                theirs.map(Created::Theirs).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// The title without its number, and the number: `Audit (3)` is the third of `Audit`.
fn volume_of(title: &str) -> (&str, usize) {
    let numbered = title.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    match numbered.and_then(|(base, number)| Some((base, number.parse().ok()?))) {
        Some((base, number)) if (2..MOST_PAGES).contains(&number) => (base, number),
        _ => (title, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::volume_of;

    #[test]
    fn volume_number_is_read_from_the_title() {
        for (title, expected) in [
            ("Audit", ("Audit", 1)),
            ("Audit (2)", ("Audit", 2)),
            ("Audit (25)", ("Audit", 25)),
            ("Audit (1)", ("Audit (1)", 1)),
            ("Audit (2026)", ("Audit (2026)", 1)),
            ("Audit (x)", ("Audit (x)", 1)),
            ("Audit(2)", ("Audit(2)", 1)),
            ("(2)", ("(2)", 1)),
        ] {
            assert_eq!(volume_of(title), expected);
        }
    }
}
