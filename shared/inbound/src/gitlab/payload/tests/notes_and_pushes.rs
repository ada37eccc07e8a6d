//! Comments and pushes, as GitLab and older versions send them.

use serde_json::{Value, json};

use super::received;
use crate::gitlab::{Classified, NoteEvent, PushEvent, classify};

fn note_event(change: impl FnOnce(&mut Value)) -> NoteEvent {
    let mut body = json!({
        "object_kind": "note", "event_type": "note", "user": {"id": 88, "username": "lea"},
        "project_id": 1201, "project": {"id": 1201, "path_with_namespace": "platform/vault"},
        "object_attributes": {
            "id": 5001, "note": "/copilot fix", "noteable_type": "MergeRequest", "author_id": 88, "system": false, "internal": false,
            "created_at": "2026-11-20 10:30:00 +0100", "updated_at": "2026-11-20 10:30:00 +0100",
        },
        "merge_request": {"id": 90017, "iid": 12},
    });
    change(&mut body);
    match classify(body.to_string().as_bytes(), received()) {
        Classified::Note(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn push_event(change: impl FnOnce(&mut Value)) -> PushEvent {
    let mut body = json!({
        "object_kind": "push", "before": "22", "after": "11", "ref": "refs/heads/main", "user_id": 31, "user_username": "ana",
        "project_id": 1201, "project": {"id": 1201, "path_with_namespace": "platform/vault", "default_branch": "main"},
        "commits": [], "total_commits_count": 0,
    });
    change(&mut body);
    match classify(body.to_string().as_bytes(), received()) {
        Classified::Push(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comment_names_merge_request_and_actor() {
    let event = note_event(|_| ());
    assert_eq!((event.note_id, event.mr_iid.map(|iid| iid.0)), (5001, Some(12)));
    let actor = event.actor.unwrap();
    assert_eq!((actor.id.0, actor.username.as_str()), (88, "lea"));
    assert!(!event.is_edited && !event.is_system && !event.is_confidential);
    assert_eq!(
        (event.text.as_str(), event.created_at.unwrap().to_string().as_str()),
        ("/copilot fix", "2026-11-20T09:30:00Z")
    );
}

#[test]
fn edits_are_seen_with_and_without_action() {
    let changed = |value: &mut Value| value["object_attributes"]["updated_at"] = "2026-11-20 10:40:00 +0100".into();
    assert!(note_event(changed).is_edited);
    assert!(note_event(|value| value["object_attributes"]["action"] = "update".into()).is_edited);
    let created = note_event(|value| {
        changed(value);
        value["object_attributes"]["action"] = "create".into();
    });
    assert!(!created.is_edited);
}

#[test]
fn other_comments_have_no_merge_request() {
    for kind in ["Issue", "Commit", "Snippet"] {
        assert_eq!(
            note_event(|value| value["object_attributes"]["noteable_type"] = kind.into()).mr_iid,
            None
        );
    }
    let confidential = note_event(|value| {
        value.as_object_mut().unwrap().remove("object_kind");
        value["event_type"] = "confidential_note".into();
        value["user"] = json!({"username": "lea"});
        value["project"] = Value::Null;
    });
    assert!(confidential.is_confidential);
    assert_eq!(
        (confidential.actor.unwrap().id.0, confidential.project.id.0),
        (88, 1201)
    );
}

#[test]
fn a_push_shows_what_became_of_the_ref() {
    let event = push_event(|_| ());
    assert_eq!(
        (event.before.as_deref(), event.after.as_deref(), event.commits),
        (Some("22"), Some("11"), Some(0))
    );
    assert_eq!((event.is_created, event.is_deleted), (false, false));
    assert_eq!(
        (event.git_ref.as_deref(), event.default_branch.as_deref()),
        (Some("refs/heads/main"), Some("main"))
    );
    let deleted = push_event(|value| value["after"] = "0".repeat(40).into());
    assert_eq!((deleted.after, deleted.is_deleted), (None, true));
    let created = push_event(|value| value["before"] = "0".repeat(40).into());
    assert_eq!((created.before, created.is_created), (None, true));
    let sparse = push_event(|value| *value = json!({"event_name": "tag_push", "project_id": 7}));
    assert_eq!((sparse.git_ref, sparse.pusher, sparse.is_created), (None, None, false));
}
