//! `security_review_decisions.verdict`, `.reasons` and `.review`, and `security_review_exceptions.reasons` and `.approvals`.

use jiff::SignedDuration;
use model::{
    ApprovalSeen, ExceptionKind, LedgerDecision, Note, Proof, Reason, Review, ServiceLevel, TimeUnknown, Verdict,
    VerdictOutcome,
};

use crate::compare::{same, same_and_full};
use crate::values::{approver, at};

fn verdict(outcome: VerdictOutcome) -> Verdict {
    Verdict {
        outcome,
        reasons: vec![Reason {
            kind: ExceptionKind::ApprovedOtherCommit,
            detail: "tobin.ashe approved at 10:20, the diff changed at 10:30".to_owned(),
        }],
        notes: vec![Note::EligibilityAsOfNow],
        approvals: vec![ApprovalSeen {
            user: approver(),
            approved_at: Some(at("10:20:00")),
            in_api: true,
            in_history: true,
            against: vec![ExceptionKind::ApprovedOtherCommit],
        }],
        security_labels: vec!["security::high".to_owned()],
        risk_tier: "high".to_owned(),
    }
}

fn review() -> Review {
    Review {
        decision: Some(LedgerDecision::MergedWithoutApproval),
        decided_at: Some(at("11:00:00")),
        deciding_reviewer: Some(approver()),
        labels: vec!["security::high".to_owned()],
        risk_tier: "high".to_owned(),
        labelled_at: Some(at("09:05:00")),
        approved_at: Some(at("10:20:00")),
        time_unknown: Some(TimeUnknown::ApprovedBeforeLabel),
        service_level: Some(ServiceLevel {
            target: SignedDuration::from_hours(8),
            elapsed: Some(SignedDuration::from_millis(4_500_250)),
        }),
        proof: Some(Proof::Both),
        notes: vec![Note::ApprovedBeforeLabel],
    }
}

#[test]
fn every_verdict_keeps_its_names() {
    let outcomes = [
        VerdictOutcome::NotCarried,
        VerdictOutcome::Declassified,
        VerdictOutcome::Approved { proof: Proof::Both },
        VerdictOutcome::Exception {
            kind: ExceptionKind::ApprovedOtherCommit,
        },
        VerdictOutcome::Pending {
            because: "502 Bad Gateway".to_owned(),
        },
    ];
    for outcome in &outcomes {
        // A new variant does not compile until it is added here; add it to the list above, too.
        match outcome {
            VerdictOutcome::NotCarried
            | VerdictOutcome::Declassified
            | VerdictOutcome::Approved { .. }
            | VerdictOutcome::Exception { .. }
            | VerdictOutcome::Pending { .. } => (),
        }
    }
    same_and_full("verdicts.json", &outcomes.map(verdict).to_vec());
}

#[test]
fn a_verdict_without_optional_values_keeps_its_form() {
    let without_lists = Verdict {
        reasons: Vec::new(),
        notes: Vec::new(),
        approvals: Vec::new(),
        security_labels: Vec::new(),
        risk_tier: String::new(),
        ..verdict(VerdictOutcome::NotCarried)
    };
    let without_time = Verdict {
        approvals: vec![ApprovalSeen {
            user: approver(),
            approved_at: None,
            in_api: false,
            in_history: false,
            against: Vec::new(),
        }],
        ..without_lists.clone()
    };
    same("verdicts_sparse.json", &vec![without_lists, without_time]);
}

#[test]
fn a_review_keeps_its_names() {
    same_and_full("review.json", &review());
}

#[test]
fn a_review_without_optional_values_keeps_its_form() {
    let undecided = Review {
        decision: None,
        decided_at: None,
        deciding_reviewer: None,
        labels: Vec::new(),
        risk_tier: "high".to_owned(),
        labelled_at: None,
        approved_at: None,
        time_unknown: None,
        service_level: None,
        proof: None,
        notes: Vec::new(),
    };
    let running = Review {
        service_level: Some(ServiceLevel {
            target: SignedDuration::from_hours(48),
            elapsed: None,
        }),
        ..undecided.clone()
    };
    same("reviews_sparse.json", &vec![undecided, running]);
}
