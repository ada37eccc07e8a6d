//! Witness H: one stored event of a merge request's history, as the rules see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Action, SystemAction, User};

/// A stored merge-request event. Folding a history is idempotent and independent of the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// What happened.
    pub action: Action,
    /// Who did it; for a system reset, who pushed.
    pub actor: Option<User>,
    /// Whether the actor was an eligible approver when the event arrived; `None` if that could not be read.
    pub eligible: Option<bool>,
    /// When it happened; whole seconds.
    pub occurred_at: Timestamp,
    /// The act was GitLab's own.
    pub system: bool,
    /// Which act of GitLab's own.
    pub system_action: Option<SystemAction>,
    /// Labels standing when the hook was built.
    pub labels: Vec<String>,
    /// Labels this event added.
    pub labels_added: Vec<String>,
    /// Labels this event took off.
    pub labels_removed: Vec<String>,
    /// The event brought new commits.
    pub pushed: bool,
    /// Head of the diff when the hook was built.
    pub head_sha: Option<String>,
    /// Authentic but old: its content is not trusted, and it proves and disproves nothing.
    pub stale: bool,
}
