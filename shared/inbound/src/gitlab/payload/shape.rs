//! The wanted members of a body, by their names in GitLab's documentation of webhook events.

use crate::gitlab::json::{SCALAR, Shape};

const PROJECT: Shape = Shape {
    fields: &[
        ("id", &SCALAR),
        ("path_with_namespace", &SCALAR),
        ("default_branch", &SCALAR),
    ],
    items: None,
};
const PERSON: Shape = Shape {
    fields: &[("id", &SCALAR), ("username", &SCALAR), ("state", &SCALAR)],
    items: None,
};
const LABEL: Shape = Shape {
    fields: &[("id", &SCALAR), ("title", &SCALAR), ("name", &SCALAR)],
    items: None,
};
const PEOPLE: Shape = Shape {
    fields: &[],
    items: Some(&PERSON),
};
const LABELS: Shape = Shape {
    fields: &[],
    items: Some(&LABEL),
};
/// `{previous, current}`, or an array of the two.
const LABELS_CHANGE: Shape = Shape {
    fields: &[("previous", &LABELS), ("current", &LABELS)],
    items: Some(&LABELS),
};
const CHANGES: Shape = Shape {
    fields: &[("labels", &LABELS_CHANGE)],
    items: None,
};
const COMMIT: Shape = Shape {
    fields: &[("id", &SCALAR)],
    items: None,
};
/// `object_attributes`.
pub(super) const ATTRIBUTES: Shape = Shape {
    fields: &[
        ("id", &SCALAR),
        ("iid", &SCALAR),
        ("target_project_id", &SCALAR),
        ("target", &PROJECT),
        ("title", &SCALAR),
        ("url", &SCALAR),
        ("action", &SCALAR),
        ("state", &SCALAR),
        ("state_id", &SCALAR),
        ("author_id", &SCALAR),
        ("actioned_at", &SCALAR),
        ("updated_at", &SCALAR),
        ("merged_at", &SCALAR),
        ("labels", &LABELS),
        ("system", &SCALAR),
        ("system_action", &SCALAR),
        ("last_commit", &COMMIT),
        ("oldrev", &SCALAR),
        ("merge_commit_sha", &SCALAR),
        ("source_branch", &SCALAR),
        ("target_branch", &SCALAR),
        // Comments only.
        ("note", &SCALAR),
        ("noteable_type", &SCALAR),
        ("internal", &SCALAR),
        ("confidential", &SCALAR),
        ("created_at", &SCALAR),
    ],
    items: None,
};
/// The merge request of a comment.
const NOTED_MERGE_REQUEST: Shape = Shape {
    fields: &[("iid", &SCALAR)],
    items: None,
};
pub(super) const BODY: Shape = Shape {
    fields: &[
        ("object_kind", &SCALAR),
        ("event_type", &SCALAR),
        ("event_name", &SCALAR),
        ("project_id", &SCALAR),
        ("project", &PROJECT),
        ("user", &PERSON),
        ("labels", &LABELS),
        ("reviewers", &PEOPLE),
        ("changes", &CHANGES),
        ("object_attributes", &ATTRIBUTES),
        // Comments only.
        ("merge_request", &NOTED_MERGE_REQUEST),
        // Pushes only.
        ("ref", &SCALAR),
        ("before", &SCALAR),
        ("after", &SCALAR),
        ("total_commits_count", &SCALAR),
        ("user_id", &SCALAR),
        ("user_username", &SCALAR),
    ],
    items: None,
};
