//! Whether the merge request carried a security label: at the merge, or at any time before it.
//!
//! GitLab's label events decide where they can be read; the stored history fills in where they cannot, or where a label
//! has been deleted since (then GitLab names it `null`). Taking a label off does not hide a merge request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Facts, HistoryEvent, LabelEvent, LabelsRead, Reading, User, UserId, WitnessA};

use crate::Rules;
use crate::case::trusted;

/// A hook is built in the background, some seconds after what it tells of: its label list may be that much younger.
const HOOK_DELAY: i64 = 10;

/// What is known of one security label.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Track {
    title: String,
    at_merge: bool,
    before: bool,
    first_added: Option<Timestamp>,
    removed: Option<Removal>,
    /// The stored history shows it surely before the merge, not only in the label list of a hook that was built around then.
    surely_before: bool,
}

/// The last time a label was taken off before the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) at: Timestamp,
    pub(crate) by: Option<User>,
    /// Whether that person was an eligible approver then; `None` if nothing was recorded.
    pub(crate) eligible: Option<bool>,
    /// GitLab's own label events show it; the stored history alone never excuses anything.
    pub(crate) told_by_gitlab: bool,
}

/// The security labels of a merge request, as far as its merge is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Labels that stood at the merge, sorted.
    pub(crate) at_merge: Vec<String>,
    /// Labels that stood at some time before the merge, sorted; includes those at the merge.
    pub(crate) ever: Vec<String>,
    /// Since when the first of them stood, if an event says so.
    pub(crate) first_added: Option<Timestamp>,
    /// The removal after which none stood any longer.
    pub(crate) last_removal: Option<Removal>,
    /// One of them was gone at the merge although nobody took it off: renamed, or deleted from the project.
    pub(crate) vanished: bool,
    /// A security label was first put on after the merge.
    pub(crate) only_after_merge: bool,
    /// Label events could not be read whole.
    pub(crate) events_incomplete: bool,
}

/// Everything the labels are judged by; `labels_now` and `events` come from the API, if it answered.
pub(crate) struct Sources<'a> {
    pub(crate) merged_at: Timestamp,
    pub(crate) webhook_labels: &'a [String],
    pub(crate) labels_now: &'a [String],
    pub(crate) events: &'a Reading<Vec<LabelEvent>>,
    pub(crate) history: &'a [&'a HistoryEvent],
}

/// Judges by the merge event, the stored history and what was read of the labels, when there is no whole answer of the API.
///
/// When a delivery alone says when the merge was, that time excludes nothing: everything in the history counts as before it.
pub(crate) fn without_api(
    facts: &Facts,
    labels: Option<&LabelsRead>,
    history: &[&HistoryEvent],
    rules: &Rules,
) -> Carried {
    let webhook_labels = &facts.trigger.labels;
    let unread = Reading::Unknown("GitLab was not readable".to_owned());
    let sources = match labels {
        Some(LabelsRead {
            merged_at,
            labels_now,
            label_events,
        }) => Sources {
            merged_at: *merged_at,
            webhook_labels,
            labels_now,
            events: label_events,
            history,
        },
        None => Sources {
            merged_at: Timestamp::MAX,
            webhook_labels,
            labels_now: &[],
            events: &unread,
            history,
        },
    };
    carried(rules, &sources)
}

/// The same for whatever GitLab answered.
pub(crate) fn carried_of(facts: &Facts, rules: &Rules) -> Carried {
    let history = trusted(facts);
    match &facts.api {
        WitnessA::Answer(api) => carried(
            rules,
            &Sources {
                merged_at: api.merge.merged_at,
                webhook_labels: &facts.trigger.labels,
                labels_now: &api.labels_now,
                events: &api.label_events,
                history: &history,
            },
        ),
        WitnessA::NotAsked(labels) => without_api(facts, Some(labels), &history, rules),
        WitnessA::Unreadable(unread) | WitnessA::Refused(unread) => {
            without_api(facts, unread.labels.as_ref(), &history, rules)
        }
        WitnessA::NotMerged(_) => without_api(facts, None, &history, rules),
    }
}

pub(crate) fn carried(rules: &Rules, sources: &Sources<'_>) -> Carried {
    let tracks: Vec<Track> = titles(rules, sources)
        .into_iter()
        .map(|(folded, title)| track(&folded, title, sources))
        .collect();
    let at_merge: Vec<String> = tracks
        .iter()
        .filter(|track| track.at_merge)
        .map(|track| track.title.clone())
        .collect();
    let ever: Vec<&Track> = tracks.iter().filter(|track| track.at_merge || track.before).collect();
    let known_since_creation = ever.iter().any(|track| track.first_added.is_none());
    Carried {
        ever: ever.iter().map(|track| track.title.clone()).collect(),
        first_added: if known_since_creation {
            None
        } else {
            ever.iter().filter_map(|track| track.first_added).min()
        },
        // Of two in the same instant the one by whoever is not known to be entitled counts.
        last_removal: ever
            .iter()
            .filter_map(|track| track.removed.clone())
            .max_by_key(|removal| {
                let doubtful = (!removal.told_by_gitlab, removal.eligible != Some(true));
                (removal.at, doubtful, removal.by.clone())
            }),
        vanished: ever.iter().any(|track| !track.at_merge && track.removed.is_none()),
        only_after_merge: ever.is_empty() && !tracks.is_empty(),
        events_incomplete: match sources.events {
            Reading::Known(events) => events.iter().any(|event| event.label.is_none()),
            Reading::Unknown(_) => true,
        },
        at_merge,
    }
}

