//! Our row in the table: its content, and how it is found again.
//!
//! Confluence hides anchors and keeps them through every edit, so they are the markers: one for the merge request in its row, one
//! for each effect. If a person removed an anchor, the link to the merge request and the number of the decision identify the row.

use model::sha256_hex;
use quick_xml::events::{BytesStart, Event};
use rules::Wording;

use super::storage::{Document, element, text_events};
use crate::MergeSummary;

/// The heading of each column.
pub(super) const COLUMNS: [&str; 7] = [
    "Merge request",
    "Verdict",
    "Approved by",
    "Reviewers",
    "Labels",
    "Merged",
    "Evidence",
];
/// The column of the verdict, which corrections go into.
const VERDICT: usize = 1;
/// The anchor in the heading of our table.
pub(super) const TABLE: &str = "countersign-audit-table";

/// What the anchor of every row begins with.
const ROW: &str = "countersign-mr-";

/// The anchor of the merge request's row.
fn row_anchor(merge: &MergeSummary) -> String {
    let digest = sha256_hex(merge.row.merge_request.to_string().as_bytes());
    format!("{ROW}{}", &digest[..32])
}

/// The anchor of this effect.
fn effect_anchor(merge: &MergeSummary) -> String {
    format!("countersign-told-{}", merge.reference)
}

fn anchor(name: &str) -> Vec<Event<'static>> {
    let parameter = element("ac:parameter", &[("ac:name", "")], text_events(name));
    element(
        "ac:structured-macro",
        &[("ac:name", "anchor"), ("ac:schema-version", "1")],
        parameter,
    )
}

/// The row of a merge.
pub(super) fn row(merge: &MergeSummary, wording: &Wording) -> Vec<Event<'static>> {
    let mut name = anchor(&row_anchor(merge));
    match crate::address::shown(&merge.row.web_url) {
        Some(url) => name.extend(element("a", &[("href", &url)], text_events(&merge.name()))),
        None => name.extend(text_events(&merge.name())),
    }
    name.push(Event::Empty(BytesStart::new("br").into_owned()));
    name.extend(text_events(&crate::plain::line(&merge.row.title, 200)));
    let mut verdict = anchor(&effect_anchor(merge));
    verdict.extend(text_events(&merge.sentence(wording)));
    let at = merge.row.merge.as_ref();
    let by = at
        .and_then(|merge| merge.by.as_ref())
        .map_or("unknown", |user| user.username.as_str());
    let merged = at.map_or_else(|| "unknown".to_owned(), |merge| format!("{:.0} by {by}", merge.at));
    let evidence = merge.evidence.as_ref();
    let evidence = evidence.map_or_else(String::new, |evidence| format!(", sha256:{}", evidence.sha256));
    let lists = [merge.approvers(), merge.reviewers(), merge.row.review.labels.clone()];
    let [approvers, reviewers, labels] = lists.map(|list| text_events(&list.join(", ")));
    let proof = text_events(&format!("Decision {}{evidence}", merge.decision_id));
    let cells = [name, verdict, approvers, reviewers, labels, text_events(&merged), proof];
    let cells = cells
        .into_iter()
        .flat_map(|cell| element("td", &[], element("p", &[], cell)));
    element("tr", &[], cells.collect())
}

/// What a correction adds to the current verdict.
pub(super) fn correction(merge: &MergeSummary, wording: &Wording) -> Vec<Event<'static>> {
    let mut content = anchor(&effect_anchor(merge));
    let sentence = merge.sentence(wording);
    let (at, decision) = (merge.decided_at, merge.decision_id);
    content.extend(text_events(&format!(
        "Corrected on {at:.0}: {sentence} Decision {decision}"
    )));
    element("p", &[], content)
}

/// The merge request's row in the body. Without its anchor, only a row of our table counts whose first cell links to the merge
/// request and that is not marked as another one's: people add links to merge requests anywhere.
pub(super) fn find(document: &Document<'_>, table: Option<usize>, merge: &MergeSummary) -> Option<usize> {
    let marked = anchored(document, &row_anchor(merge)).and_then(|anchor| document.around(anchor, "tr"));
    marked.or_else(|| {
        let url = crate::address::shown(&merge.row.web_url)?;
        let ours = |link: &usize| document.attribute(*link, "href").as_deref() == Some(url.as_str());
        let row_of = |link: usize| {
            let row = document.around(link, "tr")?;
            let cells = document.children(row, "td").chain(document.children(row, "th"));
            let first = cells.min()?;
            let in_first = [document.around(link, "td"), document.around(link, "th")].contains(&Some(first));
            let in_table = document.around(row, "table") == table;
            (in_first && in_table && table.is_some() && !is_marked(document, row)).then_some(row)
        };
        document.elements("a").filter(ours).find_map(row_of)
    })
}

/// Whether the row is marked as the row of any merge request.
fn is_marked(document: &Document<'_>, row: usize) -> bool {
    let mut anchors = anchors(document).filter(|anchor| document.around(*anchor, "tr") == Some(row));
    anchors.any(|anchor| document.text(anchor).trim().starts_with(ROW))
}

/// Whether the row contains this decision.
pub(super) fn has_decision(document: &Document<'_>, row: usize, merge: &MergeSummary) -> bool {
    let marked = anchored(document, &effect_anchor(merge));
    let in_row = marked.is_some_and(|anchor| document.around(anchor, "tr") == Some(row));
    in_row || document.text(row).contains(&merge.decision_id.to_string())
}

/// The cell of a row that holds the verdict.
pub(super) fn verdict_cell(document: &Document<'_>, row: usize) -> Option<usize> {
    // People may have changed the first column to a heading.
    let mut cells: Vec<usize> = document
        .children(row, "td")
        .chain(document.children(row, "th"))
        .collect();
    cells.sort_unstable();
    cells.get(VERDICT).or(cells.last()).copied()
}

/// The anchor of this name.
pub(super) fn anchored(document: &Document<'_>, name: &str) -> Option<usize> {
    anchors(document).find(|anchor| document.text(*anchor).trim() == name)
}

fn anchors(document: &Document<'_>) -> impl Iterator<Item = usize> {
    document.elements("ac:parameter").filter(|parameter| {
        let around = document.around(*parameter, "ac:structured-macro");
        let of_anchor = around.and_then(|around| document.attribute(around, "ac:name"));
        of_anchor.as_deref() == Some("anchor")
    })
}
