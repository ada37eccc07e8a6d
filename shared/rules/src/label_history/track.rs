//! What is known about one security label title.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use model::{LabelEvent, User};

use super::stored::{StoredLabel, stored_labels};
use super::titles::Titles;
use super::{Removal, Sources};
use crate::Rules;
use crate::time::{offset, plus};

/// A hook is built after its act: within this time its label list may be older than a label event.
const HOOK_DELAY: SignedDuration = SignedDuration::from_secs(10);

/// One GitLab action may write several label events: this close to each other.
const ONE_ACT_SECONDS: u64 = 1;

/// One title. Two labels of one title are two ids in it.
#[derive(Debug, Default, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else about the title")]
pub(super) struct Track {
    pub(super) title: String,
    pub(super) at_merge: bool,
    pub(super) before: bool,
    pub(super) first_added: Option<Timestamp>,
    pub(super) last_removal: Option<Removal>,
    pub(super) removals: Vec<Removal>,
    pub(super) removal_unknown: bool,
    pub(super) at_merge_unknown: bool,
    /// Certainly set at some time up to the merge, not only shown by events of unknown order.
    pub(super) surely: bool,
}

/// Every security label that any source names.
pub(super) fn tracks(rules: &Rules, sources: &Sources<'_>) -> Vec<Track> {
    let mut titles = Titles::new(rules);
    let stored = stored_labels(&mut titles, sources);
    let mut events: BTreeMap<usize, Vec<&LabelEvent>> = BTreeMap::new();
    for event in sources.events.known().into_iter().flatten() {
        if let Some(title) = event.label.as_deref().and_then(|label| titles.find(label)) {
            events.entry(title).or_default().push(event);
        }
    }
    let lists = [sources.labels_now, sources.merge_event_labels.unwrap_or_default()];
    let [now, at_merge_event] =
        lists.map(|list| list.iter().filter_map(|label| titles.find(label)).collect::<Vec<_>>());
    let earlier = Earlier::of(sources, &mut titles);
    let nameless = sources.events.known().into_iter().flatten();
    let nameless: Vec<&LabelEvent> = nameless.filter(|event| event.label.is_none()).collect();
    let none = StoredLabel::default();
    let mut tracks: Vec<Track> = (0..titles.names.len())
        .map(|title| {
            let known = Known {
                events: events.get(&title).map_or(&[], Vec::as_slice),
                stored: stored.get(&title).unwrap_or(&none),
                now: now.iter().filter(|listed| **listed == title).count(),
                at_merge_event: at_merge_event.contains(&title),
                at_a_time: earlier.before.get(&title).copied().unwrap_or(0),
            };
            let mut track = known.track(sources);
            // An answer whose label events were older than its labels mistook a label from after the merge for one from before it.
            let refuted = nameless.is_empty() && known.is_only_after(sources.merged_at);
            let shown = !refuted && earlier.before.contains_key(&title);
            track.before |= shown;
            track.surely |= shown;
            track.at_merge |= shown && earlier.at_merge.contains(&title);
            track.removal_unknown |= known.events.is_empty() || sources.events.known().is_none();
            track.title.clone_from(&titles.names[title]);
            track
        })
        .collect();
    drop_replaced(&mut tracks, &titles.names, &events, &nameless);
    tracks.sort_by(|one, other| one.title.cmp(&other.title));
    tracks
}

/// What earlier answers show about each title.
struct Earlier {
    /// Set up to the merge, with the most labels of the title that were set together.
    before: BTreeMap<usize, usize>,
    at_merge: BTreeSet<usize>,
}

