//! Translates a comment (`object_kind` `note`).

use jiff::Timestamp;
use model::{MergeRequestIid, Project, User, UserId};
use serde_json::Value;

use super::merge_request::{project_id, project_path, read_user};
use super::text::{ID_CHARS, member};
use crate::gitlab::time::parse_timestamp;

/// A comment. Before GitLab 16.11 an event does not say whether it was made or edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteEvent {
    pub project: Project,
    /// GitLab's instance-wide id of the comment.
    pub note_id: i64,
    /// The merge request; `None`: it is on something else, or not readable.
    pub mr_iid: Option<MergeRequestIid>,
    /// Who made or edited it.
    pub actor: Option<User>,
    /// GitLab itself wrote it.
    pub is_system: bool,
    /// Only members see it.
    pub is_confidential: bool,
    /// It was changed, as far as the event shows.
    pub is_edited: bool,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// The text in Markdown.
    pub text: String,
}

/// `None`: neither project nor comment can be identified.
pub(super) fn parse_note(document: &Value) -> Option<NoteEvent> {
    let attributes = &document["object_attributes"];
    let flag = |name: &str| attributes.get(name).and_then(Value::as_bool).unwrap_or_default();
    let time = |name: &str| attributes.get(name).and_then(Value::as_str).and_then(parse_timestamp);
    let on_merge_request = attributes["noteable_type"] == "MergeRequest";
    let iid = document["merge_request"]
        .get("iid")
        .and_then(Value::as_i64)
        .filter(|iid| *iid > 0);
    let (created_at, updated_at) = (time("created_at"), time("updated_at"));
    let is_changed = || {
        created_at
            .zip(updated_at)
            .is_some_and(|(created, updated)| updated > created)
    };
    Some(NoteEvent {
        project: Project {
            id: project_id(document)
                .ok()
                .or_else(|| super::top_level_project(document))?,
            path: project_path(document).unwrap_or_default(),
        },
        note_id: attributes.get("id").and_then(Value::as_i64).filter(|id| *id > 0)?,
        mr_iid: iid.filter(|_| on_merge_request).map(MergeRequestIid),
        actor: actor(document),
        is_system: flag("system"),
        is_confidential: flag("internal") || flag("confidential") || document["event_type"] == "confidential_note",
        is_edited: match member(attributes, "action", ID_CHARS).as_deref() {
            Some("create") => false,
            Some(_) => true,
            None => is_changed(),
        },
        created_at,
        updated_at,
        text: attributes
            .get("note")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

/// The user who made the event; some senders leave out the id.
fn actor(document: &Value) -> Option<User> {
    let by_author = || {
        let id = document["object_attributes"].get("author_id").and_then(Value::as_i64)?;
        let username = member(&document["user"], "username", ID_CHARS).unwrap_or_default();
        Some(User {
            id: UserId(id),
            username,
        })
    };
    document.get("user").and_then(read_user).or_else(by_author)
}
