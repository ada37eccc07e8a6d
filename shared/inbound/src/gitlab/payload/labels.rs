//! Labels of a delivery: those on the merge request, and those the event added or removed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text::{ID_CHARS, text};
use crate::gitlab::json::MAX_ITEMS;

/// Most bytes of label titles kept per list, so that an event fits into one queue message. With a limit on their number, a few
/// hundred short labels could push a security label out of the list.
const MAX_BYTES: usize = 64 * 1024;

/// Label titles, and whether some are missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Titles {
    /// One for each label: two labels of one title yield it twice.
    pub(super) titles: Vec<String>,
    /// The list was longer than the kept part.
    pub(super) truncated: bool,
}

/// Identity of a label: its id, or its title if it has no id (labels as plain strings).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Id(i64),
    Title(&'a str),
}

/// Titles of the labels on the merge request. GitLab sends two lists; both count, each label once.
pub(super) fn current(document: &Value) -> Titles {
    let nested = document
        .get("object_attributes")
        .and_then(|attributes| attributes.get("labels"));
    let lists = [document.get("labels"), nested];
    let lists: Vec<&Value> = lists.into_iter().flatten().collect();
    let labels = lists.iter().flat_map(|value| list(value));
    bounded(labels, lists.iter().any(|value| is_cut(value)))
}

/// Titles of the labels that the event added.
pub(super) fn added(document: &Value) -> Titles {
    difference(side(document, "current", 1), side(document, "previous", 0))
}

/// Titles of the labels that the event removed.
pub(super) fn removed(document: &Value) -> Titles {
    difference(side(document, "previous", 0), side(document, "current", 1))
}

/// One side of a change: `{previous, current}`, or an array of the two.
fn side<'a>(document: &'a Value, name: &str, index: usize) -> Option<&'a Value> {
    let change = document.get("changes")?.get("labels")?;
    change.get(name).or_else(|| change.get(index))
}

/// Titles of `these` that are not among `others`, distinguished by identity: a renamed label is the same label.
fn difference(these: Option<&Value>, others: Option<&Value>) -> Titles {
    let known = others.map(list).unwrap_or_default();
    let known: BTreeSet<_> = known.iter().map(|(identity, _)| identity).collect();
    let mut rest = these.map(list).unwrap_or_default();
    rest.retain(|(identity, _)| !known.contains(identity));
    let cut = [these, others].into_iter().flatten().any(is_cut);
    bounded(rest.into_iter(), cut)
}

/// Whether the reader may have skipped the end of a list.
fn is_cut(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.len() >= MAX_ITEMS)
}

/// The labels of an array: objects with `title` (webhooks) or `name` (label events), or plain strings (REST).
fn list(value: &Value) -> Vec<(Identity<'_>, &str)> {
    value.as_array().into_iter().flatten().filter_map(label).collect()
}

fn label(value: &Value) -> Option<(Identity<'_>, &str)> {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let title = value.as_str().or_else(|| member("title")).or_else(|| member("name"));
    let title = title.filter(|title| !title.is_empty())?;
    let identity = value
        .get("id")
        .and_then(Value::as_i64)
        .map_or(Identity::Title(title), Identity::Id);
    Some((identity, title))
}

/// Each label once, as many as fit. A label that does not fit does not drop a shorter one after it.
fn bounded<'a>(labels: impl Iterator<Item = (Identity<'a>, &'a str)>, mut truncated: bool) -> Titles {
    let mut seen = BTreeSet::new();
    let mut room = MAX_BYTES;
    let mut kept = Vec::new();
    for (identity, title) in labels {
        let by_title = seen.insert(Identity::Title(title));
        let is_new = match identity {
            Identity::Id(_) => seen.insert(identity),
            Identity::Title(_) => by_title,
        };
        if !is_new {
            continue;
        }
        let title = text(title, ID_CHARS);
        match room.checked_sub(title.len()) {
            Some(left) => {
                room = left;
                kept.push(title);
            }
            None => truncated = true,
        }
    }
    Titles {
        titles: kept,
        truncated,
    }
}
