//! Events in the history of a merge request: stored ones and GitLab's label events.

use model::{EventAction, HistoryEvent, LabelEvent, Reading, SystemAction};

use super::{AUTHOR, Life, at};

impl Life {
    /// A stored event with default values.
    pub(crate) fn event(&self, action: EventAction, actor: i64, time: &str) -> HistoryEvent {
        HistoryEvent {
            action,
            actor: Some(self.user(actor)),
            eligible: None,
            eligible_read_at: None,
            occurred_at: at(time),
            occurred_at_source: None,
            received_at: None,
            state: None,
            system: false,
            system_action: None,
            labels: self.facts.trigger.labels.clone(),
            labels_added: Vec::new(),
            labels_removed: Vec::new(),
            labels_truncated: false,
            pushed: false,
            head_sha: Some("aaa".into()),
            stale: false,
        }
    }

    pub(crate) fn with(mut self, event: HistoryEvent) -> Self {
        self.facts.history.push(event);
        self
    }

    pub(crate) fn seen(self, id: i64, time: &str, eligible: Option<bool>) -> Self {
        let event = HistoryEvent {
            eligible,
            ..self.event(EventAction::Approved, id, time)
        };
        self.with(event)
    }

    pub(crate) fn taken_back_by(self, id: i64, time: &str) -> Self {
        let event = self.event(EventAction::Unapproved, id, time);
        self.with(event)
    }

    pub(crate) fn reset(self, time: &str) -> Self {
        let event = HistoryEvent {
            system: true,
            system_action: Some(SystemAction::ApprovalsResetOnPush),
            ..self.event(EventAction::Unapproved, AUTHOR, time)
        };
        self.with(event)
    }

    pub(crate) fn opened(self, time: &str) -> Self {
        let event = self.event(EventAction::Open, AUTHOR, time);
        self.with(event)
    }

    pub(crate) fn pushed_by(self, id: i64, time: &str) -> Self {
        let event = HistoryEvent {
            pushed: true,
            ..self.event(EventAction::Update, id, time)
        };
        self.with(event)
    }

    /// GitLab's own event that adds or removes a label; `labels_now` and the merge event do not change.
    pub(crate) fn label_event(mut self, label: Option<&str>, added: bool, by: i64, time: &str) -> Self {
        let event = LabelEvent {
            label: label.map(str::to_owned),
            label_id: None,
            added,
            at: at(time),
            actor: Some(self.user(by)),
        };
        if let Reading::Known(events) = &mut self.api.label_events {
            events.push(event);
        }
        self
    }

    /// The same for a label with this id.
    pub(crate) fn label_event_of(self, id: i64, label: &str, added: bool, by: i64, time: &str) -> Self {
        let mut life = self.label_event(Some(label), added, by, time);
        if let Reading::Known(events) = &mut life.api.label_events
            && let Some(event) = events.last_mut()
        {
            event.label_id = Some(id);
        }
        life
    }
}
