//! The archive of a merge: its evidence, kept with the decision, and the effects that tell other systems of it.

use std::collections::BTreeSet;

use audit::Context;
use model::{
    Effect, EffectKind, EvidenceRef, Facts, MergeRequestKey, Outcome, Reading, User, UserId, Verdict, WitnessA,
};
use rules::Subject;
use serde::Serialize;
use store::{NewEffect, StoreError, StoredDecision, Tx};
use uuid::Uuid;

use crate::told::Told;
use crate::{ENQUEUE_GRACE, Evaluator};

/// The review record of a merge: GitLab's answer as it was read, or why there is none.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    /// Of this form.
    version: u32,
    merge_request: &'a MergeRequestKey,
    gitlab: &'a WitnessA,
}

impl Evaluator {
    /// Keeps what the verdict on a merge rests on; the same answer of GitLab, weighed again, is the same evidence.
    pub(crate) async fn keep_evidence(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        facts: &Facts,
    ) -> Result<EvidenceRef, StoreError> {
        let read_at = match &facts.api {
            WitnessA::Answer(api) => Some(api.read_at),
            _ => None,
        };
        let evidence = Evidence {
            version: 1,
            merge_request: &facts.merge_request,
            gitlab: &facts.api,
        };
        let now = self.clock.now();
        tx.keep_evidence(&facts.merge_request, &evidence, read_at, now, context.correlation_id)
            .await
    }

    /// The effects of a decision on a merge. None if the decision before it, `standing`, had the same to tell.
    pub(crate) async fn archive(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        (facts, verdict): (&Facts, &Verdict),
        decision_id: Uuid,
        standing: Option<&StoredDecision>,
    ) -> Result<Vec<Effect>, StoreError> {
        let key = &facts.merge_request;
        let now = self.clock.now();
        if standing.is_some_and(|standing| tells_the_same(&standing.verdict, verdict)) {
            return Ok(Vec::new());
        }
        if standing.is_some() {
            let because = format!("decision {decision_id} says something else of this merge");
            tx.supersede_archive(key, decision_id, &because, now).await?;
        }
        let reviewed = matches!(verdict.outcome, Outcome::Approved { .. } | Outcome::Exception { .. });
        // Where nothing was to be reviewed there is nothing to tell, unless the opposite has been told before.
        if !reviewed && (standing.is_none() || !tx.has_begun_archive(key).await?) {
            return Ok(Vec::new());
        }
        let mut targets = self.targets(facts, verdict);
        if let Some(standing) = standing {
            // A pod that heard the first word hears the last one too.
            let pod = self.pod(&standing.facts, &standing.verdict);
            targets.extend(pod.filter(|pod| !targets.contains(pod)));
        }
        let mut effects = Vec::new();
        for (kind, destination) in targets {
            let new = NewEffect {
                kind,
                destination,
                exception_id: None,
                ledger_revision: None,
                decision_id: Some(decision_id),
                merge_request: key.clone(),
                correlation_id: context.correlation_id,
                traceparent: context.traceparent.clone(),
                created_at: now,
                grace: ENQUEUE_GRACE,
            };
            effects.extend(tx.insert_effect(&new).await?);
        }
        Ok(effects)
    }

    /// Everybody who is to hear of the merge.
    fn targets(&self, facts: &Facts, verdict: &Verdict) -> Vec<(EffectKind, String)> {
        let rules = &self.rules;
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
        targets.extend(self.pod(facts, verdict));
        targets
    }

    /// The confirmation to the pod, if the rules know one.
    fn pod(&self, facts: &Facts, verdict: &Verdict) -> Option<(EffectKind, String)> {
        let (labels, reviewers) = (labels(facts, verdict), reviewers(facts, verdict));
        let subject = Subject {
            labels: &labels,
            reviewers: &reviewers,
            project_path: &Told::of(facts).project_path,
        };
        let channel = self.rules.pods(&facts.merge_request.instance)?.channel(subject)?;
        Some((EffectKind::SlackPodConfirmation, format!("slack:{channel}")))
    }
}

/// Every label that is known of the merge request.
fn labels(facts: &Facts, verdict: &Verdict) -> Vec<String> {
    let now = match &facts.api {
        WitnessA::Answer(api) => api.labels_now.clone(),
        _ => facts.trigger.labels.clone(),
    };
    now.into_iter().chain(verdict.security_labels.iter().cloned()).collect()
}

/// Whoever gave a valid approval, then whoever approved at all, then whoever was asked to review.
fn reviewers(facts: &Facts, verdict: &Verdict) -> Vec<User> {
    let valid = verdict.approvals.iter().filter(|approval| approval.against.is_empty());
    let approvers = valid.chain(&verdict.approvals).map(|approval| approval.user.clone());
    let asked = match &facts.api {
        WitnessA::Answer(api) => match &api.reviewers {
            Reading::Known(reviewers) => reviewers.iter().map(|reviewer| reviewer.user.clone()).collect(),
            Reading::Unknown(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    approvers.chain(asked).collect()
}

/// Whether two verdicts on the same merge read the same to people outside.
fn tells_the_same(one: &Verdict, other: &Verdict) -> bool {
    let outcome = |verdict: &Verdict| match verdict.outcome {
        Outcome::Approved { .. } => ("approved", None),
        Outcome::Exception { kind } => ("exception", Some(kind)),
        Outcome::Declassified => ("declassified", None),
        Outcome::NotCarried | Outcome::Pending { .. } => ("nothing", None),
    };
    let approvers = |verdict: &Verdict| -> BTreeSet<UserId> {
        let valid = verdict.approvals.iter().filter(|approval| approval.against.is_empty());
        valid.map(|approval| approval.user.id).collect()
    };
    outcome(one) == outcome(other) && approvers(one) == approvers(other)
}

#[cfg(test)]
mod tests {
    use model::{ApprovalSeen, Kind, Proof};

    use super::*;

    fn verdict(outcome: Outcome, approvers: &[i64]) -> Verdict {
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
    fn another_witness_for_the_same_approval_is_no_news_and_another_kind_or_approver_is() {
        let approved = |proof, approvers: &[i64]| verdict(Outcome::Approved { proof }, approvers);
        let exception = |kind| verdict(Outcome::Exception { kind }, &[]);
        assert!(tells_the_same(
            &approved(Proof::Api, &[501]),
            &approved(Proof::Both, &[501])
        ));
        assert!(!tells_the_same(
            &approved(Proof::Api, &[501]),
            &approved(Proof::Api, &[502])
        ));
        assert!(!tells_the_same(
            &approved(Proof::Api, &[]),
            &exception(Kind::NoApproval)
        ));
        assert!(!tells_the_same(
            &exception(Kind::Unverified),
            &exception(Kind::NoApproval)
        ));
        assert!(tells_the_same(
            &exception(Kind::NoApproval),
            &exception(Kind::NoApproval)
        ));
    }
}
