//! The whole of it: finds the page that has room, and puts the row there unless it stands somewhere already.

use audit::{Action, Context, FailureClass};
use rules::{AuditPage, Confluence as Settings, Wording};

use super::Confluence;
use super::edit::{self, Edit};
use super::page::{Page, Written};
use super::storage::Malformed;
use crate::{Advice, ArchivedMerge, CallError};

/// How often a page that others change meanwhile is read anew before the outbox is left to try again later.
const READINGS: usize = 5;
/// Pages looked through at most.
const MOST_PAGES: usize = 1000;

/// What is known of where rows stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The page that took the latest row: probably the one with room.
    pub latest: Option<String>,
    /// The page that has an earlier row of this merge request.
    pub earlier: Option<String>,
    /// An earlier attempt may have put the row on any page.
    pub anywhere: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The row stands on this page, since this version or an earlier one.
    Done {
        /// The page's id.
        page: String,
        /// Its version when it was read or written.
        version: u64,
    },
    /// It does not, and nothing was to be changed.
    Missing,
}

/// A merge and how it is written down.
#[derive(Clone, Copy)]
struct Task<'a> {
    merge: &'a ArchivedMerge,
    settings: &'a Settings,
    wording: &'a Wording,
    only_look: bool,
}

/// What came of an attempt at one page.
enum Tried {
    Recorded(Recorded),
    /// The row is not on it, and it has no room, or was not to get it.
    Elsewhere(Page),
    NoPage,
}

impl Confluence {
    /// Puts the merge's row on the audit page, or a correction into the row that stands there. With `only_look` nothing is changed.
    ///
    /// # Errors
    /// [`CallError`]. Whatever came of it, doing it again never doubles a row as long as [`Place::anywhere`] says that an attempt may
    /// have got through.
    pub async fn record(
        &self,
        context: &Context,
        merge: &ArchivedMerge,
        (settings, wording): (&Settings, &Wording),
        place: &Place,
        only_look: bool,
    ) -> Result<Recorded, CallError> {
        let task = Task {
            merge,
            settings,
            wording,
            only_look,
        };
        if let Some(earlier) = &place.earlier
            && let Tried::Recorded(recorded) = self.on_page(context, task, earlier, false).await?
        {
            return Ok(recorded);
        }
        if (place.anywhere || merge.is_correction || only_look)
            && let Some(recorded) = self.search(context, task).await?
        {
            return Ok(recorded);
        }
        if only_look {
            return Ok(Recorded::Missing);
        }
        let full = match &place.latest {
            Some(latest) => self.on_page(context, task, latest, true).await?,
            None => Tried::NoPage,
        };
        match full {
            Tried::Recorded(recorded) => Ok(recorded),
            Tried::Elsewhere(page) => self.roll_over(context, task, page).await,
            // Nothing is known, or the page that was known is gone.
            Tried::NoPage => self.start_at_the_first(context, task).await,
        }
    }

    /// Looks for the row on every page, and corrects it where it stands.
    async fn search(&self, context: &Context, task: Task<'_>) -> Result<Option<Recorded>, CallError> {
        let Some(first) = self.first(context, &task.settings.page).await? else {
            return Ok(None);
        };
        let mut page = first.clone();
        for volume in 2..MOST_PAGES {
            if let Tried::Recorded(recorded) = self.on_page(context, task, &page.id, false).await? {
                return Ok(Some(recorded));
            }
            let title = volume_title(&first.title, volume);
            match self.page_titled(context, &first.space_id, &title).await? {
                Some(next) => page = next,
                None => break,
            }
        }
        Ok(None)
    }

    async fn start_at_the_first(&self, context: &Context, task: Task<'_>) -> Result<Recorded, CallError> {
        let Some(first) = self.first(context, &task.settings.page).await? else {
            return self.make_first(context, task).await;
        };
        match self.on_page(context, task, &first.id, true).await? {
            Tried::Recorded(recorded) => Ok(recorded),
            Tried::Elsewhere(page) => self.roll_over(context, task, page).await,
            Tried::NoPage => Err(gone(&first.id)),
        }
    }

    /// Goes on from a full page to the next one that has room, which is made if there is none.
    async fn roll_over(&self, context: &Context, task: Task<'_>, full: Page) -> Result<Recorded, CallError> {
        let (base, number) = volume_of(&full.title);
        let parent = match &task.settings.page {
            AuditPage::Id(id) => Some(id.clone()),
            AuditPage::Titled { .. } if number == 1 => Some(full.id.clone()),
            AuditPage::Titled { .. } => self.first(context, &task.settings.page).await?.map(|first| first.id),
        };
        for volume in number + 1..number + MOST_PAGES {
            let title = volume_title(base, volume);
            let next = match self.page_titled(context, &full.space_id, &title).await? {
                Some(next) => next,
                None => match self
                    .make(context, task, (&full.space_id, parent.as_deref()), &title)
                    .await?
                {
                    Ok(recorded) => return Ok(recorded),
                    Err(made_by_others) => made_by_others,
                },
            };
            if let Tried::Recorded(recorded) = self.on_page(context, task, &next.id, true).await? {
                return Ok(recorded);
            }
        }
        Err(problem(
            FailureClass::InvalidResponse,
            "there are a thousand pages, and all are full".to_owned(),
        ))
    }

