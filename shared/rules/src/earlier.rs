//! What a GitLab answer shows that later answers must not lose.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Approval, EarlierFacts, Facts, GitLabAnswer, LabelEvent, LabelFacts, Reading};

use crate::label_history::{Sources, of_sources};
use crate::time::offset;
use crate::{Rules, SECOND_READING_AFTER};

/// What these facts show that every later evaluation of the merge request must include.
#[must_use]
pub fn earlier_facts(facts: &Facts, rules: &Rules) -> EarlierFacts {
    let mut earlier = facts.earlier.clone();
    let (labels, read_at, approvals): (Option<LabelFacts>, Option<Timestamp>, &[Approval]) = match &facts.api {
        GitLabAnswer::Full(api) => {
            let labels = LabelFacts {
                merged_at: Some(api.merge.merged_at),
                labels_now: api.labels_now.clone(),
                label_events: api.label_events.clone(),
                clock_offset_seconds: api.clock_offset_seconds,
            };
            (Some(labels), Some(api.read_at), &api.approvals)
        }
        GitLabAnswer::LabelsOnly(labels) => (Some(labels.clone()), None, &[]),
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            (unread.labels.clone(), unread.read_at, &unread.approvals)
        }
    };
    let merged = match &facts.api {
        GitLabAnswer::Full(api) => api.state.as_deref().is_none_or(|state| state == "merged"),
        GitLabAnswer::NotMerged(_) => false,
        GitLabAnswer::LabelsOnly(_) => true,
        // Without the merge request itself, the time of the merge for its label events is unknown.
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) => {
            let labels = unread.labels.as_ref();
            unread.merged || labels.is_none_or(|labels| labels.merged_at.is_some() || labels.labels_now.is_empty())
        }
    };
    let clock_offset = labels.as_ref().map_or(0, |labels| labels.clock_offset_seconds);
    let merged_at = labels.as_ref().and_then(|labels| labels.merged_at).filter(|_| merged);
    if let Some(labels) = labels {
        earlier.merge(&labels_shown(&labels, merged, rules));
    }
    earlier.merge(&approvals_shown(approvals, merged_at, read_at, clock_offset));
    earlier
}
/// Approvals that an answer lists. An approval that a merged merge request lists later than a minute after the merge was given,
/// even if a later answer no longer lists it (its user was deleted). In the first minute a replica may still list approvals revoked
/// before the merge, so those count as seen, like approvals listed before the merge.
fn approvals_shown(
    listed: &[Approval],
    merged_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    clock_offset_seconds: i64,
) -> EarlierFacts {
    let Some(merged_at) = merged_at else {
        return EarlierFacts {
            approvals_before_merge: listed.to_vec(),
            ..EarlierFacts::default()
        };
    };
    let timed = listed.iter().filter(|approval| approval.approved_at.is_some());
    let settled_after = SECOND_READING_AFTER + offset(clock_offset_seconds);
    if read_at.is_some_and(|read_at| read_at.duration_since(merged_at) >= settled_after) {
        return EarlierFacts {
            approvals: timed.cloned().collect(),
            ..EarlierFacts::default()
        };
    }
    let before = timed.filter(|approval| approval.approved_at <= Some(merged_at));
    EarlierFacts {
        approvals_before_merge: before.cloned().collect(),
        ..EarlierFacts::default()
    }
}

/// Security labels that an answer alone shows up to the merge. If it does not show when labels were added, it shows nothing about
/// the merge, unless it was read before it.
fn labels_shown(labels: &LabelFacts, merged: bool, rules: &Rules) -> EarlierFacts {
    if !merged {
        // The label events may come from a replica that is ahead, and so name a label from after the merge: their times show that.
        let events = labels.label_events.known().map_or(&[][..], Vec::as_slice);
        return EarlierFacts {
            labels: count_security_labels(&labels.labels_now, rules),
            labels_since: labels_set_since(&[], events, rules),
            ..EarlierFacts::default()
        };
    }
    let Reading::Known(events) = &labels.label_events else {
        return EarlierFacts::default();
    };
    let Some(merged_at) = labels.merged_at else {
        return EarlierFacts {
            labels_since: labels_set_since(&labels.labels_now, events, rules),
            ..EarlierFacts::default()
        };
    };
    let history = of_sources(
        rules,
        &Sources {
            merged_at,
            merge_event_labels: None,
            labels_now: &labels.labels_now,
            read_at: None,
            events: &labels.label_events,
            history: Vec::new(),
            clock_offset_seconds: labels.clock_offset_seconds,
            earlier: &EarlierFacts::default(),
            truncated: false,
        },
    );
    EarlierFacts {
        labels: history.ever.into_iter().map(|title| (title, 1)).collect(),
        labels_at_merge: history.at_merge.into_iter().collect(),
        ..EarlierFacts::default()
    }
}

/// The number of labels set per security title.
fn count_security_labels(titles: &[String], rules: &Rules) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for title in titles.iter().filter(|title| rules.is_security_label(title)) {
        *counted.entry(title.clone()).or_default() += 1;
    }
    counted
}

/// When each security label was set, if the answer does not show when the merge was. One without an event was set at creation.
fn labels_set_since(titles: &[String], events: &[LabelEvent], rules: &Rules) -> BTreeMap<String, Timestamp> {
    // The first event of each label shows whether it was on before.
    let mut first: BTreeMap<(&String, Option<i64>), (Timestamp, bool)> = BTreeMap::new();
    for event in events {
        let Some(title) = &event.label else { continue };
        let known = first.entry((title, event.label_id)).or_insert((event.at, event.added));
        *known = (event.at, event.added).min(*known);
    }
    let mut since: BTreeMap<String, Timestamp> = BTreeMap::new();
    for ((title, _), (at, added)) in first {
        let at = if added { at } else { Timestamp::MIN };
        let known = since.entry(title.clone()).or_insert(at);
        *known = at.min(*known);
    }
    for title in titles {
        since.entry(title.clone()).or_insert(Timestamp::MIN);
    }
    since.retain(|title, _| rules.is_security_label(title));
    since
}
