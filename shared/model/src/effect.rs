//! Effects: what must be done in the outside world, once, whatever happens in between. Rows of the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::MergeRequestKey;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Tell the security lead's Slack channel about an exception.
    SlackExceptionAlert,
    /// Put a row of the ledger on an EventBridge bus.
    LedgerRowEvent,
    /// Close the linked Linear issue and tag it, or tag it and say why it stays open.
    LinearIssue,
    /// The same in Jira.
    JiraIssue,
    /// Add the merge request's row to the audit page in Confluence.
    ConfluenceRow,
    /// Tell the reviewers' pod in Slack that the merge is archived.
    SlackPodConfirmation,
    /// Correct the alert about an exception: withdrawn, reopened, or of another kind.
    SlackExceptionUpdate,
}

impl EffectKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::SlackExceptionAlert,
        Self::LedgerRowEvent,
        Self::LinearIssue,
        Self::JiraIssue,
        Self::ConfluenceRow,
        Self::SlackPodConfirmation,
        Self::SlackExceptionUpdate,
    ];

    /// The stable code used in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlackExceptionAlert => "slack_exception_alert",
            Self::LedgerRowEvent => "eventbridge_ledger_row",
            Self::LinearIssue => "linear_issue",
            Self::JiraIssue => "jira_issue",
            Self::ConfluenceRow => "confluence_row",
            Self::SlackPodConfirmation => "slack_pod_confirmation",
            Self::SlackExceptionUpdate => "slack_exception_update",
        }
    }

    /// Reads the stable code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }
}

/// Where an effect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// Waits for its next attempt.
    Pending,
    /// A worker is at it until its lease runs out.
    Leased,
    /// Done; the target's id of it is known.
    Done,
    /// Dry run: recorded, and never sent.
    Suppressed,
    /// An attempt may or may not have reached the target; resolved by looking there, never by blind repetition.
    Ambiguous,
    /// The target refused for good; somebody must act.
    Dead,
    /// No longer wanted: a later finding took its reason away.
    Superseded,
}

impl EffectState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Leased,
        Self::Done,
        Self::Suppressed,
        Self::Ambiguous,
        Self::Dead,
        Self::Superseded,
    ];

    /// The stable code used in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Suppressed => "suppressed",
            Self::Ambiguous => "ambiguous",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }

    /// Reads the stable code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }
}

/// A row of `effects`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// Unique key per (merge request, kind, destination); carried to the target so that it can be found there.
    pub key: String,
    /// What is to be done.
    pub kind: EffectKind,
    /// Where: `slack:<channel>`, `eventbridge:<bus>`, `linear`, `jira`, `confluence:<page>`. Also the group of its queue, which
    /// serialises our own writes there.
    pub destination: String,
    /// The exception it speaks of.
    pub exception_id: Option<Uuid>,
    /// The revision of the ledger's row that it tells of.
    pub ledger_revision: Option<i64>,
    /// The decision on the merge that led to it.
    pub decision_id: Option<Uuid>,
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// Where it stands.
    pub state: EffectState,
    /// Attempts begun so far.
    pub attempts: i32,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// When its state last changed. A claim by the relay is no change.
    pub updated_at: Timestamp,
}

impl Effect {
    /// The unique key of an effect; each revision of a row, and each decision that says something else, is told by one of its own.
    #[must_use]
    pub fn key_for(
        merge_request: &MergeRequestKey,
        kind: EffectKind,
        destination: &str,
        revision: Option<i64>,
        decision: Option<Uuid>,
    ) -> String {
        let revision = revision.map(|revision| format!("/{revision}")).unwrap_or_default();
        let decision = decision.map(|decision| format!("/{decision}")).unwrap_or_default();
        format!("{merge_request}/{}/{destination}{revision}{decision}", kind.as_str())
    }
}

/// What stands on the effects queue: a pointer to the row, never the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectMessage {
    /// The row.
    pub effect_id: Uuid,
    /// Attempts begun when it was enqueued; a message that lags behind its row is done.
    pub attempts: i32,
    /// Where, for the queue's group.
    pub destination: String,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
}
