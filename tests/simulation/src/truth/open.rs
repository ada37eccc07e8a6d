//! What the facts of a decision leave unknown.

use model::GitLabAnswer;

use super::real::Truth;
use crate::clock::{SECOND, instant};
use crate::ledger::Decided;

impl Truth<'_> {
    /// An event that shows a security label may be from before or after the merge.
    pub(super) fn is_label_unordered(self, decided: &Decided) -> bool {
        // The interval of the design, widened by the clock offset, which a header shows in whole seconds.
        let offset = self.world.setting.clock_offset_ms.abs().max(2 * SECOND) + SECOND;
        let merged_at = self.world.shown(self.merged_at());
        let rules = self.world.setting.profile.rules();
        decided.facts.history.iter().any(|event| {
            let lists = [&event.labels, &event.labels_added, &event.labels_removed];
            let shows = lists.into_iter().flatten().any(|title| rules.is_security_label(title));
            let received = event.received_at.map_or(i64::MAX, instant);
            let from = instant(event.occurred_at).min(received) - offset;
            let to = received.saturating_add(offset);
            shows && !event.stale && event.state.as_deref() != Some("opened") && (from..=to).contains(&merged_at)
        })
    }
}

/// The merged head is not among the versions read.
pub(super) fn head_unknown(answer: &GitLabAnswer) -> bool {
    let GitLabAnswer::Full(answer) = answer else {
        return false;
    };
    let head = answer.merge.head_sha.as_ref();
    let versions = answer.versions.known().into_iter().flatten();
    head.is_some() && !versions.into_iter().any(|version| version.head_sha.as_ref() == head)
}
