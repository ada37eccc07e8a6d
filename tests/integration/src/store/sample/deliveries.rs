//! A merge-request event, and the envelope of its delivery.

use model::{
    AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, EventAction, MergeRequestEvent,
    MergeRequestIid, OccurredAtSource, Project, ProjectId, Reviewer, UserId,
};
use uuid::Uuid;

use super::{at, user};

pub(crate) fn event(mr_iid: i64, action: EventAction, occurred: i64) -> MergeRequestEvent {
    MergeRequestEvent {
        project: Project {
            id: ProjectId(77),
            path: "harbour/crane".to_owned(),
        },
        mr_id: 9000 + mr_iid,
        mr_iid: MergeRequestIid(mr_iid),
        title: "Rotate the session keys".to_owned(),
        url: format!("https://gitlab.example/harbour/crane/-/merge_requests/{mr_iid}"),
        action,
        state: Some("opened".to_owned()),
        actor: Some(user(11, "ines")),
        author_id: Some(UserId(12)),
        occurred_at: at(occurred),
        occurred_at_source: OccurredAtSource::ActionedAt,
        occurred_at_raw: Some("2026-03-02 12:00:00 UTC".to_owned()),
        labels: vec!["security::high".to_owned(), "backend".to_owned()],
        labels_added: vec!["security::high".to_owned()],
        labels_removed: Vec::new(),
        labels_truncated: false,
        system: false,
        system_action: None,
        head_sha: Some("4f".repeat(20)),
        oldrev: None,
        merge_commit_sha: None,
        merged_at: None,
        source_branch: Some("rotate-keys".to_owned()),
        target_branch: Some("main".to_owned()),
        reviewers: vec![Reviewer {
            user: user(13, "jonas"),
            state: Some("requested_changes".to_owned()),
        }],
    }
}

pub(crate) fn envelope(event: &MergeRequestEvent, delivery: &str) -> Envelope {
    Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        received_at: at(1),
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "harbour".to_owned(),
            instance: "gitlab.example".to_owned(),
            stale: false,
        },
        delivery: DeliveryIds {
            key: Some(delivery.to_owned()),
            id: Some(delivery.to_owned()),
            event_uuid: Some("c0ffee".to_owned()),
        },
        payload_sha256: "ab".repeat(32),
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: 7,
        },
        content: Content::MergeRequest(Box::new(event.clone())),
    }
}
