//! The messages of the deliveries and effects queues, `quarantined_deliveries.content` and `merge_request_events.reviewers`.

use model::{
    AuditLine, AuthMethod, Authentication, Content, DeliveryIds, EffectMessage, Envelope, EventAction,
    GitLabAuditAuthor, GitLabAuditEvent, GitLabAuditObject, MergeRequestEvent, MergeRequestIid, OccurredAtSource,
    Project, ProjectId, Reviewer, SystemAction, UserId,
};

use crate::compare::{same, same_and_full};
use crate::values::{approver, at, author, reviewer, sha, sha256, traceparent, uuid};

pub(crate) fn event() -> MergeRequestEvent {
    MergeRequestEvent {
        project: Project {
            id: ProjectId(7301),
            path: "payments/gateway".to_owned(),
        },
        mr_id: 990_811,
        mr_iid: MergeRequestIid(811),
        title: "Rotate the card vault keys".to_owned(),
        url: "https://gitlab.example.test/payments/gateway/-/merge_requests/811".to_owned(),
        action: EventAction::Unapproved,
        state: Some("opened".to_owned()),
        actor: Some(author()),
        author_id: Some(UserId(501)),
        occurred_at: at("10:30:00"),
        occurred_at_source: OccurredAtSource::UpdatedAt,
        occurred_at_raw: Some("2026-03-02 10:30:00 UTC".to_owned()),
        labels: vec!["security::high".to_owned()],
        labels_added: vec!["security::high".to_owned()],
        labels_removed: vec!["security::low".to_owned()],
        labels_truncated: true,
        system: true,
        system_action: Some(SystemAction::CodeOwnerApprovalsResetOnPush),
        head_sha: Some(sha('a')),
        oldrev: Some(sha('9')),
        merge_commit_sha: Some(sha('b')),
        merged_at: Some(at("11:00:00")),
        source_branch: Some("vault-42-keys".to_owned()),
        target_branch: Some("main".to_owned()),
        reviewers: vec![reviewer()],
    }
}

fn sparse_event() -> MergeRequestEvent {
    MergeRequestEvent {
        state: None,
        actor: None,
        author_id: None,
        occurred_at_raw: None,
        labels: Vec::new(),
        labels_added: Vec::new(),
        labels_removed: Vec::new(),
        labels_truncated: false,
        system: false,
        system_action: None,
        head_sha: None,
        oldrev: None,
        merge_commit_sha: None,
        merged_at: None,
        source_branch: None,
        target_branch: None,
        reviewers: vec![Reviewer {
            user: approver(),
            state: None,
        }],
        ..event()
    }
}

fn audit_event() -> GitLabAuditEvent {
    let object = |kind: &str, id: &str, name: &str| GitLabAuditObject {
        object_type: Some(kind.to_owned()),
        id: Some(id.to_owned()),
        name: Some(name.to_owned()),
    };
    GitLabAuditEvent {
        event_key: sha256('e'),
        event_id: Some("7".to_owned()),
        event_type: Some("member_destroyed".to_owned()),
        created_at: Some(at("10:30:00")),
        author: GitLabAuditAuthor {
            id: Some(31),
            name: Some("Ana Example".to_owned()),
            class: Some("User".to_owned()),
        },
        entity: object("Group", "4242", "acme/security-team"),
        target: object("User", "51", "Sam Example"),
        details: serde_json::from_str(r#"{"remove": "user_access"}"#).unwrap(),
    }
}

pub(crate) fn envelope(content: Content) -> Envelope {
    Envelope {
        version: content.envelope_version(),
        correlation_id: uuid(1),
        traceparent: Some(traceparent()),
        received_at: at("10:30:03"),
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "payments-group".to_owned(),
            instance: "main".to_owned(),
            stale: true,
        },
        delivery: DeliveryIds {
            key: Some("5f0c-delivery".to_owned()),
            id: Some("msg-5f0c".to_owned()),
            event_uuid: Some(uuid(2).to_string()),
        },
        payload_sha256: sha256('f'),
        audit_line: AuditLine {
            stream_id: uuid(3),
            seq: 17,
        },
        content,
    }
}

#[test]
fn every_envelope_keeps_its_names() {
    let contents = [
        Content::MergeRequest(Box::new(event())),
        Content::Unexpected {
            object_kind: "merge_request".to_owned(),
            problem: "object_attributes is not an object".to_owned(),
            body_base64: "e30=".to_owned(),
            truncated: true,
        },
        Content::GitlabAudit {
            events: vec![audit_event()],
        },
    ];
    for content in &contents {
        // A new variant does not compile until it is added here; add it to the list above, too.
        match content {
            Content::MergeRequest(_) | Content::Unexpected { .. } | Content::GitlabAudit { .. } => (),
        }
    }
    same_and_full("envelopes.json", &contents.map(envelope).to_vec());
}

#[test]
fn an_envelope_without_optional_values_keeps_its_form() {
    let sparse = Envelope {
        traceparent: None,
        delivery: DeliveryIds {
            key: None,
            id: None,
            event_uuid: None,
        },
        ..envelope(Content::MergeRequest(Box::new(sparse_event())))
    };
    same("envelope_sparse.json", &sparse);
}

#[test]
fn an_effect_message_keeps_its_names() {
    same_and_full("effect_message.json", &effect_message());
}

#[test]
fn an_effect_message_without_trace_keeps_its_form() {
    let sparse = EffectMessage {
        traceparent: None,
        ..effect_message()
    };
    same("effect_message_sparse.json", &sparse);
}

fn effect_message() -> EffectMessage {
    EffectMessage {
        effect_id: uuid(4),
        attempts: 2,
        destination: "slack:C0PODPAY".to_owned(),
        correlation_id: uuid(1),
        traceparent: Some(traceparent()),
    }
}
