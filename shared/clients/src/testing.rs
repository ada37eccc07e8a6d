//! An example merge for the tests of this crate.

use model::{
    ApprovalSeen, EvidenceRef, ExceptionKind, IssueMention, LedgerDecision, LedgerMerge, LedgerRow, MentionPlace,
    MergeRequestIid, MergeRequestKey, ProjectId, Proof, Reason, Review, Reviewer, User, UserId, Verdict,
    VerdictOutcome,
};
use uuid::Uuid;

use crate::MergeSummary;

pub(crate) fn user(id: i64, username: &str) -> User {
    User {
        id: UserId(id),
        username: username.to_owned(),
    }
}

/// `payments/gateway!12`, approved by sec-alice.
pub(crate) fn approved() -> MergeSummary {
    let seen = ApprovalSeen {
        user: user(501, "sec-alice"),
        approved_at: Some("2026-03-02T10:00:00.250Z".parse().unwrap()),
        in_api: true,
        in_history: true,
        against: Vec::new(),
    };
    MergeSummary {
        reference: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0e01),
        row: row(),
        verdict: Verdict {
            outcome: VerdictOutcome::Approved { proof: Proof::Both },
            reasons: Vec::new(),
            notes: Vec::new(),
            approvals: vec![seen],
            security_labels: vec!["security::high".to_owned()],
            risk_tier: "high".to_owned(),
        },
        decision_id: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0d01),
        decided_at: "2026-03-02T12:00:02Z".parse().unwrap(),
        evidence: Some(EvidenceRef {
            id: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0f01),
            sha256: "ab".repeat(32),
        }),
        exception_id: None,
        mentions: vec![IssueMention {
            place: MentionPlace::Branch,
            key: "ENG-123".to_owned(),
        }],
        earlier_issue: None,
        is_correction: false,
        is_confirmed: true,
    }
}

/// The same without any approval.
pub(crate) fn exception() -> MergeSummary {
    let approved = approved();
    let kind = ExceptionKind::NoApproval;
    MergeSummary {
        verdict: Verdict {
            outcome: VerdictOutcome::Exception { kind },
            reasons: vec![Reason {
                kind,
                detail: String::new(),
            }],
            approvals: Vec::new(),
            ..approved.verdict
        },
        exception_id: Some(Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0c01)),
        ..approved
    }
}

/// The correction that follows `before` if its decision was wrong.
pub(crate) fn correction_of(before: &MergeSummary) -> MergeSummary {
    let after = if before.is_exception() { approved() } else { exception() };
    MergeSummary {
        reference: Uuid::from_u128(before.reference.as_u128() + 1),
        decision_id: Uuid::from_u128(before.decision_id.as_u128() + 1),
        row: before.row.clone(),
        is_correction: true,
        ..after
    }
}

fn row() -> LedgerRow {
    LedgerRow {
        merge_request: MergeRequestKey {
            instance: "main".to_owned(),
            project_id: ProjectId(77),
            mr_iid: MergeRequestIid(12),
        },
        mr_id: 77_012,
        project_path: "payments/gateway".to_owned(),
        title: "Rotate the <signing> keys & more".to_owned(),
        web_url: "https://gitlab.example.com/payments/gateway/-/merge_requests/12".to_owned(),
        author: Some(user(601, "dpark")),
        reviewers: vec![Reviewer {
            user: user(501, "sec-alice"),
            state: Some("approved".to_owned()),
        }],
        review: Review {
            decision: Some(LedgerDecision::Merged),
            decided_at: None,
            deciding_reviewer: None,
            labels: vec!["security::high".to_owned()],
            risk_tier: "high".to_owned(),
            labelled_at: None,
            approved_at: None,
            time_unknown: None,
            service_level: None,
            proof: None,
            notes: Vec::new(),
        },
        merge: Some(LedgerMerge {
            by: Some(user(601, "dpark")),
            method: None,
            at: "2026-03-02T12:00:00Z".parse().unwrap(),
            commit_sha: Some("5e".repeat(20)),
        }),
        head_sha: None,
        rules_hash: "a".repeat(64),
        decision_id: None,
        evidence: None,
        read_at: None,
        correlation_id: Uuid::nil(),
    }
}
