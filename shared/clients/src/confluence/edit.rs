//! Computes the edit of a page: a pure function of its body and the merge.

use rules::Wording;

use super::row::{self, COLUMNS, TABLE};
use super::storage::{Document, MalformedStorage};
use crate::MergeSummary;

/// A new page: an introduction for people, and the table with its heading.
const TEMPLATE: &str = include_str!("template.xml");

/// The edit that a page needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// The page is already as wanted.
    None,
    /// The page gets this body.
    Body(String),
    /// The merge request's row is missing, and there is no room for it.
    Full,
}

/// Adds the row to a page, or corrects an existing row in place.
pub(super) fn edit(
    body: &str,
    merge: &MergeSummary,
    wording: &Wording,
    limit: usize,
) -> Result<Edit, MalformedStorage> {
    if let Some(edit) = correct(body, merge, wording)? {
        return Ok(edit);
    }
    let document = Document::parse(body)?;
    let new = row::row(merge, wording);
    let body = if let Some(table) = table(&document) {
        // Rows belong in the table's `tbody`, which Confluence always adds.
        let bodies = document.children(table, "tbody");
        document.with(bodies.last().or(Some(table)), &new)?
    } else {
        let with_table = document.with(None, &Document::parse(TEMPLATE)?.into_events())?;
        let document = Document::parse(&with_table)?;
        let table = table(&document);
        let bodies = table.and_then(|table| document.children(table, "tbody").last());
        document.with(bodies, &new)?
    };
    Ok(if body.len() > limit {
        Edit::Full
    } else {
        Edit::Body(body)
    })
}

/// The same for an existing row only; `None`: there is no row.
pub(super) fn correct(body: &str, merge: &MergeSummary, wording: &Wording) -> Result<Option<Edit>, MalformedStorage> {
    let document = Document::parse(body)?;
    let Some(found) = row::find(&document, table(&document), merge) else {
        return Ok(None);
    };
    let cell = row::verdict_cell(&document, found);
    if row::has_decision(&document, found, merge) || cell.is_none() {
        return Ok(Some(Edit::None));
    }
    let body = document.with(cell, &row::correction(merge, wording))?;
    Ok(Some(Edit::Body(body)))
}

/// Whether our table is on the page. An unreadable body counts as ours; the caller that writes to it reports the error.
pub(super) fn is_ours(body: &str) -> bool {
    Document::parse(body).map_or(true, |document| table(&document).is_some())
}

/// A new page with the row on it.
pub(super) fn first(merge: &MergeSummary, wording: &Wording) -> Result<String, MalformedStorage> {
    match edit(TEMPLATE, merge, wording, usize::MAX)? {
        Edit::Body(body) => Ok(body),
        Edit::None | Edit::Full => Ok(TEMPLATE.to_owned()),
    }
}

/// The table: marked by our anchor, or the first with our headings, in case a person removed the anchor.
fn table(document: &Document<'_>) -> Option<usize> {
    let marked = row::anchored(document, TABLE).and_then(|anchor| document.around(anchor, "table"));
    marked.or_else(|| {
        let ours = |table: &usize| {
            let headings = document
                .elements("th")
                .filter(|heading| document.around(*heading, "table") == Some(*table));
            let headings: Vec<String> = headings
                .map(|heading| document.text(heading).trim().to_owned())
                .collect();
            COLUMNS
                .iter()
                .all(|column| headings.iter().any(|heading| heading == column))
        };
        document.elements("table").find(ours)
    })
}

#[cfg(test)]
mod tests;
