//! The exception record: one merge of a security-labelled merge request without a valid, proven approval.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ApprovalSeen, ExceptionKind, MergeRequestKey, Reason, User};

/// Where an exception stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionStatus {
    /// Recorded; nobody has looked yet.
    Open,
    /// Somebody took it on.
    Acknowledged,
    /// Dealt with.
    Closed,
    /// A later finding showed that the merge was in order; the decision that says so supersedes the first.
    Withdrawn,
}

impl ExceptionStatus {
    /// The stable code used in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the stable code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Open, Self::Acknowledged, Self::Closed, Self::Withdrawn]
            .into_iter()
            .find(|status| status.as_str() == code)
    }
}

/// A row of `security_review_exceptions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityReviewException {
    /// Row id (UUIDv7).
    pub id: Uuid,
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// `group/project`.
    pub project_path: String,
    /// GitLab's instance-wide id.
    pub mr_id: i64,
    /// Title.
    pub title: String,
    /// Web address.
    pub url: String,
    /// Author, if known.
    pub author: Option<User>,
    /// Who merged it, if known.
    pub merged_by: Option<User>,
    /// Security labels carried.
    pub labels: Vec<String>,
    /// Highest tier of them.
    pub risk_tier: String,
    /// The first kind that holds.
    pub kind: ExceptionKind,
    /// All that hold.
    pub reasons: Vec<Reason>,
    /// Approval acts seen.
    pub approvals: Vec<ApprovalSeen>,
    /// The merge instant.
    pub merged_at: Timestamp,
    /// Merge commit, if any.
    pub merge_commit_sha: Option<String>,
    /// Head of the merged diff.
    pub head_sha: Option<String>,
    /// The rules it was judged by (SHA-256, hex).
    pub rules_hash: String,
    /// Where it stands.
    pub status: ExceptionStatus,
    /// When the row was first written.
    pub recorded_at: Timestamp,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
}
