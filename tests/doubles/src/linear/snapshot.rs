//! What tests see of an issue.

use super::world::{Attachment, Comment, World};

/// An issue at one moment, with names in place of ids.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueSnapshot {
    /// Such as `ENG-123`.
    pub identifier: String,
    pub title: String,
    /// The name of its state.
    pub state: String,
    /// The names of its labels, in alphabetical order; the id of an unknown label.
    pub labels: Vec<String>,
    /// Its attachments, oldest first.
    pub attachments: Vec<Attachment>,
    /// Its comments, oldest first.
    pub comments: Vec<Comment>,
}

impl IssueSnapshot {
    /// The addresses of the attachments, oldest first.
    #[must_use]
    pub fn attachment_urls(&self) -> Vec<&str> {
        self.attachments
            .iter()
            .map(|attachment| attachment.url.as_str())
            .collect()
    }
}

pub(super) fn issue(world: &World, id: &str) -> Option<IssueSnapshot> {
    let identifier = world.find_issue(id)?;
    let issue = world.issues.get(&identifier)?;
    let name = |id: &String| world.labels.get(id).map_or(id, |label| &label.name).clone();
    let mut labels: Vec<_> = issue.labels.iter().map(name).collect();
    labels.sort();
    Some(IssueSnapshot {
        title: issue.title.clone(),
        state: issue.state.clone(),
        labels,
        attachments: issue.attachments.clone(),
        comments: issue.comments.clone(),
        identifier,
    })
}

pub(super) fn labels(world: &World, team: Option<&str>) -> Vec<String> {
    let mut names: Vec<_> = world
        .labels
        .values()
        .filter(|label| label.team.as_deref() == team)
        .map(|label| label.name.clone())
        .collect();
    names.sort();
    names
}
