//! The project, people and times of most tests, and the deliveries about its merge requests.

use doubles::payload::MergeRequest;
use inbound::gitlab::{Classified, classify};
use jiff::Timestamp;
use model::{
    AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, MergeRequestIid, MergeRequestKey, ProjectId,
};
use serde_json::Value;
use uuid::Uuid;

pub(crate) const ALICE: u64 = 501;
pub(crate) const AUTHOR: u64 = 601;
pub(crate) const OUTSIDER: u64 = 700;
pub(crate) const PROJECT: u64 = 77;
pub(crate) const HIGH: &[&str] = &["security::high"];

/// A time on the day of the merge.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

pub(crate) fn key(mr: &MergeRequest) -> MergeRequestKey {
    MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(mr.project.try_into().unwrap()),
        mr_iid: MergeRequestIid(mr.iid.try_into().unwrap()),
    }
}

/// Its path in GitLab's API.
pub(crate) fn api_path(mr: &MergeRequest) -> String {
    format!("/api/v4/projects/{}/merge_requests/{}", mr.project, mr.iid)
}

/// The envelope that the webhook function creates from a payload.
pub(crate) fn envelope(payload: &Value, delivery_key: &str) -> Envelope {
    let received_at = at("12:00:01");
    let Classified::MergeRequest(event) = classify(payload.to_string().as_bytes(), received_at) else {
        panic!("no merge-request event: {payload}");
    };
    Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        received_at,
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "test".to_owned(),
            instance: "main".to_owned(),
            stale: false,
        },
        delivery: DeliveryIds {
            key: Some(delivery_key.to_owned()),
            id: Some(delivery_key.to_owned()),
            event_uuid: None,
        },
        payload_sha256: "0".repeat(64),
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: 1,
        },
        content: Content::MergeRequest(Box::new(*event)),
    }
}
