//! The message on the deliveries queue: its content, and the ids by which SQS orders and deduplicates it.

use model::{AuditLine, Authentication, Content, DeliveryIds, Envelope};
use runtime::aws::sqs_id;

use crate::http::context::RequestContext;
use crate::http::traceparent;

/// A message for SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryMessage {
    /// Messages of one group arrive in order.
    pub group: String,
    /// One per request. SQS drops a second message with this id for five minutes: a send repeated after a lost response adds no
    /// message, while a redelivery by GitLab reaches the processor, which reports it as a duplicate.
    pub deduplication_id: String,
    pub envelope: Envelope,
}

/// Puts an authenticated delivery into its envelope.
#[must_use]
pub fn build_message(
    request_context: &RequestContext,
    traceparent: Option<&str>,
    authentication: Authentication,
    delivery: DeliveryIds,
    payload_sha256: String,
    audit_line: AuditLine,
    content: Content,
) -> DeliveryMessage {
    let envelope = Envelope {
        version: Envelope::VERSION,
        correlation_id: request_context.correlation_id,
        traceparent: traceparent::continued_trace(traceparent, request_context.xray_trace_id.as_deref()),
        received_at: request_context.received_at,
        authentication,
        delivery,
        payload_sha256,
        audit_line,
        content,
    };
    let group = match envelope.merge_request() {
        Some(key) => key.to_string(),
        // A body without a merge request has no order and must not block other messages.
        None => format!("unexpected/{}", envelope.payload_sha256),
    };
    DeliveryMessage {
        group: sqs_id(group),
        deduplication_id: envelope.correlation_id.to_string(),
        envelope,
    }
}

#[cfg(test)]
mod tests;
