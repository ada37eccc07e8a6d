//! Translates a merge-request event into our types.

use jiff::Timestamp;
use model::{
    EventAction, MergeRequestEvent, MergeRequestIid, OccurredAtSource, Project, ProjectId, Reviewer, SystemAction,
    User, UserId,
};
use serde_json::Value;

use super::labels;
use super::text::{ID_CHARS, PATH_BYTES, TEXT_CHARS, TITLE_CHARS, member, within};
use crate::gitlab::time::parse_timestamp;

/// Most reviewers kept; GitLab allows 100 per merge request.
const MAX_REVIEWERS: usize = 100;
/// Longest raw timestamp kept, in characters.
const TIME_CHARS: usize = 64;

/// A required field: without it the merge request cannot be identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PayloadProblem {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not a positive integer")]
    NotAnId(&'static str),
    #[error("object_attributes is not an object")]
    NoAttributes,
}

/// Translates a document whose kind is `merge_request`.
pub(super) fn parse_merge_request(
    document: &Value,
    received_at: Timestamp,
) -> Result<MergeRequestEvent, PayloadProblem> {
    let attributes = document
        .get("object_attributes")
        .filter(|value| value.is_object())
        .ok_or(PayloadProblem::NoAttributes)?;
    let project = Project {
        id: project_id(document)?,
        path: project_path(document).unwrap_or_default(),
    };
    let (occurred_at, occurred_at_source, occurred_at_raw) = occurred_at(attributes, received_at);
    let (labels, labels_added, labels_removed) = (
        labels::current(document),
        labels::added(document),
        labels::removed(document),
    );
    Ok(MergeRequestEvent {
        project,
        mr_id: id(attributes, "id", "object_attributes.id")?,
        mr_iid: MergeRequestIid(id(attributes, "iid", "object_attributes.iid")?),
        title: member(attributes, "title", TITLE_CHARS).unwrap_or_default(),
        url: member(attributes, "url", TEXT_CHARS).unwrap_or_default(),
        action: EventAction::parse(&member(attributes, "action", ID_CHARS).unwrap_or_default()),
        state: state(attributes),
        actor: document.get("user").and_then(read_user),
        author_id: attributes.get("author_id").and_then(Value::as_i64).map(UserId),
        occurred_at,
        occurred_at_source,
        occurred_at_raw,
        labels_truncated: labels.truncated || labels_added.truncated || labels_removed.truncated,
        labels: labels.titles,
        labels_added: labels_added.titles,
        labels_removed: labels_removed.titles,
        system: attributes.get("system").and_then(Value::as_bool).unwrap_or_default(),
        system_action: system_action(attributes),
        head_sha: attributes
            .get("last_commit")
            .and_then(|commit| member(commit, "id", ID_CHARS)),
        oldrev: member(attributes, "oldrev", ID_CHARS),
        merge_commit_sha: member(attributes, "merge_commit_sha", ID_CHARS),
        merged_at: attributes
            .get("merged_at")
            .and_then(Value::as_str)
            .and_then(parse_timestamp),
        source_branch: member(attributes, "source_branch", TEXT_CHARS),
        target_branch: member(attributes, "target_branch", TEXT_CHARS),
        reviewers: reviewers(document),
    })
}

/// The target project's id; system hooks do not send `project.id`.
pub(super) fn project_id(document: &Value) -> Result<ProjectId, PayloadProblem> {
    let attributes = &document["object_attributes"];
    let candidates = [
        (&document["project"], "id", "project.id"),
        (attributes, "target_project_id", "object_attributes.target_project_id"),
    ];
    let present = candidates
        .into_iter()
        .find(|(object, name, _)| !object[*name].is_null());
    let (object, name, shown) = present.ok_or(PayloadProblem::Missing("project.id"))?;
    id(object, name, shown).map(ProjectId)
}

/// The target project's path.
pub(super) fn project_path(document: &Value) -> Option<String> {
    let nested = || {
        member(
            &document["object_attributes"]["target"],
            "path_with_namespace",
            TEXT_CHARS,
        )
    };
    let path = member(&document["project"], "path_with_namespace", TEXT_CHARS).or_else(nested);
    path.map(|path| within(path, PATH_BYTES))
}

fn id(object: &Value, name: &str, shown: &'static str) -> Result<i64, PayloadProblem> {
    match &object[name] {
        Value::Null => Err(PayloadProblem::Missing(shown)),
        value => value
            .as_i64()
            .filter(|id| *id > 0)
            .ok_or(PayloadProblem::NotAnId(shown)),
    }
}

/// `actioned_at` is when the action happened; `updated_at` can be older than the action, as separate jobs write the two.
fn occurred_at(attributes: &Value, received_at: Timestamp) -> (Timestamp, OccurredAtSource, Option<String>) {
    let sources = [
        ("actioned_at", OccurredAtSource::ActionedAt),
        ("updated_at", OccurredAtSource::UpdatedAt),
    ];
    let mut raws = sources
        .into_iter()
        .filter_map(|(name, source)| Some((member(attributes, name, TIME_CHARS)?, source)));
    let read = raws.find_map(|(raw, source)| Some((parse_timestamp(&raw)?, source, Some(raw))));
    read.unwrap_or((received_at, OccurredAtSource::ReceivedAt, None))
}

fn state(attributes: &Value) -> Option<String> {
    let by_number = || match attributes["state_id"].as_i64()? {
        1 => Some("opened"),
        2 => Some("closed"),
        3 => Some("merged"),
        4 => Some("locked"),
        _ => None,
    };
    member(attributes, "state", ID_CHARS).or_else(|| by_number().map(str::to_owned))
}

fn system_action(attributes: &Value) -> Option<SystemAction> {
    Some(match member(attributes, "system_action", ID_CHARS)?.as_str() {
        "approvals_reset_on_push" => SystemAction::ApprovalsResetOnPush,
        "code_owner_approvals_reset_on_push" => SystemAction::CodeOwnerApprovalsResetOnPush,
        other => SystemAction::Other(other.to_owned()),
    })
}

pub(super) fn read_user(value: &Value) -> Option<User> {
    let id = value.get("id").and_then(Value::as_i64)?;
    Some(User {
        id: UserId(id),
        username: member(value, "username", ID_CHARS).unwrap_or_default(),
    })
}

fn reviewers(document: &Value) -> Vec<Reviewer> {
    let listed = document["reviewers"].as_array().into_iter().flatten();
    let reviewer = |value: &Value| {
        Some(Reviewer {
            user: read_user(value)?,
            state: member(value, "state", ID_CHARS),
        })
    };
    listed.filter_map(reviewer).take(MAX_REVIEWERS).collect()
}
