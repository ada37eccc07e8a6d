//! Bodies as GitLab sends them, and malformed bodies.

use model::{EventAction, MergeRequestIid, OccurredAtSource, ProjectId, SystemAction, UserId};
use serde_json::json;

use super::*;

mod hostile;
mod labels;
mod notes_and_pushes;

fn received() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A merge event of a self-managed instance: local time zone, no `merged_at`, no reviewers.
fn merged() -> Value {
    json!({
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": 41, "name": "Mira Lindqvist", "username": "mira", "email": "[REDACTED]"},
        "project": {"id": 1201, "name": "vault", "path_with_namespace": "platform/vault", "web_url": "https://git.example/platform/vault"},
        "object_attributes": {
            "id": 90017, "iid": 12, "title": "Rotate the signing key", "description": null, "action": "merge",
            "state": "merged", "state_id": 3, "author_id": 42, "merge_user_id": null,
            "source_branch": "rotate", "target_branch": "main", "target_project_id": 1201,
            "updated_at": "2026-02-28 19:29:18 +0100", "merge_commit_sha": "4be1f3a0c0ffee",
            "last_commit": {"id": "9d3c1e77", "message": "Rotate", "author": {"email": "mira@git.example"}},
            "labels": [{"id": 5, "title": "security::high", "type": "GroupLabel"}],
            "system": false, "approval_rules": [], "url": "https://git.example/platform/vault/-/merge_requests/12"
        },
        "labels": [{"id": 5, "title": "security::high", "created_at": "2020-01-01 00:00:00 +0100"}],
        "changes": {"state_id": {"previous": 1, "current": 3}},
        "repository": {"name": "vault"}
    })
}

fn event(body: &Value) -> MergeRequestEvent {
    match classify(body.to_string().as_bytes(), received()) {
        Classified::MergeRequest(event) => *event,
        other => panic!("a merge-request event expected, not {other:?}"),
    }
}

