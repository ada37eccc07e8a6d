//! Security labels of the merge request: at the merge, and at any time before it.
//!
//! If readable, GitLab's label events decide, per label id: a project label and a group label may have one title. The stored events
//! and earlier answers add what they cannot show, such as a label that was deleted since (GitLab then sends its events without a
//! name). Removing a label does not hide a merge request.

mod sources;
mod stored;
mod titles;
mod track;

use jiff::Timestamp;
use model::{Facts, User};

use crate::Rules;
pub(crate) use sources::Sources;
use track::{Track, tracks};

/// A label that GitLab's own events show as removed before the merge, and not replaced by another security label of its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) at: Timestamp,
    pub(crate) by: Option<User>,
}

/// The security labels of a merge request, with respect to its merge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else about the labels")]
pub(crate) struct LabelHistory {
    /// Labels set at the merge, sorted.
    pub(crate) at_merge: Vec<String>,
    /// Labels set at any time up to the merge, sorted.
    pub(crate) ever: Vec<String>,
    /// When the first of them was set, if an event shows it.
    pub(crate) first_added: Option<Timestamp>,
    /// The last removal before the merge that any source shows.
    pub(crate) last_removal: Option<Removal>,
    /// Every removal that needs an entitled person, per label id.
    pub(crate) removals: Vec<Removal>,
    /// A label was gone at the merge and GitLab's events do not show who removed it: deleted, renamed, or not readable.
    pub(crate) removal_unknown: bool,
    /// A label is shown only by events that may be from after the merge.
    pub(crate) any_unordered: bool,
    /// A label had been set, but it is unknown whether it was still set at the merge.
    pub(crate) at_merge_unknown: bool,
    /// No label was certainly set up to the merge: the events that show one may be from after it.
    pub(crate) is_unordered: bool,
    /// A security label was first added after the merge.
    pub(crate) only_after_merge: bool,
    /// Label events could not be read completely.
    pub(crate) events_incomplete: bool,
    /// A label that no source shows may have been set: a list was cut, and GitLab's events are incomplete.
    pub(crate) unknown: bool,
}

/// The label history for any GitLab answer.
pub(crate) fn label_history(facts: &Facts, rules: &Rules) -> LabelHistory {
    of_sources(rules, &Sources::of(facts))
}

pub(crate) fn of_sources(rules: &Rules, sources: &Sources<'_>) -> LabelHistory {
    let tracks = tracks(rules, sources);
    let ever: Vec<&Track> = tracks.iter().filter(|track| track.at_merge || track.before).collect();
    let titles = |tracks: &mut dyn Iterator<Item = &Track>| tracks.map(|track| track.title.clone()).collect();
    let certain = || ever.iter().filter(|track| track.surely);
    let known_since_creation = ever.iter().any(|track| track.first_added.is_none());
    let events_incomplete = sources
        .events
        .known()
        .is_none_or(|events| events.iter().any(|event| event.label.is_none()));
    LabelHistory {
        at_merge: titles(&mut tracks.iter().filter(|track| track.at_merge)),
        ever: titles(&mut ever.iter().copied()),
        first_added: if known_since_creation {
            None
        } else {
            ever.iter().filter_map(|track| track.first_added).min()
        },
        last_removal: ever
            .iter()
            .filter_map(|track| track.last_removal.clone())
            .max_by_key(|removal| (removal.at, removal.by.clone())),
        removals: ever.iter().flat_map(|track| track.removals.iter().cloned()).collect(),
        removal_unknown: certain().any(|track| track.at_merge || track.removal_unknown),
        any_unordered: ever.iter().any(|track| !track.surely),
        at_merge_unknown: ever.iter().any(|track| !track.at_merge && track.at_merge_unknown),
        is_unordered: !ever.is_empty() && certain().next().is_none(),
        only_after_merge: ever.is_empty() && !tracks.is_empty(),
        unknown: ever.is_empty() && events_incomplete && sources.truncated,
        events_incomplete,
    }
}

#[cfg(test)]
mod tests;
