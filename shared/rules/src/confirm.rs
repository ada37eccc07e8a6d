//! Whether a decision is confirmed, and when GitLab must be read again.

use jiff::{SignedDuration, Timestamp};
use model::{Facts, GitLabAnswer, LabelFacts, NOT_OFFERED, Reading};

use crate::Rules;
use crate::case::MergeCase;
use crate::checked::CheckedApproval;
use crate::label_history::{Sources, label_history};

/// The version of the rules code. It changes when the same facts and rules can lead to another verdict.
pub const EVALUATOR: i16 = 2;

/// After an event that contradicts GitLab's answer, the earliest next read of GitLab: its replicas lag.
pub const SECOND_READING_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Whether a decision on these facts is confirmed: every needed read was answered, or GitLab answered for the merge request and its
/// label events and no source shows a security label. A fact that this GitLab version does not offer is an answer.
#[must_use]
pub fn is_confirmed(facts: &Facts, rules: &Rules) -> bool {
    match &facts.api {
        GitLabAnswer::LabelsOnly(labels) => labels.label_events.known().is_some(),
        GitLabAnswer::Full(api) => {
            if api.label_events.known().is_none() {
                return false;
            }
            let labels = label_history(facts, rules);
            if labels.ever.is_empty() && !labels.unknown {
                return true;
            }
            let Some(approvers) = rules.approvers(&facts.merge_request.instance) else {
                return false;
            };
            let unread = [
                api.versions.known().is_none(),
                approvers.group.is_some() && api.eligible_now.known().is_none(),
                approvers.approval_rule.is_some() && is_unread(&api.rule_approvers),
                approvers.exclude_committers && is_unread(&api.committers),
                !api.bots_unknown.is_empty(),
            ];
            !unread.contains(&true)
        }
        GitLabAnswer::Unavailable(_) | GitLabAnswer::Denied(_) | GitLabAnswer::NotMerged(_) => false,
    }
}

/// Whether a needed value was not read although this GitLab offers it.
fn is_unread<T>(reading: &Reading<T>) -> bool {
    matches!(reading, Reading::Unknown(why) if why != NOT_OFFERED)
}

/// When GitLab must be read again although it answered: an event contradicts its answer, or shows a security label after only the
/// labels had been read. `None`: its answer settles the verdict.
#[must_use]
pub fn further_reading_at(facts: &Facts, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    match &facts.api {
        GitLabAnswer::LabelsOnly(_) => {
            let labels = label_history(facts, rules);
            (!labels.ever.is_empty() || labels.unknown).then_some(now)
        }
        GitLabAnswer::Full(api) => {
            let sources = Sources::of(facts);
            let waiting = Facts {
                deadline_passed: false,
                history: Vec::new(),
                ..facts.clone()
            };
            let case = MergeCase::new(&waiting, api, rules, sources.history);
            let checked = case
                .records()
                .into_iter()
                .map(|record| CheckedApproval::new(record, &case));
            checked
                .filter(CheckedApproval::is_valid)
                .filter_map(|each| each.revocation_open)
                .min()
        }
        GitLabAnswer::Unavailable(_) | GitLabAnswer::Denied(_) | GitLabAnswer::NotMerged(_) => None,
    }
}

/// Whether a source shows a security label, so that GitLab's approvals must be read too.
#[must_use]
pub fn needs_approvals(facts: &Facts, labels: &LabelFacts, rules: &Rules) -> bool {
    let facts = Facts {
        api: GitLabAnswer::LabelsOnly(labels.clone()),
        ..facts.clone()
    };
    let labels = label_history(&facts, rules);
    !labels.ever.is_empty() || labels.unknown
}
