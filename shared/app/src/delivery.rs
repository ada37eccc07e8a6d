//! One delivery in processing.

use audit::Context;
use model::{Envelope, EventAction, MergeRequestEvent, MergeRequestKey, MergeTrigger};
use store::EligibleReading;

/// A delivery in processing.
pub(crate) struct Delivery<'a> {
    pub(crate) context: &'a Context,
    pub(crate) envelope: &'a Envelope,
    pub(crate) event: &'a MergeRequestEvent,
    pub(crate) key: &'a MergeRequestKey,
    /// Whether the actor was an eligible approver, if that was read.
    pub(crate) eligible: Option<EligibleReading>,
    /// The event itself shows a security label.
    pub(crate) shows_label: bool,
}

impl Delivery<'_> {
    pub(crate) fn is_stale(&self) -> bool {
        self.envelope.authentication.stale
    }

    pub(crate) fn is_merge(&self) -> bool {
        self.event.action == EventAction::Merge
    }

    /// The event's data about the merge. For a stale delivery only the ids are trusted.
    pub(crate) fn trigger(&self) -> MergeTrigger {
        if self.is_stale() {
            MergeTrigger::untrusted(self.event, self.envelope.received_at)
        } else {
            MergeTrigger::of(self.event)
        }
    }
}
