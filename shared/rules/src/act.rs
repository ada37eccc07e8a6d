//! One person's approval, as both witnesses show it.

use jiff::Timestamp;
use model::{Approval, HistoryEvent, User};

/// One person's approval.
#[derive(Debug)]
pub(crate) struct Act<'a> {
    pub(crate) user: &'a User,
    /// As the API lists it.
    pub(crate) api: Option<&'a Approval>,
    /// This person's stored approval events, oldest first.
    pub(crate) history: Vec<&'a HistoryEvent>,
}

impl<'a> Act<'a> {
    pub(crate) fn new(user: &'a User) -> Self {
        Self {
            user,
            api: None,
            history: Vec::new(),
        }
    }

    /// Since when the approval stands: by the API, else by the last stored event up to the merge, else by the last one.
    pub(crate) fn since(&self, merged_at: Timestamp) -> Option<Timestamp> {
        let stored = || {
            let up_to_merge = |event: &&&HistoryEvent| event.occurred_at <= merged_at;
            self.history
                .iter()
                .rfind(up_to_merge)
                .or(self.history.last())
                .map(|event| event.occurred_at)
        };
        self.api.and_then(|listed| listed.approved_at).or_else(stored)
    }

    /// The API says when, so its time (milliseconds) decides; otherwise it is the history's (whole seconds).
    pub(crate) fn timed_by_api(&self) -> bool {
        self.api.is_some_and(|listed| listed.approved_at.is_some())
    }

    /// A stored event shows it too, no later than the merge.
    pub(crate) fn in_history(&self, merged_at: Timestamp) -> bool {
        self.history.iter().any(|event| event.occurred_at <= merged_at)
    }
}

/// `2026-01-31 18:29:18 UTC`: a time as people read it in a reason.
pub(crate) fn readable(at: Timestamp) -> String {
    format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S"))
}
