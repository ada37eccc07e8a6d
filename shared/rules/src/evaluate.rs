//! The verdict: everything the rules found, weighed.

use model::{ApiAnswer, Facts, Kind, LabelsRead, Note, Outcome, Proof, Reason, Unread, Verdict, WitnessA};

use crate::act::Act;
use crate::carried::{Carried, Sources, carried, without_api};
use crate::case::{Case, trusted};
use crate::findings::{approver_not_eligible, insufficient_approvals, label_removed_before_merge, no_approval};
use crate::judged::Judged;
use crate::{Rules, instance, tier};

/// Judges one merge. Pure: the same facts and rules give the same verdict, whatever the order or repetition of the events in them.
#[must_use]
pub fn evaluate(facts: &Facts, rules: &Rules) -> Verdict {
    match &facts.api {
        WitnessA::Answer(api) => with_answer(facts, api, rules),
        WitnessA::NotAsked(labels) => not_asked(facts, labels, rules),
        WitnessA::NotMerged(because) => pending(without_answer(facts, None, rules, because), because),
        WitnessA::Unreadable(unread) if !facts.deadline_passed => pending(
            without_answer(facts, unread.labels.as_ref(), rules, &unread.because),
            &unread.because,
        ),
        WitnessA::Unreadable(Unread { because, labels }) => without_answer(
            facts,
            labels.as_ref(),
            rules,
            &format!("GitLab could not be read in time: {because}"),
        ),
        WitnessA::Refused(Unread { because, labels }) => without_answer(
            facts,
            labels.as_ref(),
            rules,
            &format!("GitLab does not show it: {because}"),
        ),
    }
}

/// Whether a security label is in sight on the merge delivery, in the stored history or at GitLab. If none is, GitLab need not be
/// asked anything else about the merge.
#[must_use]
pub fn label_in_sight(facts: &Facts, labels: &LabelsRead, rules: &Rules) -> bool {
    let stored = facts.history.iter().filter(|event| !event.stale);
    let stored = stored.flat_map(|event| {
        event
            .labels
            .iter()
            .chain(&event.labels_added)
            .chain(&event.labels_removed)
    });
    let named = labels
        .label_events
        .known()
        .into_iter()
        .flatten()
        .filter_map(|event| event.label.as_ref());
    let all = facts
        .trigger
        .labels
        .iter()
        .chain(&labels.labels_now)
        .chain(stored)
        .chain(named);
    all.into_iter().any(|title| rules.is_security_label(title))
}

fn pending(verdict: Verdict, because: &str) -> Verdict {
    let outcome = Outcome::Pending {
        because: because.to_owned(),
    };
    Verdict {
        outcome,
        reasons: Vec::new(),
        ..verdict
    }
}

/// Nothing more was asked because no label was in sight. If one has come into sight since, GitLab must be asked after all.
fn not_asked(facts: &Facts, labels: &LabelsRead, rules: &Rules) -> Verdict {
    if label_in_sight(facts, labels, rules) {
        let because = "a security label came into sight after the first look";
        return pending(without_answer(facts, Some(labels), rules, because), because);
    }
    let carried = without_api(facts, Some(labels), &trusted(facts), rules);
    let mut verdict = blank(rules, &carried);
    if carried.events_incomplete {
        verdict.notes.push(Note::LabelEventsUnreadable);
    }
    verdict
}

/// The API gave no whole answer: not proven, unless no security label is in sight at all.
fn without_answer(facts: &Facts, labels: Option<&LabelsRead>, rules: &Rules, because: &str) -> Verdict {
    let carried = without_api(facts, labels, &trusted(facts), rules);
    let mut verdict = blank(rules, &carried);
    // Of a delivery that is not to be believed, and with nothing read, nothing is known of the labels.
    let labels_unknown = !facts.trigger.trusted && labels.is_none();
    if carried.ever.is_empty() && !labels_unknown {
        verdict.notes.push(Note::LabelEventsUnreadable);
    } else {
        verdict.outcome = Outcome::Exception { kind: Kind::Unverified };
        verdict.reasons.push(Reason {
            kind: Kind::Unverified,
            detail: because.to_owned(),
        });
    }
    verdict
}

