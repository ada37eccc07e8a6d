//! What effects on a merge share: the decision, the merge as targets show it, and whether a target may be changed.

use clients::{MergeSummary, Tracked, TrackerOptions};
use model::{Effect, EffectKind, GitLabAnswer};
use store::{MergeForEffect, StoreError};

use super::{Applied, EffectContext};
use crate::targets::Targets;

/// Shown in the ledger instead of an issue if none is linked.
pub(super) const NO_ISSUE: &str = "no_tracking_issue";

/// One effect on a merge.
pub(super) struct MergeEffect<'a> {
    pub(super) attempt: &'a EffectContext<'a>,
    pub(super) subject: MergeForEffect,
    pub(super) summary: MergeSummary,
    /// Nothing may be changed at the target: a dry run, or a later effect on the same merge exists.
    pub(super) read_only: bool,
}

impl<'a> MergeEffect<'a> {
    /// Reads the decision and the merge; `None` if there is no such decision.
    pub(super) async fn load(targets: &Targets, attempt: &'a EffectContext<'a>) -> Result<Option<Self>, StoreError> {
        let subject = targets.store.merge_for_effect(attempt.effect).await?;
        Ok(subject.map(|subject| Self {
            attempt,
            summary: merge_summary(attempt.effect, &subject),
            read_only: attempt.dry_run || subject.newer.is_some(),
            subject,
        }))
    }

    /// The effect is not at its target and must not be applied.
    pub(super) fn missing(&self) -> Applied {
        match self.subject.newer {
            Some(newer) => Applied::Superseded {
                because: format!("effect {newer} is about a later decision on the same merge"),
            },
            None => Applied::Missing,
        }
    }

    /// How to mark an issue.
    pub(super) async fn tracker_options<'b>(
        &self,
        targets: &'b Targets,
        issue: &str,
    ) -> Result<TrackerOptions<'b>, StoreError> {
        Ok(TrackerOptions {
            wording: &targets.rules.slack.wording,
            blocked_by_exception: targets.store.is_issue_held(self.attempt.effect, issue).await?,
            read_only: self.read_only,
        })
    }

    /// The result of marking an issue.
    pub(super) fn tracked(&self, tracked: Tracked, issue: &str) -> Applied {
        match tracked {
            Tracked::Done => Applied::Done {
                external_id: issue.to_owned(),
            },
            Tracked::Missing => self.missing(),
        }
    }
}

/// The merge as targets show it.
fn merge_summary(effect: &Effect, subject: &MergeForEffect) -> MergeSummary {
    let decision = &subject.decision;
    let mentions = match &decision.facts.api {
        GitLabAnswer::Full(api) => api.mentions.clone(),
        // GitLab has not answered; the delivery's title may still name an issue.
        _ => rules::mentions("", &decision.facts.trigger.title, ""),
    };
    MergeSummary {
        reference: effect.id,
        row: subject.row.clone(),
        verdict: decision.verdict.clone(),
        decision_id: decision.id,
        decided_at: decision.decided_at,
        evidence: decision.evidence.clone(),
        exception_id: subject.exception_id,
        mentions,
        earlier_issue: subject.earlier_external_id.clone().filter(|issue| issue != NO_ISSUE),
        // A message exists or not; an issue may be partly marked.
        is_correction: match effect.kind {
            EffectKind::SlackPodConfirmation => subject.is_reported,
            _ => subject.is_begun,
        },
        is_confirmed: matches!(decision.facts.api, GitLabAnswer::Full(_)),
    }
}
