//! One event of GitLab's audit event stream: a claim of GitLab, never proof.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An event as GitLab streamed it; size-limited and redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitLabAuditEvent {
    /// SHA-256 of the event's content: two attempts to send one event have the same key, even with two ids.
    pub event_key: String,
    /// `id` as sent. It identifies nothing alone: it was a time until 2022 and is random for each attempt since.
    pub event_id: Option<String>,
    /// `event_type`, such as `member_destroyed`. `None`: neither body nor header has one.
    pub event_type: Option<String>,
    pub created_at: Option<Timestamp>,
    /// Who did it, as GitLab says; the id is negative for those who are not users.
    pub author: GitLabAuditAuthor,
    /// The project, group, user or instance whose audit log has the event.
    pub entity: GitLabAuditObject,
    /// What was changed.
    pub target: GitLabAuditObject,
    /// `details`, with texts redacted and shortened.
    pub details: Map<String, Value>,
}

/// `author_id`, `author_name` and `details.author_class`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitLabAuditAuthor {
    pub id: Option<i64>,
    pub name: Option<String>,
    pub class: Option<String>,
}

/// An entity or a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitLabAuditObject {
    /// `Project`, `Group`, `User`, `MergeRequest` and others.
    #[serde(rename = "type")]
    pub object_type: Option<String>,
    /// A number or a path.
    pub id: Option<String>,
    /// The path of an entity, the title or name of a target.
    pub name: Option<String>,
}
