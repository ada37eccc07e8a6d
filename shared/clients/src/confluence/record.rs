//! The whole of it: finds the page that has room, and puts the row there unless it stands somewhere already.

use audit::{Context, FailureClass};
use rules::{Confluence as Settings, Wording};

use super::Confluence;
use super::edit::{self, Edit};
use super::page::{Page, Written};
use super::trouble::{gone, malformed};
use super::volumes::Next;
use crate::{ArchivedMerge, CallError};

/// How often a page that others change meanwhile is read anew before the outbox is left to try again later.
const READINGS: usize = 5;

/// What is known of where rows stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The page that took the latest row: probably the one with room.
    pub latest: Option<String>,
    /// The page that had taken the latest row when this merge was first told of: its row stands there, or on a later one.
    pub oldest: Option<String>,
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
        page: String,
        /// Its version when it was read or written.
        version: u64,
    },
    /// It does not, and nothing was to be changed.
    Missing,
}

/// A merge and how it is written down.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) merge: &'a ArchivedMerge,
    pub(super) settings: &'a Settings,
    pub(super) wording: &'a Wording,
    pub(super) only_look: bool,
}

/// What came of an attempt at one page.
pub(super) enum Tried {
    Recorded(Recorded),
    /// The row is not on it, and it has no room, or was not to get it.
    Elsewhere(Page),
    /// The page was deleted meanwhile.
    Gone,
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
        if let Some(earlier) = self.known(context, place.earlier.as_deref()).await?
            && let Tried::Recorded(recorded) = self.on_page(context, task, earlier, false).await?
        {
            return Ok(recorded);
        }
        if (place.anywhere || merge.is_correction || only_look)
            && let Some(recorded) = self.search(context, task, place).await?
        {
            return Ok(recorded);
        }
        if only_look {
            return Ok(Recorded::Missing);
        }
        // If nothing is known, or the page that was known is gone.
        let page = match self.known(context, place.latest.as_deref()).await? {
            Some(latest) => Some(latest),
            None => self.first(context, &settings.page).await?,
        };
        let Some(page) = page else {
            return self.make_first(context, task).await;
        };
        self.add(context, task, page).await
    }

    /// Puts the row on this page, or if that is full on the next one with room.
    pub(super) async fn add(&self, context: &Context, task: Task<'_>, page: Page) -> Result<Recorded, CallError> {
        let id = page.id.clone();
        match self.on_page(context, task, page, true).await? {
            Tried::Recorded(recorded) => Ok(recorded),
            Tried::Elsewhere(page) => self.roll_over(context, task, page).await,
            Tried::Gone => Err(gone(&id).read_anew()),
        }
    }

    /// A page of ours by its id; an id may also be that of a page that is gone, or of another site.
    async fn known(&self, context: &Context, id: Option<&str>) -> Result<Option<Page>, CallError> {
        let Some(id) = id else {
            return Ok(None);
        };
        let page = self.page(context, id).await?;
        Ok(page.filter(|page| edit::is_ours(&page.body)))
    }

    /// Looks for the row from the oldest page on that it can stand on, and corrects it where it stands.
    async fn search(&self, context: &Context, task: Task<'_>, place: &Place) -> Result<Option<Recorded>, CallError> {
        let oldest = match self.known(context, place.oldest.as_deref()).await? {
            Some(oldest) => Some(oldest),
            None => self.first(context, &task.settings.page).await?,
        };
        let Some(mut page) = oldest else {
            return Ok(None);
        };
        loop {
            let (title, space_id) = (page.title.clone(), page.space_id.clone());
            if let Tried::Recorded(recorded) = self.on_page(context, task, page, false).await? {
                return Ok(Some(recorded));
            }
            match self.next_volume(context, &space_id, &title).await? {
                Next::Page(next) => page = *next,
                Next::Free(_) => return Ok(None),
            }
        }
    }

    /// Puts the row on this page: corrects it if it stands there, else adds it if that is wanted and there is room.
    pub(super) async fn on_page(
        &self,
        context: &Context,
        task: Task<'_>,
        mut page: Page,
        may_add: bool,
    ) -> Result<Tried, CallError> {
        let Task {
            merge,
            settings,
            wording,
            only_look,
        } = task;
        let mut readings = 1;
        loop {
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
                Err(error) if error.class == FailureClass::Conflict && readings < READINGS => {
                    readings += 1;
                    match self.page(context, &page.id).await? {
                        Some(now) => page = now,
                        None => return Ok(Tried::Gone),
                    }
                }
                Err(error) if error.is_not_found() => return Ok(Tried::Gone),
                Err(error) => return Err(error),
            }
        }
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
