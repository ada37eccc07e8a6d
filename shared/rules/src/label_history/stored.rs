//! What the stored events show about each security label.

use std::collections::HashMap;

use jiff::Timestamp;
use model::HistoryEvent;

use super::titles::Titles;
use super::{Removal, Sources};
use crate::time::{Interval, Order, order_to_merge};

/// What the stored events show about one title.
#[derive(Debug, Default)]
pub(super) struct StoredLabel {
    /// Shown at a time certainly before the merge.
    pub(super) surely_before: bool,
    /// Shown at a time that may be before the merge: the latest such time.
    pub(super) perhaps_until: Option<Timestamp>,
    /// How many labels of this title one event before the merge shows together.
    pub(super) at_a_time: usize,
    /// Added after the merge: the earliest such time.
    pub(super) added_after: Option<Timestamp>,
    pub(super) first_added: Option<Timestamp>,
    last_added: Option<Interval>,
    /// The last event before the merge that removes it, with no later one that shows it.
    pub(super) removal: Option<Removal>,
    /// That event may also report an act from after the merge.
    pub(super) removal_unordered: bool,
    /// The latest time at which the earliest event that shows it was built.
    pub(super) first_shown_until: Option<Timestamp>,
    /// The earliest time at which the last event before the merge that shows it was built.
    pub(super) last_shown_from: Option<Timestamp>,
}

impl StoredLabel {
    pub(super) fn is_seen_before(&self) -> bool {
        self.surely_before || self.perhaps_until.is_some()
    }
}

/// Processes every stored event once.
pub(super) fn stored_labels(titles: &mut Titles<'_>, sources: &Sources<'_>) -> HashMap<usize, StoredLabel> {
    let mut stored: HashMap<usize, StoredLabel> = HashMap::new();
    for event in &sources.history {
        let act = Interval::of(event, sources.clock_offset_seconds);
        let snapshot = Interval::of_snapshot(event, sources.clock_offset_seconds);
        let order = |interval: Interval| order_to_merge(event, interval, sources.merged_at);
        let [labels, added, removed] = [&event.labels, &event.labels_added, &event.labels_removed]
            .map(|list| list.iter().filter_map(|label| titles.find(label)).collect::<Vec<_>>());
        // Labels that the event removes were on together with those it still shows.
        let mut together: HashMap<usize, usize> = HashMap::new();
        for title in labels.iter().chain(&removed) {
            *together.entry(*title).or_default() += 1;
        }
        for title in labels {
            let known = stored.entry(title).or_default();
            known.shown(snapshot, order(snapshot));
            if order(snapshot) == Order::Before {
                known.last_shown_from = known.last_shown_from.max(Some(snapshot.from));
                known.at_a_time = known.at_a_time.max(together[&title]);
            }
            known.removal = None;
        }
        for title in added {
            let known = stored.entry(title).or_default();
            known.shown(act, order(act));
            known.last_added = Some(act);
            if order(act) == Order::After {
                known.added_after = known.added_after.into_iter().chain([act.from]).min();
            } else if known.first_added.is_none() {
                known.first_added = Some(event.occurred_at);
            }
            known.removal = None;
        }
        for title in removed {
            stored.entry(title).or_default().taken_off(event, act, order(act));
        }
    }
    stored
}

impl StoredLabel {
    fn shown(&mut self, interval: Interval, order: Order) {
        match order {
            Order::Before => self.surely_before = true,
            Order::Unknown => self.perhaps_until = self.perhaps_until.into_iter().chain([interval.to]).min(),
            Order::After => return,
        }
        self.first_shown_until = self.first_shown_until.into_iter().chain([interval.to]).min();
    }

    fn taken_off(&mut self, event: &HistoryEvent, act: Interval, order: Order) {
        // It was on until then.
        self.shown(act, order);
        // Added about the same time: in doubt it was on.
        let added_then = self
            .last_added
            .is_some_and(|added| added.order_to(act) == Order::Unknown);
        if order != Order::After && !added_then {
            self.removal_unordered = order == Order::Unknown;
            self.removal = Some(Removal {
                at: event.occurred_at,
                by: event.actor.clone(),
            });
        }
    }
}
