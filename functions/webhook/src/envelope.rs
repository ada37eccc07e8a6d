//! The message on the deliveries queue: its content, and the ids by which SQS orders and deduplicates it.

use model::{AuditLine, Authentication, Content, DeliveryIds, Envelope};
use runtime::aws::sqs_id;

use crate::gateway::Ingress;
use crate::traceparent;

/// A message for SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Messages of one group arrive in order.
    pub group: String,
    /// One per request. SQS drops a second message with this id for five minutes: a send repeated after a lost response adds no
    /// message, while a redelivery by GitLab reaches the processor, which reports it as a duplicate.
    pub deduplication_id: String,
    pub envelope: Envelope,
}

/// Puts an authenticated delivery into its envelope.
#[must_use]
pub fn seal(
    ingress: &Ingress,
    traceparent: Option<&str>,
    authentication: Authentication,
    delivery: DeliveryIds,
    payload_sha256: String,
    audit_line: AuditLine,
    content: Content,
) -> Message {
    let envelope = Envelope {
        version: Envelope::VERSION,
        correlation_id: ingress.correlation_id,
        traceparent: traceparent::of(traceparent, ingress.xray_trace_id.as_deref()),
        received_at: ingress.received_at,
        authentication,
        delivery,
        payload_sha256,
        audit_line,
        content,
    };
    let group = match envelope.merge_request() {
        Some(key) => key.to_string(),
        // A body without a merge request has no order: it waits for nothing and blocks nothing.
        None => format!("unexpected/{}", envelope.payload_sha256),
    };
    Message {
        group: sqs_id(group),
        deduplication_id: envelope.correlation_id.to_string(),
        envelope,
    }
}

#[cfg(test)]
mod tests;
