//! What is still to be done at an issue: a pure function of what it shows and what is wanted.

use rules::Linear as Settings;

use super::issue::Issue;
use crate::ArchivedMerge;

/// What is missing at the issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// The merge request is to be attached.
    pub(super) attach: bool,
    /// The comment is to be written.
    pub(super) comment: bool,
    /// State that the issue is to be moved to, by id.
    pub(super) state: Option<String>,
    /// Name of a label that is to be added.
    pub(super) add_label: Option<String>,
    /// Labels of ours that a correction has made wrong, by id.
    pub(super) remove_labels: Vec<String>,
}

/// The team has no state that would close the issue; somebody must name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoCompletedState;

impl Steps {
    pub(super) fn of(
        issue: &Issue,
        merge: &ArchivedMerge,
        settings: &Settings,
        is_held: bool,
    ) -> Result<Self, NoCompletedState> {
        if issue.archived_at.is_some() {
            // Closed long ago and put away: Linear takes nothing more for it.
            return Ok(Self::default());
        }
        let tracking = &settings.tracking;
        let labels = merge.labels(tracking, is_held);
        let state = if merge.closes(tracking, is_held) && !issue.is_closed() {
            let state = issue.completed_state(settings.completed_state.as_deref());
            Some(state.ok_or(NoCompletedState)?.id.clone())
        } else {
            None
        };
        let wrong = labels.remove.iter().filter_map(|label| issue.label(label));
        Ok(Self {
            attach: issue.attachments.nodes.is_empty() && crate::address::shown(&merge.row.web_url).is_some(),
            comment: issue.comments.nodes.is_empty(),
            state,
            add_label: labels
                .add
                .filter(|label| issue.label(label).is_none())
                .map(str::to_owned),
            remove_labels: wrong.map(|label| label.id.clone()).collect(),
        })
    }

    /// Everything stands as it should.
    pub(super) fn are_none(&self) -> bool {
        *self == Self::default()
    }
}
