//! Labels of a delivery: those standing, and those the event put on or took off.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text::{ID_CHARS, text};

/// Most bytes of label titles kept per list, so that an event fits into one queue message. A limit on their number
/// would let somebody push a security label out of sight with a few hundred others.
const MAX_BYTES: usize = 64 * 1024;

/// Identity of a label: its id, or its title where there is none (labels as plain strings).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Id(i64),
    Title(&'a str),
}

/// Titles of the labels standing. GitLab lists them twice; both lists count, each title once.
pub(super) fn standing(document: &Value) -> Vec<String> {
    let nested = document
        .get("object_attributes")
        .and_then(|attributes| attributes.get("labels"));
    let lists = [document.get("labels"), nested];
    bounded(lists.into_iter().flatten().flat_map(list).map(|(_, title)| title))
}

/// Titles of the labels that the event put on and took off.
pub(super) fn changed(document: &Value) -> (Vec<String>, Vec<String>) {
    let change = document.get("changes").and_then(|changes| changes.get("labels"));
    let Some(change) = change else {
        return Default::default();
    };
    let side = |name: &str, index: usize| {
        change
            .get(name)
            .or_else(|| change.get(index))
            .map(list)
            .unwrap_or_default()
    };
    let (previous, current) = (side("previous", 0), side("current", 1));
    (difference(&current, &previous), difference(&previous, &current))
}

/// Titles of `these` that are not among `others`, told apart by identity: a renamed label is the same label.
fn difference(these: &[(Identity<'_>, &str)], others: &[(Identity<'_>, &str)]) -> Vec<String> {
    let others: BTreeSet<_> = others.iter().map(|(identity, _)| identity).collect();
    bounded(
        these
            .iter()
            .filter(|(identity, _)| !others.contains(identity))
            .map(|(_, title)| *title),
    )
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

fn bounded<'a>(titles: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut room = MAX_BYTES;
    let mut kept = Vec::new();
    for title in titles {
        if !seen.insert(title) {
            continue;
        }
        let title = text(title, ID_CHARS);
        match room.checked_sub(title.len()) {
            Some(left) => room = left,
            None => break,
        }
        kept.push(title);
    }
    kept
}
