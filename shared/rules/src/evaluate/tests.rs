//! The two sources, combining several approvals, and missing GitLab answers.

use model::{
    ExceptionKind, GitLabAnswer, HistoryEvent, LabelEvent, LabelFacts, Note, PartialAnswer, Proof, Reading,
    VerdictOutcome,
};

use crate::evaluate;
use crate::testing::{ALICE, AUTHOR, Life, MERGED, OUTSIDER, at};

fn kinds(life: &Life) -> Vec<ExceptionKind> {
    life.verdict().reasons.iter().map(|reason| reason.kind).collect()
}

#[test]
fn approval_only_in_api_is_proven_by_api() {
    let life = Life::labelled().approved_by(ALICE, "10:00:00");
    assert_eq!(life.verdict().outcome, VerdictOutcome::Approved { proof: Proof::Api });
}

#[test]
fn approval_in_both_sources_is_proven_by_both() {
    let life = Life::labelled()
        .approved_by(ALICE, "10:00:00")
        .seen(ALICE, "10:00:00", Some(true));
    assert_eq!(life.verdict().outcome, VerdictOutcome::Approved { proof: Proof::Both });
}

#[test]
fn a_disputed_approval_names_no_other_kind() {
    let life = Life::labelled()
        .approved_by(AUTHOR, "10:00:00")
        .seen(ALICE, "10:00:00", Some(true));
    life.is_exception(ExceptionKind::Unverified);
    assert_eq!(
        kinds(&life),
        [
            ExceptionKind::Unverified,
            ExceptionKind::SelfApproved,
            ExceptionKind::ApproverNotEligible
        ]
    );
}

#[test]
fn acts_after_the_merge_change_no_kind() {
    let life = Life::labelled().seen(OUTSIDER, "12:30:00", Some(false));
    let verdict = life.is_exception(ExceptionKind::NoApproval);
    assert_eq!(verdict.approvals.len(), 1);
    Life::labelled()
        .seen(ALICE, "12:30:00", Some(true))
        .is_exception(ExceptionKind::NoApproval);
}

#[test]
fn unavailable_is_pending_then_unverified_after_the_deadline() {
    let mut facts = Life::labelled().approved_by(ALICE, "10:00:00").facts();
    facts.api = GitLabAnswer::Unavailable("503".to_owned().into());
    let rules = crate::testing::rules();
    assert!(matches!(
        evaluate(&facts, &rules).outcome,
        VerdictOutcome::Pending { .. }
    ));
    facts.deadline_passed = true;
    assert_eq!(
        evaluate(&facts, &rules).outcome,
        VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified
        }
    );
}

#[test]
fn denied_merge_request_is_unverified_immediately() {
    let mut facts = Life::labelled().facts();
    facts.api = GitLabAnswer::Denied("404".to_owned().into());
    assert_eq!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified
        }
    );
}

#[test]
fn denied_without_known_label_is_unlabelled_with_note() {
    let mut facts = Life::unlabelled().facts();
    facts.api = GitLabAnswer::Denied("404".to_owned().into());
    let verdict = evaluate(&facts, &crate::testing::rules());
    assert_eq!(verdict.outcome, VerdictOutcome::NotCarried);
    assert_eq!(verdict.notes, [Note::LabelEventsUnreadable]);
}

#[test]
fn all_reasons_are_listed_and_first_is_kind() {
    let life = Life::labelled()
        .approved_by(AUTHOR, "10:00:00")
        .approved_by(OUTSIDER, "12:30:00");
    assert_eq!(
        kinds(&life),
        [
            ExceptionKind::SelfApproved,
            ExceptionKind::ApproverNotEligible,
            ExceptionKind::ApproverNotEligible,
            ExceptionKind::ApprovedAfterMerge
        ]
    );
    life.is_exception(ExceptionKind::SelfApproved);
}

