//! Sample records of valid shape.

use jiff::{SignedDuration, Timestamp};
use model::{
    Approval, ApprovalSeen, AuditLine, AuthMethod, Authentication, Content, DeliveryIds, EarlierFacts, Effect,
    EffectKind, Envelope, EventAction, ExceptionKind, ExceptionStatus, Facts, GitLabAnswer, HistoryEvent, LabelEvent,
    MergeFact, MergeRequestDetails, MergeRequestEvent, MergeRequestIid, MergeRequestKey, MergeTrigger,
    OccurredAtSource, Project, ProjectId, Proof, Reading, Reason, Reviewer, SecurityReviewException, User, UserId,
    Verdict, VerdictOutcome,
};
use store::{
    EligibleReading, Evaluation, EvaluationSource, EvaluationState, NewDecision, NewEffect, PendingReview, Tx,
};
use uuid::Uuid;

/// Noon of a fixed day, plus seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-03-02T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn key(mr_iid: i64) -> MergeRequestKey {
    MergeRequestKey {
        instance: "gitlab.example".to_owned(),
        project_id: ProjectId(77),
        mr_iid: MergeRequestIid(mr_iid),
    }
}

pub(crate) fn user(id: i64, username: &str) -> User {
    User {
        id: UserId(id),
        username: username.to_owned(),
    }
}

pub(crate) fn event(mr_iid: i64, action: EventAction, occurred: i64) -> MergeRequestEvent {
    MergeRequestEvent {
        project: Project {
            id: ProjectId(77),
            path: "harbour/crane".to_owned(),
        },
        mr_id: 9000 + mr_iid,
        mr_iid: MergeRequestIid(mr_iid),
        title: "Rotate the session keys".to_owned(),
        url: format!("https://gitlab.example/harbour/crane/-/merge_requests/{mr_iid}"),
        action,
        state: Some("opened".to_owned()),
        actor: Some(user(11, "ines")),
        author_id: Some(UserId(12)),
        occurred_at: at(occurred),
        occurred_at_source: OccurredAtSource::ActionedAt,
        occurred_at_raw: Some("2026-03-02 12:00:00 UTC".to_owned()),
        labels: vec!["security::high".to_owned(), "backend".to_owned()],
        labels_added: vec!["security::high".to_owned()],
        labels_removed: Vec::new(),
        labels_truncated: false,
        system: false,
        system_action: None,
        head_sha: Some("4f".repeat(20)),
        oldrev: None,
        merge_commit_sha: None,
        merged_at: None,
        source_branch: Some("rotate-keys".to_owned()),
        target_branch: Some("main".to_owned()),
        reviewers: vec![Reviewer {
            user: user(13, "jonas"),
            state: Some("requested_changes".to_owned()),
        }],
    }
}

pub(crate) fn envelope(event: &MergeRequestEvent, delivery: &str) -> Envelope {
    Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        received_at: at(1),
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "harbour".to_owned(),
            instance: "gitlab.example".to_owned(),
            stale: false,
        },
        delivery: DeliveryIds {
            key: Some(delivery.to_owned()),
            id: Some(delivery.to_owned()),
            event_uuid: Some("c0ffee".to_owned()),
        },
        payload_sha256: "ab".repeat(32),
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: 7,
        },
        content: Content::MergeRequest(Box::new(event.clone())),
    }
}

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

pub(crate) fn facts(key: &MergeRequestKey) -> Facts {
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

pub(crate) fn exception(key: &MergeRequestKey) -> SecurityReviewException {
    let verdict = exception_verdict(ExceptionKind::SelfApproved);
    SecurityReviewException {
        id: Uuid::now_v7(),
        merge_request: key.clone(),
        project_path: "harbour/crane".to_owned(),
        mr_id: 9001,
        title: "Rotate the session keys".to_owned(),
        url: "https://gitlab.example/harbour/crane/-/merge_requests/1".to_owned(),
        author: Some(user(12, "lena")),
        merged_by: None,
        labels: verdict.security_labels,
        risk_tier: verdict.risk_tier,
        kind: ExceptionKind::SelfApproved,
        reasons: verdict.reasons,
        approvals: verdict.approvals,
        merged_at: at(60),
        merge_commit_sha: None,
        head_sha: Some("4f".repeat(20)),
        rules_hash: "cd".repeat(32),
        status: ExceptionStatus::Open,
        recorded_at: at(64),
        correlation_id: Uuid::now_v7(),
    }
}

pub(crate) fn alert(key: &MergeRequestKey, exception_id: Uuid) -> NewEffect {
    NewEffect {
        kind: EffectKind::SlackExceptionAlert,
        destination: "slack:C0SECLEAD".to_owned(),
        exception_id: Some(exception_id),
        ledger_revision: None,
        decision_id: None,
        merge_request: key.clone(),
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        created_at: at(64),
        grace: seconds(60),
    }
}

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

/// Everything one exceptional merge writes, in one transaction, as the processor does it.
pub(crate) async fn record_exception(
    store: &store::Store,
    key: &MergeRequestKey,
    delivery: &str,
) -> (Uuid, Option<Effect>) {
    let merge = event(key.mr_iid.0, EventAction::Merge, 60);
    let mut tx = store.begin().await.unwrap();
    tx.lock_merge_request(key).await.unwrap();
    tx.insert_event(&envelope(&merge, delivery), &merge, None)
        .await
        .unwrap();
    if tx.current_decision(key).await.unwrap().is_none() {
        tx.append_decision(&decision(key, exception_verdict(ExceptionKind::SelfApproved), None))
            .await
            .unwrap();
    }
    let id = tx.upsert_exception(&exception(key)).await.unwrap();
    let effect = tx
        .insert_effects(std::slice::from_ref(&alert(key, id)))
        .await
        .unwrap()
        .pop();
    tx.commit().await.unwrap();
    (id, effect)
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
