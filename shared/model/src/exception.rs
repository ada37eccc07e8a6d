//! The exception record: one merge of a security-labelled merge request without a valid, proven approval.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ApprovalSeen, ExceptionKind, MergeRequestKey, Reason, User, codes};

codes! {
    /// The status of an exception.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ExceptionStatus {
        /// Recorded; not yet acknowledged.
        Open = "open",
        /// A person acknowledged it.
        Acknowledged = "acknowledged",
        Closed = "closed",
        /// A later verdict found the merge valid; its decision supersedes the first.
        Withdrawn = "withdrawn",
    }
}

/// A row of `security_review_exceptions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityReviewException {
    /// Row id (UUIDv7).
    pub id: Uuid,
    pub merge_request: MergeRequestKey,
    /// `group/project`.
    pub project_path: String,
    pub mr_id: i64,
    pub title: String,
    pub url: String,
    pub author: Option<User>,
    /// Who merged it, if known.
    pub merged_by: Option<User>,
    pub labels: Vec<String>,
    /// Highest tier of them.
    pub risk_tier: String,
    /// The first kind that applies.
    pub kind: ExceptionKind,
    pub reasons: Vec<Reason>,
    pub approvals: Vec<ApprovalSeen>,
    pub merged_at: Timestamp,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    /// Head of the merged diff.
    pub head_sha: Option<String>,
    /// The rules that decided it (SHA-256, hex).
    pub rules_hash: String,
    pub status: ExceptionStatus,
    /// When the row was first written.
    pub recorded_at: Timestamp,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
}
