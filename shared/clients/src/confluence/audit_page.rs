//! Records a merge: finds the page with room, and adds the row unless some page has it already.

use audit::{Context, FailureClass};
use rules::{ConfluenceRules as Settings, Wording};

use super::Confluence;
use super::edit::{self, Edit};
use super::errors::{gone, malformed};
use super::page::{ConfluencePage, Written};
use super::task::{Recorded, RowPlace, Task, Tried};
use super::volumes::Next;
use crate::{CallError, MergeSummary};

/// How often a page with concurrent edits is read again before the outbox retries later.
const READINGS: usize = 5;

impl Confluence {
    /// Puts the merge's row on the audit page, or a correction into the existing row. With `read_only` nothing is changed.
    ///
    /// # Errors
    /// [`CallError`]. A repetition never duplicates a row if [`RowPlace::anywhere`] is set after an attempt that may have succeeded.
    pub async fn record(
        &self,
        context: &Context,
        merge: &MergeSummary,
        (settings, wording): (&Settings, &Wording),
        place: &RowPlace,
        read_only: bool,
    ) -> Result<Recorded, CallError> {
        let task = Task {
            merge,
            settings,
            wording,
            read_only,
        };
        if let Some(earlier) = self.known(context, place.earlier.as_deref()).await?
            && let Tried::Recorded(recorded) = self.on_page(context, task, earlier, false).await?
        {
            return Ok(recorded);
        }
        if (place.anywhere || merge.is_correction || read_only)
            && let Some(recorded) = self.search(context, task, place).await?
        {
            return Ok(recorded);
        }
        if read_only {
            return Ok(Recorded::Missing);
        }
        // If no page is known, or the known page is gone.
        let page = match self.known(context, place.latest.as_deref()).await? {
            Some(latest) => Some(latest),
            None => self.first(context, &settings.page).await?,
        };
        let Some(page) = page else {
            return self.make_first(context, task).await;
        };
        self.add(context, task, page).await
    }

    /// Puts the row on this page, or on the next one with room if this one is full.
    pub(super) async fn add(
        &self,
        context: &Context,
        task: Task<'_>,
        page: ConfluencePage,
    ) -> Result<Recorded, CallError> {
        let id = page.id.clone();
        match self.on_page(context, task, page, true).await? {
            Tried::Recorded(recorded) => Ok(recorded),
            Tried::Elsewhere(page) => self.roll_over(context, task, page).await,
            Tried::Gone => Err(gone(&id).with_retry()),
        }
    }

    /// A page of ours by its id. The id may be that of a deleted page, or of another site.
    async fn known(&self, context: &Context, id: Option<&str>) -> Result<Option<ConfluencePage>, CallError> {
        let Some(id) = id else {
            return Ok(None);
        };
        let page = self.page(context, id).await?;
        Ok(page.filter(|page| edit::is_ours(&page.body)))
    }

    /// Looks for the row from the oldest possible page on, and corrects it in place.
    async fn search(&self, context: &Context, task: Task<'_>, place: &RowPlace) -> Result<Option<Recorded>, CallError> {
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

    /// Corrects the row on this page, or adds it if wanted and there is room.
    pub(super) async fn on_page(
        &self,
        context: &Context,
        task: Task<'_>,
        mut page: ConfluencePage,
        may_add: bool,
    ) -> Result<Tried, CallError> {
        let Task {
            merge,
            settings,
            wording,
            read_only,
        } = task;
        let mut readings = 1;
        loop {
            // 1. Compare: is the row there, and is there room?
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
                Edit::Body(_) if read_only => return Ok(Tried::Recorded(Recorded::Missing)),
                Edit::Body(body) => body,
            };
            // 2. Write, unless the page was changed meanwhile.
            let message = format!("Countersign: {}", merge.name());
            match self.update(context, &page, &body, &message).await {
                Ok(written) => return Ok(Tried::Recorded(written.into())),
                // 3. Read and compare again: concurrent edits stay, and the row may be there by now.
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