/// The merge event with one member replaced; `path` as in JSON Pointer.
fn with(path: &str, value: Value) -> Value {
    let mut body = merged();
    let (parent, name) = path.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

#[test]
fn a_merge_event_is_translated_field_by_field() {
    let event = event(&merged());
    assert_eq!(event.project.id, ProjectId(1201));
    assert_eq!(event.project.path, "platform/vault");
    assert_eq!((event.mr_id, event.mr_iid), (90_017, MergeRequestIid(12)));
    assert_eq!(event.title, "Rotate the signing key");
    assert_eq!(event.url, "https://git.example/platform/vault/-/merge_requests/12");
    assert_eq!(
        (event.action, event.state.as_deref()),
        (EventAction::Merge, Some("merged"))
    );
    assert_eq!(
        event.actor.map(|user| (user.id, user.username)),
        Some((UserId(41), "mira".to_owned()))
    );
    assert_eq!(event.author_id, Some(UserId(42)));
    assert_eq!(event.occurred_at, "2026-02-28T18:29:18Z".parse().unwrap());
    assert_eq!(event.occurred_at_source, OccurredAtSource::UpdatedAt);
    assert_eq!(event.occurred_at_raw.as_deref(), Some("2026-02-28 19:29:18 +0100"));
    assert_eq!(event.labels, ["security::high"]);
    assert_eq!(
        (
            event.labels_added.len(),
            event.labels_removed.len(),
            event.reviewers.len()
        ),
        (0, 0, 0)
    );
    assert_eq!((event.system, event.system_action), (false, None));
    assert_eq!(event.head_sha.as_deref(), Some("9d3c1e77"));
    assert_eq!(event.merge_commit_sha.as_deref(), Some("4be1f3a0c0ffee"));
    assert_eq!((event.oldrev, event.merged_at), (None, None));
    assert_eq!(
        (event.source_branch.as_deref(), event.target_branch.as_deref()),
        (Some("rotate"), Some("main"))
    );
}

#[test]
fn what_the_newest_gitlab_adds_is_used() {
    let mut body = with("/object_attributes/actioned_at", json!("2026-02-28 18:31:00 UTC"));
    body["object_attributes"]["merged_at"] = json!("2026-02-28T18:30:59.500Z");
    body["object_attributes"]["oldrev"] = json!("aa11");
    body["reviewers"] = json!([
        {"id": 7, "username": "noor", "state": "approved", "re_requested": false}, {"username": "no id"}, null, {"id": 8}
    ]);
    let event = event(&body);
    assert_eq!(event.occurred_at, "2026-02-28T18:31:00Z".parse().unwrap());
    assert_eq!(event.occurred_at_source, OccurredAtSource::ActionedAt);
    assert_eq!(event.merged_at, Some("2026-02-28T18:30:59.5Z".parse().unwrap()));
    assert_eq!(event.oldrev.as_deref(), Some("aa11"));
    let reviewers: Vec<_> = event
        .reviewers
        .iter()
        .map(|r| (r.user.id.0, r.user.username.as_str(), r.state.as_deref()))
        .collect();
    assert_eq!(reviewers, [(7, "noor", Some("approved")), (8, "", None)]);
}

#[test]
fn without_readable_time_receipt_time_is_used() {
    for value in [
        Value::Null,
        json!(""),
        json!("soon"),
        json!(5),
        json!({}),
        json!("9".repeat(5_000)),
    ] {
        let event = event(&with("/object_attributes/updated_at", value));
        assert_eq!(
            (event.occurred_at, event.occurred_at_source),
            (received(), OccurredAtSource::ReceivedAt)
        );
        assert_eq!(event.occurred_at_raw, None);
    }
    let unreadable_first = with("/object_attributes/actioned_at", json!("soon"));
    assert_eq!(event(&unreadable_first).occurred_at_source, OccurredAtSource::UpdatedAt);
}

#[test]
fn system_reset_is_distinguished_from_pusher_action() {
    let cases = [
        ("approvals_reset_on_push", SystemAction::ApprovalsResetOnPush),
        (
            "code_owner_approvals_reset_on_push",
            SystemAction::CodeOwnerApprovalsResetOnPush,
        ),
        ("something_new", SystemAction::Other("something_new".to_owned())),
    ];
    for (word, expected) in cases {
        let mut body = with("/object_attributes/system_action", json!(word));
        body["object_attributes"]["system"] = json!(true);
        let event = event(&body);
        assert_eq!((event.system, event.system_action), (true, Some(expected)));
    }
}

#[test]
fn system_hook_without_user_and_project_id_works() {
    let mut body = merged();
    body["project"] = json!({"name": "vault", "path_with_namespace": "platform/vault"});
    body["user"] = json!({"name": "Administrator", "username": "root"});
    let event = event(&body);
    assert_eq!(
        (event.project.id, event.project.path.as_str()),
        (ProjectId(1201), "platform/vault")
    );
    assert_eq!(event.actor, None);
}

#[test]
fn missing_state_and_path_use_fallback_fields() {
    for (number, state) in [
        (1, Some("opened")),
        (2, Some("closed")),
        (3, Some("merged")),
        (4, Some("locked")),
        (5, None),
    ] {
        let mut body = with("/object_attributes/state_id", json!(number));
        body["object_attributes"]["state"] = Value::Null;
        assert_eq!(event(&body).state.as_deref(), state);
    }
    let mut body = with("/project", json!({"id": 1201}));
    body["object_attributes"]["target"] = json!({"path_with_namespace": "platform/vault"});
    assert_eq!(event(&body).project.path, "platform/vault");
}

#[test]
fn missing_or_unknown_action_is_still_an_event() {
    for value in [Value::Null, json!(""), json!([]), json!(7)] {
        assert_eq!(
            event(&with("/object_attributes/action", value)).action,
            EventAction::Other(String::new())
        );
    }
    assert_eq!(
        event(&with("/object_attributes/action", json!("merge"))).action,
        EventAction::Merge
    );
    assert_eq!(
        event(&with("/object_attributes/action", json!("teleport"))).action,
        EventAction::Other("teleport".to_owned())
    );
}

#[test]
fn the_kind_decides_what_a_body_is() {
    let unhandled = |kind: &str| Classified::Unhandled { kind: kind.to_owned() };
    let long = "k".repeat(9_000);
    let cases = [
        (json!({"object_kind": "note"}), Classified::Unparseable),
        (
            json!({"object_kind": "build", "event_type": "merge_request"}),
            unhandled("build"),
        ),
        (json!({"object_kind": "Merge_Request"}), unhandled("Merge_Request")),
        (json!({"event_type": "push"}), Classified::Unparseable),
        (json!({"event_name": "user_create"}), unhandled("user_create")),
        (json!({"object_kind": long}), unhandled(&long[..255])),
        (json!({}), Classified::Unparseable),
        (json!({"object_kind": 5}), Classified::Unparseable),
        (json!({"object_kind": ""}), Classified::Unparseable),
        (json!({"text": "a custom template"}), Classified::Unparseable),
        (json!([merged()]), Classified::Unparseable),
        (json!("merge_request"), Classified::Unparseable),
        (json!(null), Classified::Unparseable),
    ];
    for (body, expected) in cases {
        assert_eq!(classify(body.to_string().as_bytes(), received()), expected, "{body}");
    }
    for body in [
        &b""[..],
        b"\xff",
        b"{\"object_kind\":\"merge_request\"",
        b"payload=%7B%7D",
    ] {
        assert_eq!(classify(body, received()), Classified::Unparseable);
    }
}

#[test]
fn claimed_project_is_read_from_any_body() {
    let cases = [
        (merged(), Some(1201)),
        (
            json!({"object_kind": "push", "project_id": 15, "project": {"name": "x"}}),
            Some(15),
        ),
        (json!({"project": {"id": 15}}), Some(15)),
        (json!({"object_attributes": {"target_project_id": 15}}), Some(15)),
        (json!({"project_id": "15"}), None),
        (json!({"project_id": -15}), None),
        (json!([]), None),
    ];
    for (body, expected) in cases {
        assert_eq!(
            claimed_project(body.to_string().as_bytes()),
            expected.map(ProjectId),
            "{body}"
        );
    }
    assert_eq!(claimed_project(b"\xff"), None);
}
