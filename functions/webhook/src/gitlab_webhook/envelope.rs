//! The message on the deliveries queue: its content, and the ids by which SQS orders and deduplicates it.

use model::{AuditLine, Authentication, Content, DeliveryIds, Envelope};
use runtime::aws::{FifoMessage, sqs_id};

use crate::http::context::RequestContext;
use crate::http::refusal::Refusal;
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
        version: content.envelope_version(),
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

/// The message as the queue takes it.
///
/// # Errors
/// [`Refusal::Internal`], which cannot happen with the types of an envelope.
pub fn fifo_message(message: DeliveryMessage) -> Result<FifoMessage, Refusal> {
    Ok(FifoMessage {
        body: serde_json::to_string(&message.envelope).map_err(|_| Refusal::Internal)?,
        group: message.group,
        deduplication_id: message.deduplication_id,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::AuthMethod;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::{ID, merged, now, request_context};

    fn message_for(instance: &str, key: Option<&str>, content: Content) -> DeliveryMessage {
        let request_context = request_context();
        let authentication = Authentication {
            method: AuthMethod::HmacSha256,
            hook: "main".into(),
            instance: instance.into(),
            stale: false,
        };
        let ids = DeliveryIds {
            key: key.map(str::to_owned),
            id: None,
            event_uuid: None,
        };
        let line = AuditLine {
            stream_id: Uuid::from_u128(9),
            seq: 3,
        };
        let traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        build_message(
            &request_context,
            traceparent,
            authentication,
            ids,
            "9f86".to_owned(),
            line,
            content,
        )
    }

    fn merge_request() -> Content {
        match inbound::gitlab::classify(merged().to_string().as_bytes(), Timestamp::UNIX_EPOCH) {
            inbound::gitlab::Classified::MergeRequest(event) => Content::MergeRequest(event),
            other => panic!("{other:?}"),
        }
    }

    fn unexpected() -> Content {
        Content::Unexpected {
            object_kind: "merge_request".into(),
            problem: "project.id is missing".into(),
            body_base64: String::new(),
            truncated: false,
        }
    }

    #[test]
    fn deliveries_of_one_merge_request_share_a_group() {
        let message = message_for("gitlab", Some(ID), merge_request());
        assert_eq!(message.group, "gitlab/1201!12");
        let envelope = message.envelope;
        assert_eq!(
            (envelope.version, envelope.correlation_id, envelope.audit_line.seq),
            (1, Uuid::from_u128(7), 3)
        );
        assert_eq!(
            envelope.traceparent.as_deref(),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        );
        assert_eq!(
            (envelope.received_at, envelope.payload_sha256.as_str()),
            (now(), "9f86")
        );
    }

    #[test]
    fn the_deduplication_id_names_the_request() {
        for key in [Some(ID), None] {
            let message = message_for("gitlab", key, merge_request());
            assert_eq!(message.deduplication_id, Uuid::from_u128(7).to_string());
        }
    }

    #[test]
    fn unexpected_body_has_its_own_group() {
        assert_eq!(message_for("gitlab", Some(ID), unexpected()).group, "unexpected/9f86");
    }

    #[test]
    fn a_group_that_sqs_would_refuse_is_hashed() {
        let message = message_for("größe und länge", Some(ID), merge_request());
        assert_eq!(message.group, model::sha256_hex("größe und länge/1201!12".as_bytes()));
    }

    proptest! {
        #[test]
        fn every_id_is_one_that_sqs_takes(instance in any::<String>(), key in proptest::option::of(any::<String>())) {
            let message = message_for(&instance, key.as_deref(), merge_request());
            for id in [message.group, message.deduplication_id] {
                prop_assert!((1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