#[test]
fn events_of_stale_deliveries_prove_and_disprove_nothing() {
    let mut life = Life::labelled()
        .approved_by(ALICE, "10:00:00")
        .taken_back_by(ALICE, "11:00:00");
    life.facts.history[0].stale = true;
    assert_eq!(life.verdict().outcome, VerdictOutcome::Approved { proof: Proof::Api });
}

#[test]
fn risk_tier_follows_labels_at_the_merge() {
    assert_eq!(Life::labelled().verdict().risk_tier, "high");
}

fn labels_read(events: Reading<Vec<LabelEvent>>, labels_now: &[&str]) -> LabelFacts {
    let labels_now = labels_now.iter().map(|label| (*label).to_owned()).collect();
    LabelFacts {
        clock_offset_seconds: 0,
        merged_at: Some(at(MERGED)),
        labels_now,
        label_events: events,
    }
}

#[test]
fn labels_only_without_label_needs_no_full_answer() {
    let rules = crate::testing::rules();
    let mut facts = Life::unlabelled().facts();
    facts.api = GitLabAnswer::LabelsOnly(labels_read(Reading::Known(Vec::new()), &["backend"]));
    let verdict = evaluate(&facts, &rules);
    assert_eq!((verdict.outcome, verdict.notes), (VerdictOutcome::NotCarried, vec![]));
    facts.api = GitLabAnswer::LabelsOnly(labels_read(Reading::Unknown("403".into()), &[]));
    let verdict = evaluate(&facts, &rules);
    assert_eq!(
        (verdict.outcome, verdict.notes),
        (VerdictOutcome::NotCarried, vec![Note::LabelEventsUnreadable])
    );
}

#[test]
fn label_in_history_requires_the_full_answer() {
    let mut facts = Life::labelled().facts();
    facts.api = GitLabAnswer::LabelsOnly(labels_read(Reading::Known(Vec::new()), &[]));
    assert!(matches!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        VerdictOutcome::Pending { .. }
    ));
}

#[test]
fn unmerged_at_gitlab_stays_pending_after_the_deadline() {
    for life in [Life::labelled(), Life::unlabelled()] {
        let mut facts = life.facts();
        facts.api = GitLabAnswer::NotMerged("opened".to_owned().into());
        facts.deadline_passed = true;
        assert!(matches!(
            evaluate(&facts, &life.rules).outcome,
            VerdictOutcome::Pending { .. }
        ));
    }
}

#[test]
fn read_label_counts_despite_other_failed_reads() {
    let rules = crate::testing::rules();
    let mut facts = Life::unlabelled().facts();
    facts.deadline_passed = true;
    let labels = Some(labels_read(Reading::Unknown("403".into()), &["security::high"]));
    for api in [
        GitLabAnswer::Unavailable(PartialAnswer {
            labels: labels.clone(),
            ..PartialAnswer::from("503".to_owned())
        }),
        GitLabAnswer::Denied(PartialAnswer {
            labels,
            ..PartialAnswer::from("403".to_owned())
        }),
    ] {
        facts.api = api;
        assert_eq!(
            evaluate(&facts, &rules).outcome,
            VerdictOutcome::Exception {
                kind: ExceptionKind::Unverified
            }
        );
    }
}

#[test]
fn untrusted_delivery_with_denied_answer_is_unverified() {
    let mut facts = Life::unlabelled().facts();
    facts.trigger.trusted = false;
    facts.api = GitLabAnswer::Denied("404".to_owned().into());
    assert_eq!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified
        }
    );
}

#[test]
fn delivered_merge_time_does_not_exclude_history() {
    let life = Life::unlabelled();
    let labelled = HistoryEvent {
        labels: vec!["sec/high".into()],
        ..life.event(model::EventAction::Update, AUTHOR, "11:00:00")
    };
    let mut facts = life.with(labelled).facts();
    facts.trigger.merged_at = "2001-01-01T00:00:00Z".parse().unwrap();
    facts.api = GitLabAnswer::Denied("404".to_owned().into());
    assert_eq!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        VerdictOutcome::Exception {
            kind: ExceptionKind::Unverified
        }
    );
}
