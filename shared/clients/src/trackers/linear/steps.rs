//! What an issue lacks: a pure function of its state and the wanted state.

use rules::LinearRules as Settings;

use super::issue::LinearIssue;
use crate::MergeSummary;

/// What the issue lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Attach the merge request.
    pub(super) attach: bool,
    pub(super) comment: bool,
    /// Move the issue to this state, by id.
    pub(super) state: Option<String>,
    /// Add the label with this name.
    pub(super) add_label: Option<String>,
    /// Remove these labels of ours, by id: a correction made them obsolete.
    pub(super) remove_labels: Vec<String>,
}

/// The team has no state that closes an issue; the operator must configure one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoCompletedState;

impl Steps {
    pub(super) fn of(
        issue: &LinearIssue,
        merge: &MergeSummary,
        settings: &Settings,
        blocked_by_exception: bool,
    ) -> Result<Self, NoCompletedState> {
        if issue.archived_at.is_some() {
            // Closed long ago and archived: Linear rejects further changes.
            return Ok(Self::default());
        }
        let tracking = &settings.tracking;
        let labels = merge.labels(tracking, blocked_by_exception);
        let state = if merge.closes(tracking, blocked_by_exception) && !issue.is_closed() {
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

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
