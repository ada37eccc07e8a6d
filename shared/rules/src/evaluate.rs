//! The verdict: the results of all checks, combined.

use model::{
    ExceptionKind, Facts, GitLabAnswer, MergeRequestDetails, Note, PartialAnswer, Proof, Reason, Verdict,
    VerdictOutcome,
};

use crate::approval::ApprovalRecord;
use crate::case::MergeCase;
use crate::checked::CheckedApproval;
use crate::checks::{
    approved_other_commit, approver_not_eligible, insufficient_approvals, label_removed_before_merge, no_approval,
};
use crate::label_history::{LabelHistory, Sources, label_history, of_sources};
use crate::{Rules, instance, tier};

/// Decides one merge. Pure: the same facts and rules return the same verdict, for any order or repetition of the events.
#[must_use]
pub fn evaluate(facts: &Facts, rules: &Rules) -> Verdict {
    match &facts.api {
        GitLabAnswer::Full(api) => with_answer(facts, api, rules),
        GitLabAnswer::LabelsOnly(_) => labels_only(facts, rules),
        GitLabAnswer::NotMerged(PartialAnswer { because, .. }) => {
            pending(without_answer(facts, rules, because), because)
        }
        GitLabAnswer::Unavailable(PartialAnswer { because, .. }) if !facts.deadline_passed => {
            pending(without_answer(facts, rules, because), because)
        }
        GitLabAnswer::Unavailable(PartialAnswer { because, .. }) => {
            without_answer(facts, rules, &format!("GitLab could not be read in time: {because}"))
        }
        GitLabAnswer::Denied(PartialAnswer { because, .. }) => {
            without_answer(facts, rules, &format!("GitLab does not show it: {because}"))
        }
    }
}

fn pending(verdict: Verdict, because: &str) -> Verdict {
    let outcome = VerdictOutcome::Pending {
        because: because.to_owned(),
    };
    Verdict {
        outcome,
        reasons: Vec::new(),
        ..verdict
    }
}

/// Only the labels were read, because none was a security label. If a source shows one since, the rest must be read.
fn labels_only(facts: &Facts, rules: &Rules) -> Verdict {
    let labels = label_history(facts, rules);
    if !labels.ever.is_empty() || labels.unknown {
        let because = "a security label was shown after GitLab's labels had been read";
        return pending(without_answer(facts, rules, because), because);
    }
    let mut verdict = blank(rules, &labels);
    verdict.notes = unlabelled_notes(&labels);
    verdict
}

/// GitLab returned no complete answer: not proven, unless no source shows a security label.
fn without_answer(facts: &Facts, rules: &Rules, because: &str) -> Verdict {
    let labels = label_history(facts, rules);
    let mut verdict = blank(rules, &labels);
    if labels.ever.is_empty() && !labels_unknown(facts, &labels) {
        verdict.notes.push(Note::LabelEventsUnreadable);
    } else {
        verdict.outcome = VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified,
        };
        verdict.reasons.push(unverified(because));
    }
    verdict
}

/// The labels are unknown: a list was cut, or a delivery is not trusted and nothing was read.
fn labels_unknown(facts: &Facts, labels: &LabelHistory) -> bool {
    let read = match &facts.api {
        GitLabAnswer::Full(_) | GitLabAnswer::LabelsOnly(_) => true,
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            let labels = unread.labels.as_ref();
            labels.is_some_and(|labels| labels.merged_at.is_some() || !labels.labels_now.is_empty())
        }
    };
    labels.unknown || (!facts.trigger.trusted && !read)
}

fn with_answer(facts: &Facts, api: &MergeRequestDetails, rules: &Rules) -> Verdict {
    // 1. Labels: without a security label there is nothing to review.
    let sources = Sources::of(facts);
    let labels = of_sources(rules, &sources);
    let mut verdict = blank(rules, &labels);
    if labels.ever.is_empty() && !labels.unknown {
        verdict.notes = unlabelled_notes(&labels);
        return verdict;
    }
    // 2. Every check on every approval.
    let case = MergeCase::new(facts, api, rules, sources.history);
    let checked: Vec<CheckedApproval<'_>> = case
        .records()
        .into_iter()
        .map(|record| CheckedApproval::new(record, &case))
        .collect();
    verdict.approvals = checked.iter().map(CheckedApproval::seen).collect();
    if let Some(reason) = instance::unnamed(&case) {
        (verdict.outcome, verdict.reasons) = (VerdictOutcome::Exception { kind: reason.kind }, vec![reason]);
        return verdict;
    }
    let minimum = rules.minimum(case.instance);
    let valid: Vec<&CheckedApproval<'_>> = checked.iter().filter(|each| each.is_valid()).collect();
    // 3. A contradiction that the verdict depends on is settled first by another read.
    if let Some(because) = unsettled(&checked, &case, minimum) {
        return pending(verdict, because);
    }
    // 4. Enough valid approvals.
    if valid.len() >= minimum {
        let proven_twice = valid.iter().filter(|each| each.record.is_proven_twice()).count();
        let proof = if proven_twice >= minimum {
            Proof::Both
        } else {
            Proof::Api
        };
        verdict.outcome = VerdictOutcome::Approved { proof };
        verdict.notes = notes(&valid, &labels, &case);
        return verdict;
    }
    if labels.ever.is_empty() {
        verdict.outcome = VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified,
        };
        verdict.reasons = vec![unverified(
            "a label list was cut for size, and GitLab's label events do not show which labels were on",
        )];
        return verdict;
    }
    // 5. Removed by an entitled person.
    let declassified = label_removed_before_merge::may_declassify(&labels, &case);
    if declassified && !labels.any_unordered {
        verdict.outcome = VerdictOutcome::Declassified;
        verdict.notes.push(Note::Declassified);
        return verdict;
    }
    // 6. An exception.
    verdict.reasons = reasons(&checked, valid.len(), &labels, minimum);
    exception(verdict, &checked, &labels, &case, declassified, minimum)
}