impl Earlier {
    fn of(sources: &Sources<'_>, titles: &mut Titles<'_>) -> Self {
        let earlier = sources.earlier;
        let since = earlier
            .labels_since
            .iter()
            .filter(|(_, since)| **since <= sources.merged_at);
        let counted = earlier.labels.iter().map(|(title, count)| (title, *count));
        let at_merge: BTreeSet<usize> = earlier
            .labels_at_merge
            .iter()
            .filter_map(|title| titles.find(title))
            .collect();
        let mut before: BTreeMap<usize, usize> = at_merge.iter().map(|title| (*title, 1)).collect();
        for (title, count) in counted.chain(since.map(|(title, _)| (title, 1))) {
            let Some(title) = titles.find(title) else { continue };
            let most = before.entry(title).or_default();
            *most = count.max(*most);
        }
        Self { before, at_merge }
    }
}

/// What the sources show about one title.
struct Known<'a> {
    events: &'a [&'a LabelEvent],
    stored: &'a StoredLabel,
    /// How many labels of this title are set now.
    now: usize,
    at_merge_event: bool,
    /// How many labels of this title an earlier answer showed together.
    at_a_time: usize,
}

impl Known<'_> {
    /// Every source except an earlier answer shows the title only after the merge.
    fn is_only_after(&self, merged_at: Timestamp) -> bool {
        let first = self.events.iter().min_by_key(|event| (event.at, event.added));
        let added_after = first.filter(|first| first.added && first.at > merged_at);
        let unexplained = |at: Timestamp| self.stored.perhaps_until.is_some_and(|until| until < at);
        added_after.is_some_and(|first| !unexplained(first.at)) && !self.stored.surely_before && !self.at_merge_event
    }

    fn track(&self, sources: &Sources<'_>) -> Track {
        if !self.events.is_empty() {
            return self.by_events(sources);
        }
        let added_after = self
            .stored
            .added_after
            .filter(|_| !self.stored.is_seen_before() && self.at_a_time == 0);
        // A label added after GitLab was read does not explain why GitLab listed it.
        let offset = offset(sources.clock_offset_seconds);
        let explains = |from: Timestamp| sources.read_at.is_none_or(|read_at| from <= plus(read_at, offset));
        if self.now > 0 && !added_after.is_some_and(explains) {
            // Set now without an event that added it: it was set at creation, or events cannot be read and it counts.
            return Track {
                at_merge: true,
                before: true,
                surely: sources.events.known().is_some() || self.stored.surely_before || self.at_merge_event,
                ..Track::default()
            };
        }
        if added_after.is_some() {
            return Track::default();
        }
        self.by_stored(sources)
    }

    /// By GitLab's own events: each label id separately.
    fn by_events(&self, sources: &Sources<'_>) -> Track {
        let merged_at = sources.merged_at;
        let mut track = Track::default();
        let mut ids: BTreeMap<Option<i64>, Vec<&LabelEvent>> = BTreeMap::new();
        for event in self.events {
            ids.entry(event.label_id).or_default().push(event);
        }
        let mut on_now = 0;
        let mut from_creation = false;
        let mut first_on = None::<Timestamp>;
        for events in ids.values_mut() {
            // At the same time, the event that adds it comes last: in doubt the label was set.
            events.sort_by_key(|event| (event.at, event.added, event.actor.as_ref()));
            let up_to_merge = events.partition_point(|event| event.at <= merged_at);
            let (up_to_merge, later) = events.split_at(up_to_merge);
            let created_with = events.first().is_some_and(|first| !first.added);
            // Undo what came after the merge: a removal then means that it was set.
            let at_merge =
                up_to_merge.last().is_some_and(|last| last.added) || later.first().is_some_and(|next| !next.added);
            from_creation |= created_with;
            on_now += usize::from(events.last().is_some_and(|last| last.added));
            first_on = first_on.into_iter().chain(events.first().map(|first| first.at)).min();
            track.at_merge |= at_merge;
            track.before |= at_merge || created_with || !up_to_merge.is_empty();
            let added = up_to_merge.iter().find(|event| event.added).map(|event| event.at);
            track.first_added = track.first_added.into_iter().chain(added).min();
            if let Some(last) = up_to_merge.last().filter(|last| !last.added && !at_merge) {
                track.removals.push(Removal {
                    at: last.at,
                    by: last.actor.clone(),
                });
            }
        }
        if self.now > on_now {
            // Another label of this title, which no event names: set at creation.
            track.at_merge = true;
            from_creation = true;
        }
        // A label of this title that was renamed or deleted has no events any more, but stored events show it.
        let unexplained = |until: Option<Timestamp>| {
            !from_creation && until.is_some_and(|until| first_on.is_some_and(|first| until < first))
        };
        track.surely = track.at_merge || track.before || self.stored.surely_before;
        track.before |= track.at_merge || self.stored.surely_before || unexplained(self.stored.perhaps_until);
        let named = ids.len() + self.now.saturating_sub(on_now);
        let more = self.at_a_time.max(self.stored.at_a_time) > named;
        if more || unexplained(self.stored.first_shown_until) || self.is_shown_after_removal(&track) {
            // Another label of this title: only the merge event shows whether it was still on.
            track.removal_unknown = true;
            track.at_merge |= self.at_merge_event;
            track.at_merge_unknown = sources.merge_event_labels.is_none();
        }
        track.first_added = track.first_added.filter(|_| !from_creation);
        track.last_removal = track.removals.iter().max_by_key(|removal| removal.at).cloned();
        track
    }

    /// Whether the stored events show the title after all labels of it that GitLab names had been removed.
    fn is_shown_after_removal(&self, track: &Track) -> bool {
        let last = track.removals.iter().map(|removal| removal.at).max();
        let Some(last) = last.filter(|_| !track.at_merge) else {
            return false;
        };
        let later = |from: Timestamp| from.duration_since(last) > HOOK_DELAY;
        self.stored.last_shown_from.is_some_and(later)
    }

    /// By the stored events and the merge event.
    fn by_stored(&self, sources: &Sources<'_>) -> Track {
        Track {
            at_merge: self.at_merge_event,
            before: self.at_merge_event || self.stored.is_seen_before(),
            surely: self.stored.surely_before,
            first_added: self.stored.first_added,
            last_removal: self.stored.removal.clone(),
            at_merge_unknown: match self.stored.removal {
                // An earlier answer may have shown it after that.
                Some(_) => {
                    self.stored.removal_unordered || (self.at_a_time > 0 && sources.merge_event_labels.is_none())
                }
                None => sources.merge_event_labels.is_none(),
            },
            removal_unknown: true,
            ..Track::default()
        }
    }
}

