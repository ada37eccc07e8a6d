//! The state of a merge request's review: the ledger's decision and its times, from the same facts as verdicts.

use jiff::Timestamp;
use model::{
    ApprovalSeen, EventAction, Facts, GitLabAnswer, HistoryEvent, LedgerDecision, Proof, Review, TimeUnknown, User,
    Verdict, VerdictOutcome,
};

use crate::case::{is_lifecycle, trusted};
use crate::labelled::labelled_at;
use crate::{Rules, evaluate, sla};

/// The state of a merged review, by the verdict on its merge. `None`: no security label was set.
#[must_use]
pub fn review_of_merge(facts: &Facts, verdict: &Verdict, rules: &Rules) -> Option<Review> {
    let decision = LedgerDecision::of_merge(&verdict.outcome)?;
    let decided = Decided {
        decision,
        at: Some(merged_at(facts)),
        by: completing_approval(facts, verdict, rules).map(|approval| approval.user.clone()),
    };
    Some(build_review(facts, verdict, Some(decided), rules))
}

/// The state of a review that is not merged, with the verdict as if merged when GitLab was read. `None`: no security label is set,
/// or GitLab could not be read yet.
#[must_use]
pub fn review_before_merge(facts: &Facts, rules: &Rules) -> Option<(Verdict, Review)> {
    let verdict = evaluate(facts, rules);
    if matches!(
        verdict.outcome,
        VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. }
    ) {
        return None;
    }
    let history = trusted(facts);
    let decided = closed(facts, &history).or_else(|| {
        let acts = [
            approved(facts, &verdict, rules),
            revoked(facts, &verdict, &history),
            reopened(&history),
        ];
        // The last act decides. Acts without a time come before acts with one.
        acts.into_iter().flatten().max_by_key(|act| act.at)
    });
    let review = build_review(facts, &verdict, decided, rules);
    Some((verdict, review))
}

struct Decided {
    decision: LedgerDecision,
    at: Option<Timestamp>,
    by: Option<User>,
}

fn merged_at(facts: &Facts) -> Timestamp {
    let read = match &facts.api {
        GitLabAnswer::Full(api) => Some(api.merge.merged_at),
        GitLabAnswer::LabelsOnly(labels) => labels.merged_at,
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) | GitLabAnswer::NotMerged(unread) => {
            unread.labels.as_ref().and_then(|labels| labels.merged_at)
        }
    };
    read.unwrap_or(facts.trigger.merged_at)
}

/// GitLab's current state decides; without one, the last event that closed or reopened the merge request.
fn closed(facts: &Facts, history: &[&HistoryEvent]) -> Option<Decided> {
    let last = history.iter().rfind(|event| is_lifecycle(event));
    let last_close = last
        .filter(|last| last.action == EventAction::Close)
        .map(|last| last.occurred_at);
    let state = match &facts.api {
        GitLabAnswer::Full(api) => api.state.as_deref().map(|state| (state, api.closed_at)),
        _ => None,
    };
    let at = match state {
        // A close without a later reopen: the reopen event was lost, unless the close is so recent that GitLab's replicas lag.
        Some(("opened", _)) => Some(last_close.filter(|_| is_younger_than_lag(facts, last))?),
        Some(("closed", closed_at)) => {
            // Closed again since the last event; that event is still to come, or lost.
            let reopened = last
                .filter(|last| last.action == EventAction::Reopen)
                .map(|last| last.occurred_at);
            match reopened {
                Some(reopened) => Some(closed_at.filter(|closed| *closed > reopened)?),
                None => last_close.or(closed_at),
            }
        }
        _ => Some(last_close?),
    };
    Some(Decided {
        decision: LedgerDecision::Closed,
        at,
        by: None,
    })
}

/// Whether an event was received so shortly before GitLab was read that GitLab's answer may not include it yet.
fn is_younger_than_lag(facts: &Facts, event: Option<&&HistoryEvent>) -> bool {
    let (GitLabAnswer::Full(api), Some(event)) = (&facts.api, event) else {
        return false;
    };
    let received_at = event.received_at.unwrap_or(event.occurred_at);
    api.read_at.duration_since(received_at) < crate::SECOND_READING_AFTER
}

fn reopened(history: &[&HistoryEvent]) -> Option<Decided> {
    let last = history.iter().rfind(|event| is_lifecycle(event))?;
    (last.action == EventAction::Reopen).then_some(Decided {
        decision: LedgerDecision::Reopened,
        at: Some(last.occurred_at),
        by: None,
    })
}

fn approved(facts: &Facts, verdict: &Verdict, rules: &Rules) -> Option<Decided> {
    matches!(verdict.outcome, VerdictOutcome::Approved { .. }).then(|| {
        let approval = completing_approval(facts, verdict, rules);
        Decided {
            decision: LedgerDecision::Approved,
            at: approval.and_then(|approval| approval.approved_at),
            by: approval.map(|approval| approval.user.clone()),
        }
    })
}

