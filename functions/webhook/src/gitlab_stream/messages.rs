//! The messages on the deliveries queue: the events of each entity in their order.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inbound::gitlab::StreamSource;
use model::{AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, GitLabAuditEvent, sha256_hex};
use runtime::aws::sqs_id;

use crate::gitlab_webhook::envelope::DeliveryMessage;
use crate::http::context::RequestContext;

/// Most bytes of the events of one message, as for messages of other queues.
const LARGEST: usize = 200 * 1024;

/// Above this number of entities they share 256 groups.
const MAX_GROUPS: usize = 256;

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
    let entities: BTreeSet<String> = events.iter().map(|event| event_group(instance, event)).collect();
    let has_many = entities.len() > MAX_GROUPS;
    for event in events {
        let mut group = event_group(instance, &event);
        if has_many {
            // Entities share groups, so that the number of messages stays bounded; events of one entity stay in one group.
            group = format!("gitlab-audit/{instance}/{}", &sha256_hex(group.as_bytes())[..2]);
        }
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

#[cfg(test)]
mod tests {
    use inbound::gitlab::{StreamTypes, stream_events};
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::request_context;

    fn messages_of(events: Vec<GitLabAuditEvent>) -> Vec<DeliveryMessage> {
        let request_context = request_context();
        let delivery = StreamDelivery {
            request_context: &request_context,
            traceparent: None,
            payload_sha256: "9f86".to_owned(),
            audit_line: AuditLine {
                stream_id: Uuid::nil(),
                seq: 1,
            },
        };
        let source = StreamSource {
            name: "main-group".to_owned(),
            instance: "gitlab".to_owned(),
        };
        stream_messages(&delivery, &source, events)
    }

    fn audit_event(project: usize, number: usize, text: &str) -> GitLabAuditEvent {
        let event =
            json!({"id": number, "entity_type": "Project", "entity_id": project, "details": {"text": vec![text; 90]}});
        stream_events(event.to_string().as_bytes(), None, &StreamTypes::default())
            .unwrap()
            .events
            .remove(0)
    }

    fn keys(message: &DeliveryMessage) -> Vec<&str> {
        match &message.envelope.content {
            Content::GitlabAudit { events } => events.iter().filter_map(|event| event.event_id.as_deref()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn events_of_one_entity_stay_together_in_order() {
        let events = [(1, 10), (2, 20), (1, 11), (2, 21)].map(|(project, number)| audit_event(project, number, "x"));
        let messages = messages_of(events.to_vec());
        assert_eq!(
            messages.iter().map(keys).collect::<Vec<_>>(),
            [["10", "11"], ["20", "21"]]
        );
        assert_eq!(messages[0].group, "gitlab-audit/gitlab/Project:1");
        assert_ne!(messages[0].deduplication_id, messages[1].deduplication_id);
        assert_eq!(messages[0].envelope.version, Envelope::NEWEST);
    }

    #[test]
    fn many_entities_share_groups() {
        let messages = messages_of((0..2_000).map(|number| audit_event(number, number, "x")).collect());
        assert!(messages.len() <= 300, "{}", messages.len());
        assert_eq!(messages.iter().map(|message| keys(message).len()).sum::<usize>(), 2_000);
    }

    #[test]
    fn many_events_are_divided_by_size() {
        let long = "y".repeat(500);
        let messages = messages_of((0..40).map(|number| audit_event(1, number, &long)).collect());
        assert!(messages.len() > 5, "{}", messages.len());
        let expected: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        assert_eq!(messages.iter().flat_map(keys).collect::<Vec<_>>(), expected);
        for message in &messages {
            assert!(serde_json::to_string(&message.envelope).unwrap().len() < LARGEST + 2_000);
        }
    }

    #[test]
    fn an_oversized_event_is_cut_for_the_quarantine() {
        let mut event = audit_event(1, 1, "z");
        event.details.insert("long".to_owned(), "z".repeat(LARGEST).into());
        let message = messages_of(vec![event]).remove(0);
        let Content::Unexpected {
            object_kind, truncated, ..
        } = message.envelope.content
        else {
            panic!("expected a cut event");
        };
        assert_eq!(
            (object_kind.as_str(), truncated, message.envelope.version),
            ("gitlab_audit_event", true, 1)
        );
    }

    proptest! {
        #[test]
        fn every_id_is_one_that_sqs_takes(kind in any::<String>(), id in any::<String>()) {
            let mut event = audit_event(1, 1, "x");
            event.entity.object_type = Some(kind);
            event.entity.id = Some(id);
            let message = messages_of(vec![event]).remove(0);
            for id in [message.group, message.deduplication_id] {
                prop_assert!((1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
