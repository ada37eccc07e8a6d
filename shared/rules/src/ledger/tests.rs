mod before_merge;
mod label_time;

use model::{EventAction, LedgerDecision, Proof, Review, TimeUnknown, UserId};
use proptest::prelude::*;

use super::*;
use crate::testing::{ALICE, AUTHOR, BOB, Life, MERGED, OUTSIDER, at};

fn merged(life: &Life) -> Review {
    review_of_merge(&life.facts(), &life.verdict(), &life.rules).expect("a label was carried")
}

/// The same history before its merge, as GitLab shows it at noon.
fn open(life: &Life) -> Option<Review> {
    let mut life = life.clone();
    let last = life
        .facts
        .history
        .iter()
        .rfind(|event| crate::case::is_lifecycle(event));
    let closed = last.is_some_and(|last| last.action == EventAction::Close);
    life.api.state = Some(if closed { "closed" } else { "opened" }.into());
    life.api.merge.merge_user = None;
    review_before_merge(&life.facts(), &life.rules).map(|(_, review)| review)
}

fn act(life: Life, action: EventAction, by: i64, time: &str) -> Life {
    let event = life.event(action, by, time);
    life.with(event)
}

#[test]
fn deciding_reviewer_is_the_one_completing_the_minimum() {
    let life = Life::labelled()
        .minimum(2)
        .approved_by(BOB, "11:00:00")
        .approved_by(ALICE, "10:00:00");
    let review = merged(&life);
    assert_eq!(review.decision, Some(LedgerDecision::Merged));
    assert_eq!(review.decided_at, Some(at(MERGED)));
    assert_eq!(review.deciding_reviewer.map(|user| user.id), Some(UserId(BOB)));
    assert_eq!(review.approved_at, Some(at("10:00:00")), "the first valid approval");
    assert_eq!((review.proof, review.time_unknown), (Some(Proof::Api), None));
    assert_eq!(review.risk_tier, "high");
}

#[test]
fn unapproved_merge_has_no_reviewer_or_approval_time() {
    let review = merged(&Life::labelled().approved_by(OUTSIDER, "10:00:00"));
    assert_eq!(review.decision, Some(LedgerDecision::MergedWithoutApproval));
    assert_eq!((review.deciding_reviewer, review.approved_at), (None, None));
    assert_eq!(review.time_unknown, Some(TimeUnknown::NoValidApproval));
    let unverified = Life::labelled().members_unreadable().approved_by(ALICE, "10:00:00");
    assert_eq!(merged(&unverified).decision, Some(LedgerDecision::MergedUnverified));
}

#[test]
fn unlabelled_merge_request_is_not_in_the_ledger() {
    let life = Life::unlabelled().approved_by(ALICE, "10:00:00");
    assert_eq!(review_of_merge(&life.facts(), &life.verdict(), &life.rules), None);
    assert_eq!(open(&life), None);
}

#[test]
fn service_level_clock_ends_with_approval_or_closing() {
    let targets = |mut life: Life| {
        life.rules
            .sla
            .targets
            .insert("high".to_owned(), jiff::SignedDuration::from_hours(4));
        life
    };
    let elapsed = |review: Option<Review>| {
        review
            .unwrap()
            .service_level
            .unwrap()
            .elapsed
            .map(|elapsed| elapsed.as_mins())
    };
    let labelled = || targets(Life::labelled());
    assert_eq!(elapsed(open(&labelled())), None, "nothing yet");
    assert_eq!(elapsed(open(&labelled().approved_by(ALICE, "10:00:00"))), Some(240));
    let revoked = labelled()
        .seen(ALICE, "10:00:00", Some(true))
        .taken_back_by(ALICE, "10:30:00");
    assert_eq!(elapsed(open(&revoked)), None, "it is open again");
    let reopened = act(
        act(labelled(), EventAction::Close, AUTHOR, "08:00:00"),
        EventAction::Reopen,
        AUTHOR,
        "09:00:00",
    );
    assert_eq!(elapsed(open(&reopened)), None, "it is open again");
    let closed = act(labelled(), EventAction::Close, AUTHOR, "08:00:00");
    assert_eq!(elapsed(open(&closed)), Some(120));
    assert_eq!(elapsed(Some(merged(&labelled()))), Some(360), "merged without");
}

proptest! {
    /// The row is a function of the set of events: neither order nor repetition matters.
    #[test]
    fn order_and_repetition_change_nothing(
        order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle(), twice in 0..7_usize,
    ) {
        let life = Life::labelled().approved_by(ALICE, "11:30:00");
        let lived = act(
            act(
                life.opened("07:00:00").seen(ALICE, "09:00:00", Some(true)).taken_back_by(ALICE, "09:30:00").reset("10:00:00"),
                EventAction::Close, AUTHOR, "10:30:00",
            ),
            EventAction::Reopen, AUTHOR, "10:40:00",
        ).seen(ALICE, "11:30:00", Some(true));
        prop_assert_eq!(lived.facts.history.len(), 7);
        let mut other = lived.clone();
        other.facts.history = order.iter().chain([&order[twice]]).map(|at| lived.facts.history[*at].clone()).collect();
        prop_assert_eq!(open(&other), open(&lived));
        prop_assert_eq!(merged(&other), merged(&lived));
    }
}
