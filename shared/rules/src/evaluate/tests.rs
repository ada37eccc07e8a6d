//! The two witnesses, the weighing of several acts, and what happens when GitLab says nothing.

use model::{Kind, Note, Outcome, Proof, Reading, WitnessA};

use crate::evaluate;
use crate::testing::{ALICE, AUTHOR, Life, OUTSIDER};

fn kinds(life: &Life) -> Vec<Kind> {
    life.verdict().reasons.iter().map(|reason| reason.kind).collect()
}

#[test]
fn a_valid_approval_that_only_the_api_shows_is_proven_by_the_api() {
    let life = Life::labelled().approved_by(ALICE, "10:00:00");
    assert_eq!(life.verdict().outcome, Outcome::Approved { proof: Proof::Api });
}

#[test]
fn a_valid_approval_that_both_witnesses_show_is_proven_by_both() {
    let life = Life::labelled()
        .approved_by(ALICE, "10:00:00")
        .seen(ALICE, "10:00:00", Some(true));
    assert_eq!(life.verdict().outcome, Outcome::Approved { proof: Proof::Both });
}

#[test]
fn a_valid_approval_that_the_history_shows_revoked_is_an_exception() {
    let life = Life::labelled()
        .approved_by(ALICE, "10:00:00")
        .seen(ALICE, "10:00:00", Some(true))
        .taken_back_by(ALICE, "11:00:00");
    life.is_exception(Kind::ApprovalRevoked);
}

#[test]
fn unreadable_is_pending_until_the_deadline_and_then_unverified() {
    let mut facts = Life::labelled().approved_by(ALICE, "10:00:00").facts();
    facts.api = WitnessA::Unreadable("503".into());
    let rules = crate::testing::rules();
    assert!(matches!(evaluate(&facts, &rules).outcome, Outcome::Pending { .. }));
    facts.deadline_passed = true;
    assert_eq!(
        evaluate(&facts, &rules).outcome,
        Outcome::Exception { kind: Kind::Unverified }
    );
}

#[test]
fn a_merge_request_that_gitlab_will_not_show_is_unverified_at_once() {
    let mut facts = Life::labelled().facts();
    facts.api = WitnessA::Refused("404".into());
    assert_eq!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        Outcome::Exception { kind: Kind::Unverified }
    );
}

#[test]
fn unreadable_and_no_label_in_sight_is_not_carried_and_says_so() {
    let mut facts = Life::unlabelled().facts();
    facts.api = WitnessA::Refused("404".into());
    let verdict = evaluate(&facts, &crate::testing::rules());
    assert_eq!(verdict.outcome, Outcome::NotCarried);
    assert_eq!(verdict.notes, [Note::LabelEventsUnreadable]);
}

#[test]
fn everything_that_holds_is_a_reason_and_the_first_in_order_is_the_kind() {
    let life = Life::labelled()
        .approved_by(AUTHOR, "10:00:00")
        .approved_by(OUTSIDER, "12:30:00");
    assert_eq!(
        kinds(&life),
        [
            Kind::SelfApproved,
            Kind::ApproverNotEligible,
            Kind::ApproverNotEligible,
            Kind::ApprovedAfterMerge
        ]
    );
    life.is_exception(Kind::SelfApproved);
}

#[test]
fn events_of_stale_deliveries_prove_and_disprove_nothing() {
    let mut life = Life::labelled()
        .approved_by(ALICE, "10:00:00")
        .taken_back_by(ALICE, "11:00:00");
    life.facts.history[0].stale = true;
    assert_eq!(life.verdict().outcome, Outcome::Approved { proof: Proof::Api });
}

#[test]
fn the_tier_is_that_of_the_labels_standing_at_the_merge() {
    assert_eq!(Life::labelled().verdict().risk_tier, "high");
}

#[test]
fn with_no_label_in_sight_nothing_more_is_asked_and_nothing_was_carried() {
    let rules = crate::testing::rules();
    let mut facts = Life::unlabelled().facts();
    facts.api = WitnessA::NotAsked {
        label_events: Reading::Known(Vec::new()),
    };
    let verdict = evaluate(&facts, &rules);
    assert_eq!((verdict.outcome, verdict.notes), (Outcome::NotCarried, vec![]));
    facts.api = WitnessA::NotAsked {
        label_events: Reading::Unknown("403".into()),
    };
    let verdict = evaluate(&facts, &rules);
    assert_eq!(
        (verdict.outcome, verdict.notes),
        (Outcome::NotCarried, vec![Note::LabelEventsUnreadable])
    );
}

#[test]
fn a_label_that_comes_into_sight_later_must_be_asked_about() {
    let mut facts = Life::labelled().facts();
    facts.api = WitnessA::NotAsked {
        label_events: Reading::Known(Vec::new()),
    };
    assert!(matches!(
        evaluate(&facts, &crate::testing::rules()).outcome,
        Outcome::Pending { .. }
    ));
}
