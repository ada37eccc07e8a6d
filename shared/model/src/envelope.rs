//! The envelope: what the webhook function sends to the deliveries queue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{GitLabAuditEvent, MergeRequestEvent, MergeRequestKey, codes};

codes! {
    /// Which proof authenticated the delivery. A matching plain token is never called a signature.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AuthMethod {
        /// GitLab's signing token: HMAC-SHA256 over id, timestamp and raw body (Standard Webhooks).
        HmacSha256 = "hmac_sha256",
        /// The legacy plain secret in `X-Gitlab-Token`.
        Token = "token",
    }
}

/// How the delivery was authenticated, and the hook and instance of the matching token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    pub method: AuthMethod,
    /// Name of the hook entry whose token matched.
    pub hook: String,
    /// The instance of that hook entry.
    pub instance: String,
    /// Correctly signed, but the timestamp is outside the window: only its ids are trusted, the facts are read from GitLab.
    pub stale: bool,
}

/// The identities that GitLab assigns to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryIds {
    /// The idempotency key of the delivery; unique per instance. `None`: each delivery counts as its own.
    pub key: Option<String>,
    /// `webhook-id` or `Idempotency-Key`, for people who look it up in GitLab.
    pub id: Option<String>,
    /// `X-Gitlab-Event-UUID`.
    pub event_uuid: Option<String>,
}

/// The audit line of a record: the recorder uses it to detect missing lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// The execution environment that printed it.
    pub stream_id: Uuid,
    /// Its number there, from 1 and without gaps.
    pub seq: u64,
}

/// What the delivery reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    MergeRequest(Box<MergeRequestEvent>),
    /// Authentic JSON of a handled kind whose shape this version cannot read; quarantined, never dropped.
    Unexpected {
        /// `object_kind`, if it could be read.
        object_kind: String,
        /// What could not be read, without values.
        problem: String,
        /// The whole body in standard base64, cut to a limit.
        body_base64: String,
        /// The body exceeded the limit.
        truncated: bool,
    },
    /// Events of GitLab's audit event stream, all of one entity, in their order.
    GitlabAudit {
        events: Vec<GitLabAuditEvent>,
    },
}

impl Content {
    /// The version of the envelope that holds this content: a processor that does not know it leaves the message queued.
    #[must_use]
    pub fn envelope_version(&self) -> u8 {
        match self {
            Self::MergeRequest(_) | Self::Unexpected { .. } => Envelope::VERSION,
            Self::GitlabAudit { .. } => Envelope::NEWEST,
        }
    }
}

/// One authenticated delivery on its way from the webhook function to the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of this format, by [`Content::envelope_version`]; a processor rejects unknown versions.
    pub version: u8,
    /// Made at intake; copied to every later row, call, effect and log line.
    pub correlation_id: Uuid,
    /// W3C trace context, if the sender or the platform set one.
    pub traceparent: Option<String>,
    /// When the webhook function received it.
    pub received_at: Timestamp,
    /// How it was authenticated.
    pub authentication: Authentication,
    /// GitLab's identities of the delivery.
    pub delivery: DeliveryIds,
    /// SHA-256 of the exact body received, lower-case hex.
    pub payload_sha256: String,
    /// The line that audited the authentication.
    pub audit_line: AuditLine,
    pub content: Content,
}

impl Envelope {
    /// The version of contents that every release reads.
    pub const VERSION: u8 = 1;
    /// The newest version that this release reads.
    pub const NEWEST: u8 = 2;

    /// The merge request of the delivery, if the content could be read.
    #[must_use]
    pub fn merge_request(&self) -> Option<MergeRequestKey> {
        match &self.content {
            Content::MergeRequest(event) => Some(MergeRequestKey {
                instance: self.authentication.instance.clone(),
                project_id: event.project.id,
                mr_iid: event.mr_iid,
            }),
            Content::Unexpected { .. } | Content::GitlabAudit { .. } => None,
        }
    }

    /// The key under which this delivery is stored once: GitLab's own, or one made for this request.
    #[must_use]
    pub fn delivery_key(&self) -> String {
        self.delivery
            .key
            .clone()
            .unwrap_or_else(|| format!("correlation:{}", self.correlation_id))
    }
}
