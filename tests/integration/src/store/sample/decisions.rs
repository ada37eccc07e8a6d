//! The facts of a merge, verdicts on it, and the decision of such a verdict.

use model::{
    Approval, ApprovalSeen, EarlierFacts, EventAction, ExceptionKind, Facts, GitLabAnswer, HistoryEvent, LabelEvent,
    MergeFact, MergeRequestDetails, MergeRequestKey, MergeTrigger, OccurredAtSource, Proof, Reading, Reason, UserId,
    Verdict, VerdictOutcome,
};
use store::NewDecision;
use uuid::Uuid;

use super::deliveries::event;
use super::{at, user};

fn details() -> MergeRequestDetails {
    MergeRequestDetails {
        read_at: at(62),
        mr_id: 9001,
        title: "Rotate the session keys".to_owned(),
        url: "https://gitlab.example/harbour/crane/-/merge_requests/1".to_owned(),
        project_path: Some("harbour/crane".to_owned()),
        created_at: None,
        state: Some("merged".to_owned()),
        closed_at: None,
        author: user(12, "lena"),
        merge: MergeFact {
            merged_at: "2026-03-02T12:01:00.123Z".parse().unwrap(),
            merge_user: Some(user(12, "lena")),
            merge_commit_sha: Some("5e".repeat(20)),
            squash_commit_sha: None,
            head_sha: Some("4f".repeat(20)),
            merge_method: Some("direct".to_owned()),
        },
        labels_now: vec!["security::high".to_owned()],
        label_events: Reading::Known(vec![LabelEvent {
            label: None,
            label_id: None,
            added: true,
            at: at(2),
            actor: None,
        }]),
        approvals: vec![Approval {
            user: user(12, "lena"),
            approved_at: Some(at(50)),
        }],
        approval_rules: Reading::Unknown("404: no approval rules in this tier".to_owned()),
        mentions: Vec::new(),
        rule_approvers: Reading::Unknown("404: no approval rules in this tier".to_owned()),
        versions: Reading::Known(Vec::new()),
        reviewers: Reading::Known(Vec::new()),
        eligible_now: Reading::Known([UserId(13), UserId(14)].into()),
        bots: [(UserId(12), false)].into(),
        bots_unknown: [UserId(15)].into(),
        committers: Reading::Known([UserId(12)].into()),
        clock_offset_seconds: -3,
    }
}

fn facts(key: &MergeRequestKey) -> Facts {
    Facts {
        merge_request: key.clone(),
        trigger: MergeTrigger::of(&event(key.mr_iid.0, EventAction::Merge, 60)),
        api: GitLabAnswer::Full(Box::new(details())),
        deadline_passed: false,
        history: vec![HistoryEvent {
            action: EventAction::Other("polished".to_owned()),
            actor: None,
            eligible: Some(true),
            eligible_read_at: Some(at(7)),
            occurred_at: at(5),
            occurred_at_source: Some(OccurredAtSource::UpdatedAt),
            received_at: Some(at(6)),
            state: Some("opened".to_owned()),
            system: true,
            system_action: Some(model::SystemAction::ApprovalsResetOnPush),
            labels: Vec::new(),
            labels_added: Vec::new(),
            labels_removed: Vec::new(),
            labels_truncated: true,
            pushed: true,
            head_sha: None,
            stale: false,
        }],
        history_truncated: true,
        earlier: EarlierFacts {
            labels: [("security::high".to_owned(), 2)].into(),
            labels_since: [("sec/low".to_owned(), at(5))].into(),
            ..EarlierFacts::default()
        },
    }
}

pub(crate) fn reasons(kind: ExceptionKind) -> Vec<Reason> {
    vec![
        Reason {
            kind,
            detail: "lena approved her own merge request".to_owned(),
        },
        Reason {
            kind: ExceptionKind::InsufficientApprovals,
            detail: "0 of 1".to_owned(),
        },
    ]
}

pub(crate) fn exception_verdict(kind: ExceptionKind) -> Verdict {
    Verdict {
        outcome: VerdictOutcome::Exception { kind },
        reasons: reasons(kind),
        notes: vec![model::Note::EligibilityAsOfNow],
        approvals: vec![ApprovalSeen {
            user: user(12, "lena"),
            approved_at: Some(at(50)),
            in_api: true,
            in_history: false,
            against: vec![ExceptionKind::SelfApproved],
        }],
        security_labels: vec!["security::high".to_owned()],
        risk_tier: "high".to_owned(),
    }
}

pub(crate) fn approved_verdict() -> Verdict {
    Verdict {
        outcome: VerdictOutcome::Approved { proof: Proof::Both },
        reasons: Vec::new(),
        ..exception_verdict(ExceptionKind::NoApproval)
    }
}

pub(crate) fn decision(key: &MergeRequestKey, verdict: Verdict, supersedes: Option<Uuid>) -> NewDecision {
    NewDecision {
        id: Uuid::now_v7(),
        facts: facts(key),
        verdict,
        review: None,
        evidence: None,
        rules_hash: "cd".repeat(32),
        confirmed: true,
        evaluator: 2,
        merged_at: Some(at(60)),
        merge_commit_sha: Some("5e".repeat(20)),
        supersedes,
        decided_at: at(63),
        recorded_at: at(64),
        correlation_id: Uuid::now_v7(),
    }
}
