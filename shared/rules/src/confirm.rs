//! Whether a decision is confirmed, what a later answer must not forget, and when GitLab has to be read again.

use jiff::{SignedDuration, Timestamp};
use model::{Approval, EarlierFacts, Facts, LabelsRead, NOT_OFFERED, Reading, WitnessA};

use crate::Rules;
use crate::case::Case;
use crate::checked::CheckedApproval;
use crate::label_history::{Sources, label_history, of_sources};

/// The version of the rules code. It changes when the same facts and rules can give another verdict.
pub const EVALUATOR: i16 = 2;

/// After an event that contradicts GitLab's answer, GitLab is read again this much later at the earliest: its copies lag.
pub const SECOND_READING_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Whether a decision on these facts is confirmed: every needed read was answered, or GitLab answered for the merge request and its
/// label events and no source shows a security label. A fact that this GitLab version does not offer is an answer.
#[must_use]
pub fn is_confirmed(facts: &Facts, rules: &Rules) -> bool {
    match &facts.api {
        WitnessA::NotAsked(labels) => labels.label_events.known().is_some(),
        WitnessA::Answer(api) => {
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
        WitnessA::Unreadable(_) | WitnessA::Refused(_) | WitnessA::NotMerged(_) => false,
    }
}

/// Whether a needed value was not read although this GitLab offers it.
fn is_unread<T>(reading: &Reading<T>) -> bool {
    matches!(reading, Reading::Unknown(why) if why != NOT_OFFERED)
}

/// What these facts show that every later evaluation of the merge request has to take into account.
#[must_use]
pub fn earlier_facts(facts: &Facts, rules: &Rules) -> EarlierFacts {
    let mut earlier = facts.earlier.clone();
    let (labels, merged, approvals): (Option<LabelsRead>, bool, &[Approval]) = match &facts.api {
        WitnessA::Answer(api) => {
            let labels = LabelsRead {
                merged_at: Some(api.merge.merged_at),
                labels_now: api.labels_now.clone(),
                label_events: api.label_events.clone(),
            };
            let merged = api.state.as_deref().is_none_or(|state| state == "merged");
            (Some(labels), merged, &api.approvals)
        }
        WitnessA::NotAsked(labels) => (Some(labels.clone()), true, &[]),
        WitnessA::Unreadable(unread) | WitnessA::Refused(unread) => (unread.labels.clone(), true, &unread.approvals),
        WitnessA::NotMerged(unread) => (unread.labels.clone(), false, &unread.approvals),
    };
    if let Some(labels) = labels {
        let shown = labels_shown(&labels, merged, rules);
        earlier.merge(&shown);
    }
    let timed = approvals
        .iter()
        .filter(|approval| approval.approved_at.is_some())
        .cloned()
        .collect();
    let seen = if merged {
        EarlierFacts {
            approvals: timed,
            ..EarlierFacts::default()
        }
    } else {
        EarlierFacts {
            approvals_before_merge: timed,
            ..EarlierFacts::default()
        }
    };
    earlier.merge(&seen);
    earlier
}

/// Security labels that an answer alone shows up to the merge. One that does not show when labels were put on shows nothing about the
/// merge, unless it was read before it.
fn labels_shown(labels: &LabelsRead, merged: bool, rules: &Rules) -> EarlierFacts {
    let titles = |titles: &mut dyn Iterator<Item = &String>| {
        titles.filter(|title| rules.is_security_label(title)).cloned().collect()
    };
    if !merged {
        // The label events may come from a replica that is ahead, and so name a label from after the merge.
        return EarlierFacts {
            labels: titles(&mut labels.labels_now.iter()),
            ..EarlierFacts::default()
        };
    }
    let (Some(merged_at), Reading::Known(_)) = (labels.merged_at, &labels.label_events) else {
        return EarlierFacts::default();
    };
    let history = of_sources(
        rules,
        &Sources {
            merged_at,
            merge_event_labels: None,
            labels_now: &labels.labels_now,
            events: &labels.label_events,
            history: Vec::new(),
            clock_offset_seconds: 0,
            earlier: &EarlierFacts::default(),
            truncated: false,
        },
    );
    EarlierFacts {
        labels: history.ever.into_iter().collect(),
        labels_at_merge: history.at_merge.into_iter().collect(),
        ..EarlierFacts::default()
    }
}

/// When GitLab has to be read again although it answered: an event contradicts its answer, or shows a security label after only the
/// labels had been read. `None`: its answer settles the verdict.
#[must_use]
pub fn further_reading_at(facts: &Facts, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    match &facts.api {
        WitnessA::NotAsked(_) => {
            let labels = label_history(facts, rules);
            (!labels.ever.is_empty() || labels.unknown).then_some(now)
        }
        WitnessA::Answer(api) => {
            let sources = Sources::of(facts);
            let waiting = Facts {
                deadline_passed: false,
                history: Vec::new(),
                ..facts.clone()
            };
            let case = Case::new(&waiting, api, rules, sources.history);
            let checked = case
                .records()
                .into_iter()
                .map(|record| CheckedApproval::new(record, &case));
            checked
                .filter(CheckedApproval::is_valid)
                .filter_map(|each| each.revocation_open)
                .min()
        }
        WitnessA::Unreadable(_) | WitnessA::Refused(_) | WitnessA::NotMerged(_) => None,
    }
}

/// Whether a source shows a security label, so that GitLab has to be asked about approvals too.
#[must_use]
pub fn needs_approvals(facts: &Facts, labels: &LabelsRead, rules: &Rules) -> bool {
    let facts = Facts {
        api: WitnessA::NotAsked(labels.clone()),
        ..facts.clone()
    };
    let labels = label_history(&facts, rules);
    !labels.ever.is_empty() || labels.unknown
}
