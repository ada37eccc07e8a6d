//! Event history: one stored event of a merge request, as the rules see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EventAction, MergeRequestEvent, OccurredAtSource, SystemAction, User};

/// A stored merge-request event. Folding a history is idempotent and independent of the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else about the event")]
pub struct HistoryEvent {
    pub action: EventAction,
    /// Who did it; for a system reset, who pushed.
    pub actor: Option<User>,
    /// Whether the actor was an eligible approver when the event arrived; `None` if that could not be read.
    pub eligible: Option<bool>,
    /// When that membership was read; `None`: recorded by an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible_read_at: Option<Timestamp>,
    /// When it happened; whole seconds.
    pub occurred_at: Timestamp,
    /// Which field of the payload gave that time; `None`: read by an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at_source: Option<OccurredAtSource>,
    /// When the delivery was received; `None`: read by an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// State of the merge request in the payload: what happened while it was `opened` happened before the merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    pub system: bool,
    /// Which action of GitLab itself.
    pub system_action: Option<SystemAction>,
    /// Labels set when the hook was built.
    pub labels: Vec<String>,
    /// Labels this event added.
    pub labels_added: Vec<String>,
    /// Labels this event removed.
    pub labels_removed: Vec<String>,
    /// A label list of the event was cut for size: a label missing from it proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labels_truncated: bool,
    /// The event brought new commits.
    pub pushed: bool,
    /// Head of the diff when the hook was built.
    pub head_sha: Option<String>,
    /// Authentic but old: its content is not trusted and proves nothing.
    pub stale: bool,
}

impl HistoryEvent {
    /// The history event of a delivery, before anything else is read about its actor.
    #[must_use]
    pub fn of(event: &MergeRequestEvent, received_at: Timestamp, stale: bool) -> Self {
        Self {
            action: event.action.clone(),
            actor: event.actor.clone(),
            eligible: None,
            eligible_read_at: None,
            occurred_at: event.occurred_at,
            occurred_at_source: Some(event.occurred_at_source),
            received_at: Some(received_at),
            state: event.state.clone(),
            system: event.system,
            system_action: event.system_action.clone(),
            labels: event.labels.clone(),
            labels_added: event.labels_added.clone(),
            labels_removed: event.labels_removed.clone(),
            labels_truncated: event.labels_truncated,
            pushed: event.oldrev.is_some(),
            head_sha: event.head_sha.clone(),
            stale,
        }
    }
}
