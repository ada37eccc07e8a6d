//! What is still to be done at an issue: a pure function of what it shows and what is wanted.

use rules::Linear as Settings;

use super::issue::Issue;
use crate::ArchivedMerge;

/// What is missing at the issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps {
    /// The merge request is to be attached.
    pub(super) attach: bool,
    /// The comment is to be written.
    pub(super) comment: bool,
    /// State that the issue is to be moved to, by id.
    pub(super) state: Option<String>,
    /// Name of a label that is to be added.
    pub(super) add_label: Option<String>,
    /// A label of ours that a correction has made wrong, by id.
    pub(super) remove_label: Option<String>,
}

/// The team has no state that would close the issue; somebody must name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoCompletedState;

impl Steps {
    pub(super) fn of(issue: &Issue, merge: &ArchivedMerge, settings: &Settings) -> Result<Self, NoCompletedState> {
        let tracking = &settings.tracking;
        let (wanted, unwanted) = merge.labels(tracking);
        let state = if merge.closes(tracking) && !issue.is_closed() {
            let state = issue.completed_state(settings.completed_state.as_deref());
            Some(state.ok_or(NoCompletedState)?.id.clone())
        } else {
            None
        };
        Ok(Self {
            attach: issue.attachments.nodes.is_empty() && crate::address::shown(&merge.row.web_url).is_some(),
            comment: issue.comments.nodes.is_empty(),
            state,
            add_label: issue.label(wanted).is_none().then(|| wanted.to_owned()),
            remove_label: issue
                .label(unwanted)
                .filter(|_| merge.is_correction)
                .map(|label| label.id.clone()),
        })
    }

    /// Everything stands as it should.
    pub(super) fn are_none(&self) -> bool {
        *self
            == Self {
                attach: false,
                comment: false,
                state: None,
                add_label: None,
                remove_label: None,
            }
    }
}