/// A removal that is part of replacing a scoped label by another security label of its scope does not count: the other label
/// continues it.
fn drop_replaced(
    tracks: &mut [Track],
    names: &[String],
    events: &BTreeMap<usize, Vec<&LabelEvent>>,
    nameless: &[&LabelEvent],
) {
    for (title, track) in tracks.iter_mut().enumerate() {
        let Some(scope) = scope(&names[title]) else { continue };
        let of_scope: Vec<&LabelEvent> = events
            .iter()
            .filter(|(other, _)| **other != title && self::scope(&names[**other]).as_ref() == Some(&scope))
            .flat_map(|(_, events)| events.iter().copied())
            .collect();
        // The replacing label may have been deleted since: then its event has lost its name.
        let perhaps = |removal: &Removal| nameless.iter().any(|event| event.added && is_one_act(event, removal));
        track.removal_unknown |= track.removals.iter().any(perhaps);
        track
            .removals
            .retain(|removal| !of_scope.iter().any(|event| event.added && is_one_act(event, removal)));
    }
}

/// Whether one person did both within a moment.
fn is_one_act(event: &LabelEvent, removal: &Removal) -> bool {
    let person = |user: Option<&User>| user.map(|user| user.id);
    let apart = event.at.as_second().abs_diff(removal.at.as_second());
    apart <= ONE_ACT_SECONDS && removal.by.is_some() && person(event.actor.as_ref()) == person(removal.by.as_ref())
}

/// `security::high` has the scope `security`: GitLab allows one label of a scope at a time.
fn scope(title: &str) -> Option<String> {
    let (scope, _) = title.rsplit_once("::")?;
    Some(scope.to_lowercase())
}
