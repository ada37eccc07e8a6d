//! An evaluation, a pending review and its ledger row, and the answer to whether an approver is eligible.

use model::{EarlierFacts, EventAction, MergeRequestKey, MergeTrigger};
use store::{EligibleReading, Evaluation, EvaluationSource, EvaluationState, PendingReview, Tx};
use uuid::Uuid;

use super::at;
use super::deliveries::event;

pub(crate) fn evaluation(key: &MergeRequestKey) -> Evaluation {
    Evaluation {
        merge_request: key.clone(),
        state: EvaluationState::Pending,
        source: EvaluationSource::MergeEvent,
        first_seen_at: Some(at(60)),
        give_up_at: None,
        last_read_at: None,
        shown: false,
        reread_event: false,
        before_watch: false,
        earlier: EarlierFacts::default(),
        trigger: MergeTrigger::of(&event(key.mr_iid.0, EventAction::Merge, 60)),
        reason: "GitLab answers 503".to_owned(),
        attempts: 1,
        next_attempt_at: Some(at(120)),
        deadline_at: at(960),
        correlation_id: Uuid::now_v7(),
        traceparent: None,
    }
}

pub(crate) fn pending_review(key: &MergeRequestKey) -> PendingReview {
    PendingReview {
        merge_request: key.clone(),
        trigger: MergeTrigger::of(&event(key.mr_iid.0, EventAction::Approved, 60)),
        reason: "GitLab answers 503".to_owned(),
        attempts: 1,
        next_attempt_at: at(120),
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        earlier: EarlierFacts {
            labels: [("security::high".to_owned(), 1)].into(),
            ..EarlierFacts::default()
        },
    }
}

/// A pending review: labelled, nothing decided.
pub(crate) fn ledger_row(key: &MergeRequestKey) -> model::LedgerRow {
    model::LedgerRow {
        merge_request: key.clone(),
        mr_id: 1,
        project_path: "payments/gateway".to_owned(),
        title: "Rotate the signing keys".to_owned(),
        web_url: "https://gitlab.example.com/payments/gateway/-/merge_requests/1".to_owned(),
        author: None,
        reviewers: Vec::new(),
        review: model::Review {
            decision: None,
            decided_at: None,
            deciding_reviewer: None,
            labels: vec!["security::high".to_owned()],
            risk_tier: "high".to_owned(),
            labelled_at: Some(at(0)),
            approved_at: None,
            time_unknown: Some(model::TimeUnknown::NoDecision),
            service_level: None,
            proof: None,
            notes: Vec::new(),
        },
        merge: None,
        head_sha: None,
        rules_hash: "a".repeat(64),
        decision_id: None,
        evidence: None,
        read_at: Some(at(1)),
        correlation_id: Uuid::now_v7(),
    }
}

/// The merge request's evaluation, if its verdict is pending.
pub(crate) async fn pending(tx: &mut Tx<'_>, key: &MergeRequestKey) -> Option<Evaluation> {
    let evaluation = tx.evaluation(key).await.unwrap();
    evaluation.filter(|evaluation| evaluation.state == EvaluationState::Pending)
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the argument that it is made for")]
pub(crate) fn eligible(eligible: bool) -> Option<EligibleReading> {
    Some(EligibleReading {
        eligible,
        read_at: at(62),
    })
}