/// An eligible approver's approval that was revoked, by them or by a push, and not given again.
fn revoked(facts: &Facts, verdict: &Verdict, history: &[&HistoryEvent]) -> Option<Decided> {
    if matches!(verdict.outcome, VerdictOutcome::Approved { .. }) {
        return None;
    }
    let author = match &facts.api {
        GitLabAnswer::Full(api) => Some(api.author.id),
        _ => facts.trigger.author_id,
    };
    let eligible_now = |user: &User| match &facts.api {
        GitLabAnswer::Full(api) => api
            .eligible_now
            .known()
            .is_some_and(|members| members.contains(&user.id)),
        _ => false,
    };
    let approvals = history
        .iter()
        .filter(|event| event.action.is_approval() && !event.system);
    let taken_back = approvals.filter_map(|approval| {
        let user = approval.actor.as_ref().filter(|user| Some(user.id) != author)?;
        if !approval.eligible.unwrap_or_else(|| eligible_now(user)) {
            return None;
        }
        let listed = listed_at(facts, user);
        let revocation = history.iter().rfind(|event| {
            let own = !event.system && event.actor.as_ref().is_some_and(|actor| actor.id == user.id);
            // A reset does not name the approvals it deleted: an approval that GitLab lists with its time was not among them.
            let reset = event.system && listed.is_none();
            event.action.is_revocation() && (reset || own) && event.occurred_at >= approval.occurred_at
        })?;
        // Listed with a newer time: given again.
        if listed.is_some_and(|at| at > revocation.occurred_at) {
            return None;
        }
        Some(Decided {
            decision: LedgerDecision::ApprovalRevoked,
            at: Some(revocation.occurred_at),
            // For a reset GitLab names who pushed, who decided nothing.
            by: (!revocation.system).then(|| user.clone()),
        })
    });
    taken_back.max_by_key(|act| act.at)
}

/// When GitLab's listed approval of this person was given.
fn listed_at(facts: &Facts, user: &User) -> Option<Timestamp> {
    let GitLabAnswer::Full(api) = &facts.api else {
        return None;
    };
    let own = api.approvals.iter().filter(|approval| approval.user.id == user.id);
    own.filter_map(|approval| approval.approved_at).max()
}

/// Valid approvals, earliest first.
fn valid(verdict: &Verdict) -> Vec<&ApprovalSeen> {
    let mut valid: Vec<_> = verdict
        .approvals
        .iter()
        .filter(|approval| approval.in_api && approval.against.is_empty())
        .collect();
    valid.sort_by_key(|approval| (approval.approved_at, approval.user.id));
    valid
}

/// The approval that reached the required number.
fn completing_approval<'a>(facts: &Facts, verdict: &'a Verdict, rules: &Rules) -> Option<&'a ApprovalSeen> {
    let minimum = rules.minimum(&facts.merge_request.instance);
    valid(verdict).get(minimum.saturating_sub(1)).copied()
}

fn build_review(facts: &Facts, verdict: &Verdict, decided: Option<Decided>, rules: &Rules) -> Review {
    let (decision, decided_at, deciding_reviewer) = match decided {
        Some(Decided { decision, at, by }) => (Some(decision), at, by),
        None => (None, None, None),
    };
    let approvals = valid(verdict);
    let decided_at = decided_at.map(stored);
    let approved_at = approvals.iter().find_map(|approval| approval.approved_at).map(stored);
    let labelled = labelled_at(facts, rules).map(stored);
    let time_unknown = match (labelled, decision, decided_at) {
        (Err(unknown), ..) => Some(unknown),
        (_, None, _) => Some(TimeUnknown::NoDecision),
        (_, Some(_), None) => Some(TimeUnknown::ApprovalTimeUnknown),
        (Ok(labelled), _, Some(decided)) if decided < labelled => Some(TimeUnknown::LabelledAfterDecision),
        (Ok(labelled), ..) => match approved_at {
            Some(approved) if approved < labelled => Some(TimeUnknown::ApprovedBeforeLabel),
            Some(_) => None,
            None if approvals.is_empty() => Some(TimeUnknown::NoValidApproval),
            None => Some(TimeUnknown::ApprovalTimeUnknown),
        },
    };
    let proof = match verdict.outcome {
        VerdictOutcome::Approved { proof } => Some(proof),
        _ => None::<Proof>,
    };
    // After a revocation or a reopen the review is open: its clock continues.
    let ended = decision.is_some_and(|decision| {
        !matches!(
            decision,
            LedgerDecision::Approved | LedgerDecision::ApprovalRevoked | LedgerDecision::Reopened
        )
    });
    let answered = completing_approval(facts, verdict, rules)
        .and_then(|approval| approval.approved_at)
        .or(decided_at.filter(|_| ended));
    let risk_tier = verdict.risk_tier.clone();
    Review {
        decision,
        decided_at,
        deciding_reviewer,
        labels: verdict.security_labels.clone(),
        service_level: sla::measured(&rules.sla, &risk_tier, labelled.ok(), answered),
        risk_tier,
        labelled_at: labelled.ok(),
        approved_at,
        time_unknown,
        proof,
        notes: verdict.notes.clone(),
    }
}

/// At the database's precision, so that the row read back equals the one written.
#[must_use]
pub fn stored(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests;