/// Why the approvals may change with another read.
fn unsettled(checked: &[CheckedApproval<'_>], case: &MergeCase<'_>, minimum: usize) -> Option<&'static str> {
    let valid = || checked.iter().filter(|each| each.is_valid());
    if valid().count() >= minimum && valid().filter(|each| each.revocation_open.is_none()).count() < minimum {
        return Some("an event reports a revoked approval; GitLab is read again to confirm it");
    }
    let by_versions = |each: &&CheckedApproval<'_>| each.is_valid() || each.is_of_other_commit();
    let lags = !case.deadline_passed
        && approved_other_commit::lags(case)
        && checked.iter().filter(by_versions).count() >= minimum;
    lags.then_some("GitLab's versions of the diff do not show the merged head yet")
}

/// The exception with its reasons. If there may be enough valid approvals, or no label left before the merge, no kind may be named.
fn exception(
    mut verdict: Verdict,
    checked: &[CheckedApproval<'_>],
    labels: &LabelHistory,
    case: &MergeCase<'_>,
    declassified: bool,
    minimum: usize,
) -> Verdict {
    let is_unordered = labels.is_unordered || declassified;
    if declassified {
        verdict
            .reasons
            .retain(|reason| reason.kind != ExceptionKind::LabelRemovedBeforeMerge);
    }
    let mut counted = checked.iter().filter(|each| !each.record.only_after_merge());
    if counted.any(|each| approver_not_eligible::is_as_of_now(&each.record, case)) {
        verdict.notes.push(Note::EligibilityAsOfNow);
    }
    if is_unordered {
        verdict.reasons.push(unverified(
            "whether a security label was put on before or after the merge cannot be determined",
        ));
    }
    let valid = checked.iter().filter(|each| each.is_valid()).count();
    let perhaps = checked.iter().filter(|each| each.may_be_valid()).count();
    if is_unordered || (perhaps > 0 && valid + perhaps >= minimum) {
        verdict
            .reasons
            .sort_by_key(|reason| reason.kind != ExceptionKind::Unverified);
    }
    let kind = verdict
        .reasons
        .first()
        .map_or(ExceptionKind::Unverified, |reason| reason.kind);
    verdict.outcome = VerdictOutcome::Exception { kind };
    verdict
}

fn blank(rules: &Rules, labels: &LabelHistory) -> Verdict {
    // The tier of the labels set at the merge: users may lower it. If none is set, the tier of all set before.
    let security_labels = if labels.at_merge.is_empty() {
        labels.ever.clone()
    } else {
        labels.at_merge.clone()
    };
    Verdict {
        outcome: VerdictOutcome::NotCarried,
        reasons: Vec::new(),
        notes: Vec::new(),
        approvals: Vec::new(),
        risk_tier: tier::highest(&rules.tiers, &security_labels).to_owned(),
        security_labels,
    }
}

fn unverified(detail: &str) -> Reason {
    Reason {
        kind: ExceptionKind::Unverified,
        detail: detail.to_owned(),
    }
}

fn unlabelled_notes(labels: &LabelHistory) -> Vec<Note> {
    let noted = [
        (labels.events_incomplete, Note::LabelEventsUnreadable),
        (labels.only_after_merge, Note::LabelledAfterMerge),
    ];
    noted
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, note)| note)
        .collect()
}

fn reasons(checked: &[CheckedApproval<'_>], valid: usize, labels: &LabelHistory, minimum: usize) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = checked.iter().flat_map(CheckedApproval::reasons).collect();
    let counted = checked.iter().filter(|each| !each.record.only_after_merge()).count();
    reasons.extend(label_removed_before_merge::check(labels));
    reasons.extend(insufficient_approvals::check(valid, minimum));
    reasons.extend(no_approval::check(counted));
    reasons.sort();
    reasons.dedup();
    reasons
}

fn notes(valid: &[&CheckedApproval<'_>], labels: &LabelHistory, case: &MergeCase<'_>) -> Vec<Note> {
    let any = |holds: &dyn Fn(&ApprovalRecord<'_>) -> bool| valid.iter().any(|each| holds(&each.record));
    let before_label = |record: &ApprovalRecord<'_>| matches!((record.shown_at(), labels.first_added), (Some(at), Some(added)) if at < added);
    let removed = labels.at_merge.is_empty() && !labels.ever.is_empty();
    [
        (removed, Note::LabelRemovedButApproved),
        (any(&before_label), Note::ApprovedBeforeLabel),
        (
            any(&|record| approver_not_eligible::is_as_of_now(record, case)),
            Note::EligibilityAsOfNow,
        ),
        (
            any(&|record| record.listed_at().is_none()),
            Note::ApprovalTimeFromHistory,
        ),
        (
            valid.iter().any(|each| each.revocation_not_confirmed),
            Note::RevocationNotConfirmed,
        ),
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