fn with_answer(facts: &Facts, api: &ApiAnswer, rules: &Rules) -> Verdict {
    let case = Case::new(facts, api, rules);
    let labels = carried(
        rules,
        &Sources {
            merged_at: case.merged_at(),
            webhook_labels: &facts.trigger.labels,
            labels_now: &api.labels_now,
            events: &api.label_events,
            history: &case.history,
        },
    );
    let mut verdict = blank(rules, &labels);
    if labels.ever.is_empty() {
        let noted = [
            (labels.events_incomplete, Note::LabelEventsUnreadable),
            (labels.only_after_merge, Note::LabelledAfterMerge),
        ];
        verdict
            .notes
            .extend(noted.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note));
        return verdict;
    }
    let judged: Vec<Judged<'_>> = case.acts().into_iter().map(|act| Judged::new(act, &case)).collect();
    verdict.approvals = judged.iter().map(|each| each.seen(&case)).collect();
    if let Some(reason) = instance::unnamed(&case) {
        (verdict.outcome, verdict.reasons) = (Outcome::Exception { kind: reason.kind }, vec![reason]);
        return verdict;
    }
    let valid: Vec<&Judged<'_>> = judged.iter().filter(|each| each.is_valid()).collect();
    if valid.len() >= rules.minimum(case.instance) {
        let proven_twice = valid
            .iter()
            .filter(|each| each.act.in_history(case.merged_at()))
            .count();
        let proof = if proven_twice >= rules.minimum(case.instance) {
            Proof::Both
        } else {
            Proof::Api
        };
        verdict.outcome = Outcome::Approved { proof };
        verdict.notes = notes(&valid, &labels, &case);
        return verdict;
    }
    if labels.at_merge.is_empty() && label_removed_before_merge::may_declassify(&labels, &case) {
        verdict.outcome = Outcome::Declassified;
        verdict.notes.push(Note::Declassified);
        return verdict;
    }
    verdict.reasons = reasons(&judged, valid.len(), &labels, &case);
    let kind = verdict.reasons.first().map_or(Kind::Unverified, |reason| reason.kind);
    verdict.outcome = Outcome::Exception { kind };
    verdict
}

fn blank(rules: &Rules, labels: &Carried) -> Verdict {
    // The tier is that of the labels standing at the merge: lowering one is a decision people may take. If none stands, of all that had.
    let security_labels = if labels.at_merge.is_empty() {
        labels.ever.clone()
    } else {
        labels.at_merge.clone()
    };
    Verdict {
        outcome: Outcome::NotCarried,
        reasons: Vec::new(),
        notes: Vec::new(),
        approvals: Vec::new(),
        risk_tier: tier::highest(&rules.tiers, &security_labels).to_owned(),
        security_labels,
    }
}

fn reasons(judged: &[Judged<'_>], valid: usize, labels: &Carried, case: &Case<'_>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = judged.iter().flat_map(|each| each.reasons(case)).collect();
    reasons.extend(label_removed_before_merge::check(labels));
    reasons.extend(insufficient_approvals::check(valid, case.rules.minimum(case.instance)));
    reasons.extend(no_approval::check(judged.len()));
    reasons.sort();
    reasons.dedup();
    reasons
}

fn notes(valid: &[&Judged<'_>], labels: &Carried, case: &Case<'_>) -> Vec<Note> {
    let merged_at = case.merged_at();
    let any = |holds: &dyn Fn(&Act<'_>) -> bool| valid.iter().any(|each| holds(&each.act));
    let before_label =
        |act: &Act<'_>| matches!((act.since(merged_at), labels.first_added), (Some(at), Some(added)) if at < added);
    [
        (labels.at_merge.is_empty(), Note::LabelRemovedButApproved),
        (any(&before_label), Note::ApprovedBeforeLabel),
        (
            any(&|act| approver_not_eligible::judged_as_of_now(act, case)),
            Note::EligibilityAsOfNow,
        ),
        (any(&|act| !act.timed_by_api()), Note::ApprovalTimeFromHistory),
    ]
    .into_iter()
    .filter(|(holds, _)| *holds)
    .map(|(_, note)| note)
    .collect()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
