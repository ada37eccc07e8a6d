//! The effects of a decision on a merge: its outcome is sent to the trackers, the audit page and the pod.

use std::collections::BTreeSet;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{EffectKind, Facts, GitLabAnswer, MergeRequestKey, Reading, User, UserId, Verdict, VerdictOutcome};
use rules::{PodCandidate, Rules};
use store::{NewEffect, StoreError, Tx};

use crate::App;
use crate::merge::Merge;

/// How long the caller may take to enqueue a new effect before the relay does.
pub const ENQUEUE_GRACE: SignedDuration = SignedDuration::from_secs(15);

/// The effects of a decision on a merge. None if the previous decision reports the same.
pub(crate) async fn plan_effects(app: &App, tx: &mut Tx<'_>, merge: &Merge<'_>) -> Result<Vec<NewEffect>, StoreError> {
    let Merge { facts, verdict, .. } = *merge;
    let key = &facts.merge_request;
    let previous = merge.previous();
    if previous.is_some_and(|previous| is_same_report(&previous.verdict, verdict)) {
        return Ok(Vec::new());
    }
    // 1. Effects of the previous decision that are not begun are superseded.
    if previous.is_some() {
        let because = format!("decision {} changed the result of this merge", merge.decision_id);
        tx.supersede_decision_effects(key, merge.decision_id, &because, merge.now)
            .later()?;
    }
    // 2. Without a review there is nothing to report, unless the opposite was reported before.
    let reviewed = matches!(
        verdict.outcome,
        VerdictOutcome::Approved { .. } | VerdictOutcome::Exception { .. }
    );
    if !reviewed && (previous.is_none() || !tx.has_begun_decision_effects(key).await?) {
        return Ok(Vec::new());
    }
    // 3. A pod that received the previous report receives the next one too.
    let mut targets = targets(&app.rules, facts, verdict);
    if let Some(previous) = previous {
        let pod = pod(&app.rules, &previous.facts, &previous.verdict);
        targets.extend(pod.filter(|pod| !targets.contains(pod)));
    }
    let effect = |(kind, destination)| NewEffect {
        decision_id: Some(merge.decision_id),
        ..new_effect(kind, destination, key, merge.context, merge.now)
    };
    Ok(targets.into_iter().map(effect).collect())
}

/// An effect that so far names only its merge request.
pub(crate) fn new_effect(
    kind: EffectKind,
    destination: String,
    key: &MergeRequestKey,
    context: &Context,
    now: Timestamp,
) -> NewEffect {
    NewEffect {
        kind,
        destination,
        exception_id: None,
        ledger_revision: None,
        decision_id: None,
        merge_request: key.clone(),
        correlation_id: context.correlation_id,
        traceparent: context.traceparent.clone(),
        created_at: now,
        grace: ENQUEUE_GRACE,
    }
}

/// Every destination that receives the outcome of the merge.
fn targets(rules: &Rules, facts: &Facts, verdict: &Verdict) -> Vec<(EffectKind, String)> {
    let mut targets = Vec::new();
    if rules.linear.is_some() {
        targets.push((EffectKind::LinearIssue, "linear".to_owned()));
    }
    if rules.jira.is_some() {
        targets.push((EffectKind::JiraIssue, "jira".to_owned()));
    }
    if let Some(confluence) = &rules.confluence {
        targets.push((EffectKind::ConfluenceRow, confluence.page.destination()));
    }
    targets.extend(pod(rules, facts, verdict));
    targets
}

/// The confirmation to the pod, if the rules have one.
fn pod(rules: &Rules, facts: &Facts, verdict: &Verdict) -> Option<(EffectKind, String)> {
    let (labels, reviewers) = (labels(facts, verdict), reviewers(facts, verdict));
    let candidate = PodCandidate {
        labels: &labels,
        reviewers: &reviewers,
        project_path: &facts.snapshot().project_path,
    };
    let channel = rules.pods(&facts.merge_request.instance)?.channel(candidate)?;
    Some((EffectKind::SlackPodConfirmation, format!("slack:{channel}")))
}

/// Every known label of the merge request.
fn labels(facts: &Facts, verdict: &Verdict) -> Vec<String> {
    let current_labels = match &facts.api {
        GitLabAnswer::Full(api) => api.labels_now.clone(),
        _ => facts.trigger.labels.clone(),
    };
    current_labels
        .into_iter()
        .chain(verdict.security_labels.iter().cloned())
        .collect()
}

/// Users with a valid approval, then all who approved, then the assigned reviewers.
fn reviewers(facts: &Facts, verdict: &Verdict) -> Vec<User> {
    let valid = verdict.approvals.iter().filter(|approval| approval.against.is_empty());
    let approvers = valid.chain(&verdict.approvals).map(|approval| approval.user.clone());
    let assigned = match &facts.api {
        GitLabAnswer::Full(api) => match &api.reviewers {
            Reading::Known(reviewers) => reviewers.iter().map(|reviewer| reviewer.user.clone()).collect(),
            Reading::Unknown(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    approvers.chain(assigned).collect()
}

/// Whether two verdicts on the same merge are reported identically.
fn is_same_report(one: &Verdict, other: &Verdict) -> bool {
    let outcome = |verdict: &Verdict| match verdict.outcome {
        VerdictOutcome::Approved { .. } => ("approved", None),
        VerdictOutcome::Exception { kind } => ("exception", Some(kind)),
        VerdictOutcome::Declassified => ("declassified", None),
        VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => ("nothing", None),
    };
    let approvers = |verdict: &Verdict| -> BTreeSet<UserId> {
        let valid = verdict.approvals.iter().filter(|approval| approval.against.is_empty());
        valid.map(|approval| approval.user.id).collect()
    };
    outcome(one) == outcome(other) && approvers(one) == approvers(other)
}

#[cfg(test)]
mod tests {
    use model::{ApprovalSeen, ExceptionKind, Proof};

    use super::*;

    fn verdict(outcome: VerdictOutcome, approvers: &[i64]) -> Verdict {
        let approval = |id: &i64| ApprovalSeen {
            user: User {
                id: UserId(*id),
                username: format!("user-{id}"),
            },
            approved_at: None,
            in_api: true,
            in_history: false,
            against: Vec::new(),
        };
        Verdict {
            outcome,
            reasons: Vec::new(),
            notes: Vec::new(),
            approvals: approvers.iter().map(approval).collect(),
            security_labels: Vec::new(),
            risk_tier: "high".to_owned(),
        }
    }

    #[test]
    fn another_kind_or_approver_is_reported_again() {
        let approved = |proof, approvers: &[i64]| verdict(VerdictOutcome::Approved { proof }, approvers);
        let exception = |kind| verdict(VerdictOutcome::Exception { kind }, &[]);
        assert!(is_same_report(
            &approved(Proof::Api, &[501]),
            &approved(Proof::Both, &[501])
        ));
        assert!(!is_same_report(
            &approved(Proof::Api, &[501]),
            &approved(Proof::Api, &[502])
        ));
        assert!(!is_same_report(
            &approved(Proof::Api, &[]),
            &exception(ExceptionKind::NoApproval)
        ));
        assert!(!is_same_report(
            &exception(ExceptionKind::Unverified),
            &exception(ExceptionKind::NoApproval)
        ));
        assert!(is_same_report(
            &exception(ExceptionKind::NoApproval),
            &exception(ExceptionKind::NoApproval)
        ));
    }
}
