//! Parts shared by several golden values. All names are invented.

use jiff::Timestamp;
use model::{Approval, LabelEvent, MergeRequestIid, MergeRequestKey, MergeTrigger, ProjectId, Reviewer, User, UserId};
use uuid::Uuid;

/// A full SHA-1 of one digit.
pub(crate) fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// A full SHA-256 of one digit.
pub(crate) fn sha256(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// A time on the day of the example merge request.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

pub(crate) fn uuid(end: u8) -> Uuid {
    Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0000 | u128::from(end))
}

pub(crate) fn traceparent() -> String {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()
}

pub(crate) fn user(id: i64, username: &str) -> User {
    User {
        id: UserId(id),
        username: username.to_owned(),
    }
}

pub(crate) fn author() -> User {
    user(501, "mira.quill")
}

pub(crate) fn approver() -> User {
    user(502, "tobin.ashe")
}

pub(crate) fn key() -> MergeRequestKey {
    MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(7301),
        mr_iid: MergeRequestIid(811),
    }
}

pub(crate) fn approval() -> Approval {
    Approval {
        user: approver(),
        approved_at: Some(at("10:20:00")),
    }
}

pub(crate) fn label_event() -> LabelEvent {
    LabelEvent {
        label: Some("security::high".to_owned()),
        label_id: Some(91),
        added: true,
        at: at("09:05:00"),
        actor: Some(author()),
    }
}

pub(crate) fn reviewer() -> Reviewer {
    Reviewer {
        user: approver(),
        state: Some("approved".to_owned()),
    }
}

pub(crate) fn trigger() -> MergeTrigger {
    MergeTrigger {
        trusted: true,
        merger: Some(author()),
        merged_at: at("11:00:00"),
        labels: vec!["security::high".to_owned()],
        labels_unknown: true,
        mr_id: 990_811,
        project_path: "payments/gateway".to_owned(),
        title: "Rotate the card vault keys".to_owned(),
        url: "https://gitlab.example.test/payments/gateway/-/merge_requests/811".to_owned(),
        author_id: Some(UserId(501)),
        head_sha: Some(sha('a')),
        merge_commit_sha: Some(sha('b')),
    }
}

/// A trigger from a delivery with the fewest fields.
pub(crate) fn sparse_trigger() -> MergeTrigger {
    MergeTrigger {
        trusted: false,
        merger: None,
        merged_at: at("11:00:00"),
        labels: Vec::new(),
        labels_unknown: false,
        mr_id: 990_811,
        project_path: String::new(),
        title: String::new(),
        url: String::new(),
        author_id: None,
        head_sha: None,
        merge_commit_sha: None,
    }
}
