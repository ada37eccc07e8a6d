//! Parses a body: its kind, and its merge-request event.

mod labels;
mod merge_request;
mod note;
mod push;
mod shape;
mod text;

use jiff::Timestamp;
use model::{MergeRequestEvent, Project};
use serde_json::Value;

use crate::gitlab::json;
use crate::gitlab::scope::ProjectSeen;
pub use note::NoteEvent;
pub use push::PushEvent;
use shape::BODY;
use text::{ID_CHARS, clean_text};

/// `object_kind` of merge-request events, the same for project, group and system hooks.
const MERGE_REQUEST: &str = "merge_request";
/// Comments; the second is an `event_type`.
const NOTES: [&str; 2] = ["note", "confidential_note"];
const PUSHES: [&str; 2] = ["push", "tag_push"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classified {
    MergeRequest(Box<MergeRequestEvent>),
    /// A comment on anything.
    Note(Box<NoteEvent>),
    Push(Box<PushEvent>),
    /// A kind of event that we do not handle.
    Unhandled {
        /// The kind, as GitLab names it.
        kind: String,
    },
    /// Not one JSON object in UTF-8, or without a kind: a custom webhook template can send anything.
    Unparseable,
    /// A handled kind with an unexpected structure. It must be kept: the next version may support it.
    Unexpected {
        /// The kind, as GitLab names it.
        object_kind: String,
        /// What could not be read; contains field names, never values.
        problem: String,
        /// The project, as far as it could be read.
        project: Option<model::ProjectId>,
        /// Its path, as far as it could be read.
        project_path: Option<String>,
    },
}

impl Classified {
    /// The project of the event, for [`crate::gitlab::hook_in_scope`].
    #[must_use]
    pub fn project(&self) -> ProjectSeen<'_> {
        match self {
            Self::MergeRequest(event) => seen(&event.project),
            Self::Note(event) => seen(&event.project),
            Self::Push(event) => seen(&event.project),
            Self::Unexpected {
                project, project_path, ..
            } => ProjectSeen {
                id: *project,
                path: project_path.as_deref(),
            },
            Self::Unhandled { .. } | Self::Unparseable => ProjectSeen::default(),
        }
    }
}

/// Reads an authenticated body. `received_at` is the time of events without a readable time.
///
/// Fields that are absent, null, of another type or unknown never make a body unreadable; only an event without the ids of its
/// merge request is [`Classified::Unexpected`].
#[must_use]
pub fn classify(body: &[u8], received_at: Timestamp) -> Classified {
    let Some(document) = json::read_document(body, &BODY) else {
        return Classified::Unparseable;
    };
    let word = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_str)
            .filter(|word| !word.is_empty())
    };
    let Some(kind) = word("object_kind")
        .or_else(|| word("event_type"))
        .or_else(|| word("event_name"))
    else {
        return Classified::Unparseable;
    };
    if NOTES.contains(&kind) {
        let note = note::parse_note(&document).map(Box::new);
        return note.map_or(Classified::Unparseable, Classified::Note);
    }
    if PUSHES.contains(&kind) {
        let push = push::parse_push(&document).map(Box::new);
        return push.map_or(Classified::Unparseable, Classified::Push);
    }
    if kind != MERGE_REQUEST {
        return Classified::Unhandled {
            kind: clean_text(kind, ID_CHARS),
        };
    }
    match merge_request::parse_merge_request(&document, received_at) {
        Ok(event) => Classified::MergeRequest(Box::new(event)),
        Err(problem) => Classified::Unexpected {
            object_kind: kind.to_owned(),
            problem: problem.to_string(),
            project: merge_request::project_id(&document).ok(),
            project_path: merge_request::project_path(&document),
        },
    }
}

/// The project that a body of any kind claims. Until the body is authenticated the claim is unproven.
#[must_use]
pub fn claimed_project(body: &[u8]) -> Option<model::ProjectId> {
    let document = json::read_document(body, &BODY)?;
    merge_request::project_id(&document)
        .ok()
        .or_else(|| top_level_project(&document))
}

/// `project_id`, which is also there if the project itself is not.
fn top_level_project(document: &Value) -> Option<model::ProjectId> {
    let id = document.get("project_id").and_then(Value::as_i64);
    id.filter(|id| *id > 0).map(model::ProjectId)
}

fn seen(project: &Project) -> ProjectSeen<'_> {
    ProjectSeen {
        id: Some(project.id),
        path: Some(project.path.as_str()).filter(|path| !path.is_empty()),
    }
}

#[cfg(test)]
mod tests;
