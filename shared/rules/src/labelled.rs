//! When the first security label was added: by GitLab's label events, and never by `labels[].created_at`, which is the age of the
//! label itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Facts, GitLabAnswer, HistoryEvent, LabelEvent, Reading, TimeUnknown};

use crate::Rules;
use crate::case::trusted;
use crate::label_history::label_history;

/// A hook has whole seconds, a label event milliseconds.
const SAME_ACT_SECONDS: u64 = 2;

/// When it became security-relevant. A label set at creation leaves no event: then the creation time counts.
pub(crate) fn labelled_at(facts: &Facts, rules: &Rules) -> Result<Timestamp, TimeUnknown> {
    let (events, created_at) = label_events(facts);
    let Some(Reading::Known(events)) = events else {
        return Err(TimeUnknown::LabelEventsUnreadable);
    };
    let mut of_label: BTreeMap<String, Vec<&LabelEvent>> = BTreeMap::new();
    for event in events {
        if let Some(title) = &event.label {
            of_label.entry(title.to_lowercase()).or_default().push(event);
        }
    }
    let labels_now = labels_now(facts);
    let mut first = None;
    for title in label_history(facts, rules).ever {
        let own = of_label
            .get(&title.to_lowercase())
            .and_then(|own| own.iter().min_by_key(|event| event.at));
        let since = match own {
            Some(event) if event.added => match nameless(facts, events, &title) {
                Some(earlier) => earlier.min(event.at),
                // It was on before a label of this name was created again, and it is unknown which of them those events belong to.
                None if shown_before(facts, &title, event.at) && nameless_before(events, event.at) => {
                    return Err(TimeUnknown::LabelDeleted);
                }
                None => event.at,
            },
            Some(_) => created_at.ok_or(TimeUnknown::CreationTimeUnknown)?,
            None if labels_now.iter().any(|label| label.eq_ignore_ascii_case(&title)) => {
                created_at.ok_or(TimeUnknown::CreationTimeUnknown)?
            }
            None => nameless(facts, events, &title).ok_or(TimeUnknown::LabelDeleted)?,
        };
        first = Some(first.map_or(since, |first: Timestamp| first.min(since)));
    }
    first.ok_or(TimeUnknown::LabelDeleted)
}

fn label_events(facts: &Facts) -> (Option<&Reading<Vec<LabelEvent>>>, Option<Timestamp>) {
    match &facts.api {
        GitLabAnswer::Full(api) => (Some(&api.label_events), api.created_at),
        GitLabAnswer::LabelsOnly(labels) => (Some(&labels.label_events), None),
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            (unread.labels.as_ref().map(|labels| &labels.label_events), None)
        }
    }
}

fn labels_now(facts: &Facts) -> &[String] {
    match &facts.api {
        GitLabAnswer::Full(api) => &api.labels_now,
        GitLabAnswer::LabelsOnly(labels) => &labels.labels_now,
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => unread
            .labels
            .as_ref()
            .map_or(&[], |labels| labels.labels_now.as_slice()),
    }
}

/// GitLab's events of a deleted label have lost the name; the stored event of the same act still has it.
fn nameless(facts: &Facts, events: &[LabelEvent], title: &str) -> Option<Timestamp> {
    let added = |event: &&HistoryEvent| event.labels_added.iter().any(|label| label.eq_ignore_ascii_case(title));
    trusted(facts).into_iter().filter(added).find_map(|stored| {
        let close = |event: &&LabelEvent| {
            let apart = event.at.as_second().abs_diff(stored.occurred_at.as_second());
            event.label.is_none() && event.added && apart <= SAME_ACT_SECONDS
        };
        events.iter().find(close).map(|event| event.at)
    })
}

fn nameless_before(events: &[LabelEvent], at: Timestamp) -> bool {
    events
        .iter()
        .any(|event| event.label.is_none() && event.added && event.at < at)
}

/// Whether a stored event shows the label before it was on by the events that have its name.
fn shown_before(facts: &Facts, title: &str, at: Timestamp) -> bool {
    let at = at.as_second() - SAME_ACT_SECONDS.cast_signed();
    trusted(facts).into_iter().any(|event| {
        let mut labels = event.labels.iter().chain(&event.labels_added);
        event.occurred_at.as_second() < at && labels.any(|label| label.eq_ignore_ascii_case(title))
    })
}