/// Every security label that any source names, by its folded title.
fn titles(rules: &Rules, sources: &Sources<'_>) -> BTreeMap<String, String> {
    let named = sources
        .events
        .known()
        .into_iter()
        .flatten()
        .filter_map(|event| event.label.as_ref());
    let stored = sources.history.iter().flat_map(|event| {
        event
            .labels
            .iter()
            .chain(&event.labels_added)
            .chain(&event.labels_removed)
    });
    let all = named
        .chain(sources.labels_now)
        .chain(sources.webhook_labels)
        .chain(stored);
    let mut titles = BTreeMap::new();
    for title in all.filter(|title| rules.is_security_label(title)) {
        // Of several spellings of one label the first in order stands for all, wherever it was met.
        titles
            .entry(title.to_lowercase())
            .and_modify(|kept: &mut String| *kept = kept.clone().min(title.clone()))
            .or_insert_with(|| title.clone());
    }
    titles
}

fn track(folded: &str, title: String, sources: &Sources<'_>) -> Track {
    let same = |other: &String| other.to_lowercase() == folded;
    let mut events: Vec<&LabelEvent> = sources
        .events
        .known()
        .into_iter()
        .flatten()
        .filter(|event| event.label.as_ref().is_some_and(same))
        .collect();
    // Of two in the same instant the one that puts it on comes last: in doubt the label stood.
    events.sort_by_key(|event| (event.at, event.added, event.actor.as_ref()));
    let from_history = by_history(&same, sources);
    if let Some(first) = events.first() {
        return Track {
            title,
            ..by_events(first, &events, &from_history, sources)
        };
    }
    if sources.events.known().is_some() && sources.labels_now.iter().any(same) {
        // On it now, and no event ever put it on: it was there from the beginning.
        return Track {
            title,
            at_merge: true,
            before: true,
            ..Track::default()
        };
    }
    // No event names it: unreadable events, or a label deleted since. What was seen counts.
    Track { title, ..from_history }
}

/// By GitLab's own events about this label.
fn by_events(first: &LabelEvent, events: &[&LabelEvent], from_history: &Track, sources: &Sources<'_>) -> Track {
    let up_to_merge: Vec<&&LabelEvent> = events.iter().filter(|event| event.at <= sources.merged_at).collect();
    // An event that takes it off without one that put it on: it was there from the beginning.
    let from_creation = !first.added;
    // A label renamed or deleted, and one of its name made anew: the events are those of the new one, or have no name. What was
    // surely seen before the merge counts besides.
    let incomplete = sources
        .events
        .known()
        .into_iter()
        .flatten()
        .any(|event| event.label.is_none());
    let at_merge = up_to_merge.last().map_or(from_creation, |event| event.added);
    let removed = up_to_merge.last().filter(|event| !event.added).map(|event| Removal {
        at: event.at,
        by: event.actor.clone(),
        eligible: recorded_eligibility(event.actor.as_ref().map(|actor| actor.id), from_history),
        told_by_gitlab: true,
    });
    Track {
        title: String::new(),
        at_merge,
        before: at_merge
            || from_creation
            || !up_to_merge.is_empty()
            || (incomplete && from_history.before)
            || from_history.surely_before,
        first_added: up_to_merge
            .iter()
            .find(|event| event.added)
            .map(|event| event.at)
            .filter(|_| !from_creation),
        removed,
        surely_before: from_history.surely_before,
    }
}

/// What was recorded about the eligibility of the one who took the label off, if the stored event is theirs.
fn recorded_eligibility(actor: Option<UserId>, from_history: &Track) -> Option<bool> {
    let removal = from_history.removed.as_ref()?;
    (removal.by.as_ref().map(|user| user.id) == actor)
        .then_some(removal.eligible)
        .flatten()
}

/// The removal of a label that has been deleted since: GitLab's events show it without the name, by the same person at that time.
fn deleted_label_removed(event: &HistoryEvent, sources: &Sources<'_>) -> bool {
    let actor = event.actor.as_ref().map(|actor| actor.id);
    let nameless = sources
        .events
        .known()
        .into_iter()
        .flatten()
        .filter(|told| told.label.is_none() && !told.added);
    let mut by_the_same = nameless.filter(|told| actor.is_some() && told.actor.as_ref().map(|user| user.id) == actor);
    by_the_same.any(|told| told.at.as_second().abs_diff(event.occurred_at.as_second()) <= 2)
}

/// By the stored events and the merge event itself.
fn by_history(same: &dyn Fn(&String) -> bool, sources: &Sources<'_>) -> Track {
    let mut track = Track::default();
    let before_merge = |event: &&&HistoryEvent| event.occurred_at.as_second() <= sources.merged_at.as_second();
    for event in sources.history.iter().filter(before_merge) {
        let added = event.labels_added.iter().any(same);
        let removed = event.labels_removed.iter().any(same);
        if added && track.first_added.is_none() && !track.before {
            track.first_added = Some(event.occurred_at);
        }
        if removed {
            track.removed = Some(Removal {
                at: event.occurred_at,
                by: event.actor.clone(),
                eligible: event.eligible,
                told_by_gitlab: deleted_label_removed(event, sources),
            });
        }
        let stands = event.labels.iter().any(same) || added;
        track.before |= stands || removed;
        let (at, merge) = (event.occurred_at.as_second(), sources.merged_at.as_second());
        track.surely_before |= ((added || removed) && at < merge) || (stands && at.saturating_add(HOOK_DELAY) < merge);
        if stands {
            track.removed = None;
        }
    }
    track.at_merge = sources.webhook_labels.iter().any(same);
    if sources.events.known().is_none() && !track.before && sources.labels_now.iter().any(same) {
        // In sight, and nothing says when it came: it counts.
        track.at_merge = true;
    }
    track.before |= track.at_merge;
    if track.at_merge {
        track.removed = None;
    }
    track
}

#[cfg(test)]
mod tests;
