//! Effects: outside changes, each made once despite crashes and retries. Rows of the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MergeRequestKey, codes};

codes! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum EffectKind {
        /// Alert the security lead's Slack channel about an exception.
        SlackExceptionAlert = "slack_exception_alert",
        /// Send a ledger row to an EventBridge bus.
        LedgerRowEvent = "eventbridge_ledger_row",
        /// Close the linked Linear issue and label it, or label it and report why it stays open.
        LinearIssue = "linear_issue",
        /// The same in Jira.
        JiraIssue = "jira_issue",
        /// Add the merge request's row to the audit page in Confluence.
        ConfluenceRow = "confluence_row",
        /// Confirm the recorded merge to the reviewers' pod in Slack.
        SlackPodConfirmation = "slack_pod_confirmation",
        /// Correct the alert about an exception: withdrawn, reopened, or of another kind.
        SlackExceptionUpdate = "slack_exception_update",
    }
}

codes! {
    /// The state of an effect.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum EffectState {
        /// Waits for its next attempt.
        Pending = "pending",
        /// A worker holds it until its lease expires.
        Leased = "leased",
        /// Done; the target's id for it is known.
        Done = "done",
        /// Dry run: recorded, never sent.
        Suppressed = "suppressed",
        /// An attempt may have reached the target; resolved by checking there, never by a blind retry.
        Ambiguous = "ambiguous",
        /// The target rejected it permanently; needs manual intervention.
        Dead = "dead",
        /// No longer needed: a later verdict removed its reason.
        Superseded = "superseded",
    }
}

/// A row of `effects`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// Unique key per (merge request, kind, destination); sent to the target so that it can be found there.
    pub key: String,
    pub kind: EffectKind,
    /// Where: `slack:<channel>`, `eventbridge:<bus>`, `linear`, `jira`, `confluence:<page>`. Also its queue group, which serialises
    /// our writes there.
    pub destination: String,
    /// The exception it reports.
    pub exception_id: Option<Uuid>,
    /// The revision of the ledger row that it reports.
    pub ledger_revision: Option<i64>,
    /// The decision on the merge that led to it.
    pub decision_id: Option<Uuid>,
    pub merge_request: MergeRequestKey,
    pub state: EffectState,
    /// Attempts begun so far.
    pub attempts: i32,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// When its state last changed. A claim by the relay does not change it.
    pub updated_at: Timestamp,
}

impl Effect {
    /// The unique key of an effect; each row revision, and each decision with a different report, has its own effect.
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

/// A message on the effects queue: a pointer to the row, never the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectMessage {
    pub effect_id: Uuid,
    /// Attempts begun when it was enqueued; a message older than its row is done.
    pub attempts: i32,
    /// Where, for the queue group.
    pub destination: String,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
}