    /// The first page, if it exists.
    async fn first(&self, context: &Context, page: &AuditPage) -> Result<Option<Page>, CallError> {
        match page {
            AuditPage::Id(id) => match self.page(context, id).await? {
                Some(page) => Ok(Some(page)),
                None => Err(gone(id)),
            },
            AuditPage::Titled { space, title, .. } => {
                let known = self.space(context, space).await?.ok_or_else(|| no_space(space))?;
                self.page_titled(context, &known.id, title).await
            }
        }
    }

    async fn make_first(&self, context: &Context, task: Task<'_>) -> Result<Recorded, CallError> {
        let AuditPage::Titled {
            space,
            title,
            parent_id,
        } = &task.settings.page
        else {
            return Err(problem(FailureClass::NotFound, "the audit page is gone".to_owned()));
        };
        let known = self.space(context, space).await?.ok_or_else(|| no_space(space))?;
        let parent = parent_id.clone().or(known.homepage_id);
        match self.make(context, task, (&known.id, parent.as_deref()), title).await? {
            Ok(recorded) => Ok(recorded),
            Err(made_by_others) => match self.on_page(context, task, &made_by_others.id, true).await? {
                Tried::Recorded(recorded) => Ok(recorded),
                Tried::Elsewhere(page) => self.roll_over(context, task, page).await,
                Tried::NoPage => Err(gone(&made_by_others.id)),
            },
        }
    }

    /// Makes a page with the row on it, in one call. If somebody else has made it meanwhile, gives theirs.
    async fn make(
        &self,
        context: &Context,
        task: Task<'_>,
        below: (&str, Option<&str>),
        title: &str,
    ) -> Result<Result<Recorded, Page>, CallError> {
        let body = edit::first(task.merge, task.wording).map_err(|error| malformed(&error))?;
        match self.create(context, below, title, &body).await {
            Ok(written) => Ok(Ok(written.into())),
            // Confluence answers 400 to a second page of the same title.
            Err(error) if matches!(error.http_status, Some(400 | 409)) => {
                let theirs = self.page_titled(context, below.0, title).await?;
                theirs.map(Err).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Puts the row on this page: corrects it if it stands there, else adds it if that is wanted and there is room.
    async fn on_page(&self, context: &Context, task: Task<'_>, id: &str, may_add: bool) -> Result<Tried, CallError> {
        let Task {
            merge,
            settings,
            wording,
            only_look,
        } = task;
        let mut conflict = None;
        for _ in 0..READINGS {
            let Some(page) = self.page(context, id).await? else {
                return Ok(Tried::NoPage);
            };
            let edit = if may_add {
                edit::edit(&page.body, merge, wording, settings.page_limit_bytes)
            } else {
                edit::correct(&page.body, merge, wording).map(|edit| edit.unwrap_or(Edit::Full))
            };
            let body = match edit.map_err(|error| malformed(&error))? {
                Edit::Full => return Ok(Tried::Elsewhere(page)),
                Edit::None => {
                    return Ok(Tried::Recorded(Recorded::Done {
                        page: page.id,
                        version: page.version,
                    }));
                }
                Edit::Body(_) if only_look => return Ok(Tried::Recorded(Recorded::Missing)),
                Edit::Body(body) => body,
            };
            let message = format!("Countersign: {}", merge.name());
            match self.update(context, &page, &body, &message).await {
                Ok(written) => return Ok(Tried::Recorded(written.into())),
                // Read again and looked at again: others' changes stay, and whoever put the row there has done it for us.
                Err(error) if error.class == FailureClass::Conflict => conflict = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(conflict.unwrap_or_else(|| gone(id)))
    }
}

impl From<Written> for Recorded {
    fn from(written: Written) -> Self {
        Self::Done {
            page: written.id,
            version: written.version,
        }
    }
}

/// The title of a page and its number: `Audit (3)` is the third of `Audit`.
fn volume_of(title: &str) -> (&str, usize) {
    let numbered = title.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    match numbered.and_then(|(base, number)| Some((base, number.parse().ok()?))) {
        Some((base, number)) if (2..MOST_PAGES).contains(&number) => (base, number),
        _ => (title, 1),
    }
}

fn volume_title(base: &str, number: usize) -> String {
    format!("{base} ({number})")
}

fn malformed(error: &Malformed) -> CallError {
    problem(FailureClass::InvalidResponse, error.to_string())
}

fn gone(id: &str) -> CallError {
    let message = format!("page {id} does not exist, or the account may not see it");
    problem(FailureClass::NotFound, message)
}

fn no_space(key: &str) -> CallError {
    let message = format!("space {key} does not exist, or the account may not see it");
    problem(FailureClass::NotFound, message)
}

fn problem(class: FailureClass, message: String) -> CallError {
    CallError {
        action: Action::ConfluenceGetPage,
        class,
        advice: Advice::Permanent,
        sent: true,
        http_status: None,
        message,
    }
}
