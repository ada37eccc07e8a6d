//! The input of the label history.

use jiff::Timestamp;
use model::{EarlierFacts, Facts, GitLabAnswer, HistoryEvent, LabelEvent, LabelFacts, Reading};

use crate::case::trusted;

static UNREAD: Reading<Vec<LabelEvent>> = Reading::Unknown(String::new());

/// `labels_now` and `events` are GitLab's answer, if there is one.
pub(crate) struct Sources<'a> {
    /// [`Timestamp::MAX`] if GitLab does not show when the merge was: then a label at any time counts.
    pub(crate) merged_at: Timestamp,
    /// Labels on the merge event; `None`: no such list, or it was cut.
    pub(crate) merge_event_labels: Option<&'a [String]>,
    pub(crate) labels_now: &'a [String],
    /// When these labels were read, by our clock.
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) events: &'a Reading<Vec<LabelEvent>>,
    /// Trusted events, oldest first.
    pub(crate) history: Vec<&'a HistoryEvent>,
    pub(crate) clock_offset_seconds: i64,
    pub(crate) earlier: &'a EarlierFacts,
    /// A label list was cut, or there are more events than were read.
    pub(crate) truncated: bool,
}

impl<'a> Sources<'a> {
    pub(crate) fn of(facts: &'a Facts) -> Self {
        let labels = match &facts.api {
            GitLabAnswer::Full(api) => {
                return Self {
                    merged_at: api.merge.merged_at,
                    labels_now: &api.labels_now,
                    read_at: Some(api.read_at),
                    events: &api.label_events,
                    clock_offset_seconds: api.clock_offset_seconds,
                    ..Self::without_answer(facts)
                };
            }
            GitLabAnswer::LabelsOnly(labels) => Some(labels),
            GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
                unread.labels.as_ref()
            }
        };
        let sources = Self::without_answer(facts);
        match labels {
            None => sources,
            Some(LabelFacts {
                merged_at,
                labels_now,
                label_events,
                clock_offset_seconds,
            }) => Self {
                merged_at: merged_at.unwrap_or(Timestamp::MAX),
                labels_now,
                events: label_events,
                clock_offset_seconds: *clock_offset_seconds,
                ..sources
            },
        }
    }

    fn without_answer(facts: &'a Facts) -> Self {
        let history = trusted(facts);
        let trigger = &facts.trigger;
        Self {
            merged_at: Timestamp::MAX,
            merge_event_labels: (trigger.trusted && !trigger.labels_unknown).then_some(&trigger.labels),
            labels_now: &[],
            read_at: None,
            events: &UNREAD,
            clock_offset_seconds: 0,
            earlier: &facts.earlier,
            truncated: facts.history_truncated || history.iter().any(|event| event.labels_truncated),
            history,
        }
    }
}
