//! The messages on the deliveries queue: the events of each entity in their order.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inbound::gitlab::StreamSource;
use model::{AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, GitLabAuditEvent};
use runtime::aws::sqs_id;

use crate::gitlab_webhook::envelope::DeliveryMessage;
use crate::http::context::RequestContext;

/// Most bytes of the events of one message, as for messages of other queues.
const LARGEST: usize = 200 * 1024;

/// What all messages of a request have in common.
#[derive(Debug, Clone)]
pub struct StreamDelivery<'a> {
    pub request_context: &'a RequestContext,
    pub traceparent: Option<String>,
    pub payload_sha256: String,
    pub audit_line: AuditLine,
}

/// The messages for the events of a request, in order. An event that is too large for a message is cut and quarantined.
#[must_use]
pub fn stream_messages(
    delivery: &StreamDelivery<'_>,
    source: &StreamSource,
    events: Vec<GitLabAuditEvent>,
) -> Vec<DeliveryMessage> {
    let instance = source.instance.as_str();
    let mut parts: Vec<(String, usize, Content)> = Vec::new();
    let mut last_of_group: HashMap<String, usize> = HashMap::new();
    for event in events {
        let group = event_group(instance, &event);
        let json = serde_json::to_string(&event).unwrap_or_default();
        if json.len() > LARGEST {
            parts.push((group, LARGEST, oversized_content(&json)));
            continue;
        }
        let last = last_of_group.get(&group).and_then(|place| parts.get_mut(*place));
        if let Some((_, size, Content::GitlabAudit { events })) = last
            && *size + json.len() <= LARGEST
        {
            *size += json.len();
            events.push(event);
        } else {
            last_of_group.insert(group.clone(), parts.len());
            parts.push((group, json.len(), Content::GitlabAudit { events: vec![event] }));
        }
    }
    let authentication = Authentication {
        method: AuthMethod::Token,
        hook: source.name.clone(),
        instance: instance.to_owned(),
        stale: false,
    };
    let message = |(number, (group, _, content)): (usize, (String, usize, Content))| DeliveryMessage {
        group: sqs_id(group),
        deduplication_id: format!("{}-{number}", delivery.request_context.correlation_id),
        envelope: Envelope {
            version: content.envelope_version(),
            correlation_id: delivery.request_context.correlation_id,
            traceparent: delivery.traceparent.clone(),
            received_at: delivery.request_context.received_at,
            authentication: authentication.clone(),
            delivery: DeliveryIds {
                key: None,
                id: None,
                event_uuid: None,
            },
            payload_sha256: delivery.payload_sha256.clone(),
            audit_line: delivery.audit_line,
            content,
        },
    };
    parts.into_iter().enumerate().map(message).collect()
}

fn event_group(instance: &str, event: &GitLabAuditEvent) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let (kind, id) = (part(&event.entity.object_type), part(&event.entity.id));
    format!("gitlab-audit/{instance}/{kind}:{id}")
}

fn oversized_content(json: &str) -> Content {
    Content::Unexpected {
        object_kind: "gitlab_audit_event".to_owned(),
        problem: format!("the event has {} bytes, more than fit into a message", json.len()),
        body_base64: STANDARD.encode(&json.as_bytes()[..LARGEST.min(json.len())]),
        truncated: true,
    }
}
