//! The decision on a review that is not merged: the last act counts.

use jiff::Timestamp;
use model::{EventAction, ExceptionKind, LedgerDecision};

use super::{act, open, review_before_merge};
use crate::testing::{ALICE, AUTHOR, Life, OUTSIDER, at};

fn decision_of(life: &Life) -> (Option<LedgerDecision>, Option<Timestamp>, Option<i64>) {
    let review = open(life).expect("a label is carried");
    let by = review.deciding_reviewer.map(|user| user.id.0);
    (review.decision, review.decided_at, by)
}

#[test]
fn before_the_merge_the_last_act_decides() {
    let labelled = Life::labelled;
    let revoked = LedgerDecision::ApprovalRevoked;
    let cases = vec![
        ("nothing yet", labelled(), (None, None, None)),
        (
            "approved",
            labelled().approved_by(ALICE, "10:00:00"),
            (Some(LedgerDecision::Approved), Some("10:00:00"), Some(ALICE)),
        ),
        (
            "by the author",
            labelled().approved_by(AUTHOR, "10:00:00"),
            (None, None, None),
        ),
        (
            "by an outsider",
            labelled().approved_by(OUTSIDER, "10:00:00"),
            (None, None, None),
        ),
        (
            "approved and taken back",
            labelled()
                .seen(ALICE, "10:00:00", Some(true))
                .taken_back_by(ALICE, "10:30:00"),
            (Some(revoked), Some("10:30:00"), Some(ALICE)),
        ),
        (
            "an outsider's taken back",
            labelled()
                .seen(OUTSIDER, "10:00:00", Some(false))
                .taken_back_by(OUTSIDER, "10:30:00"),
            (None, None, None),
        ),
        (
            "reset by a push: the pusher decided nothing",
            labelled().seen(ALICE, "10:00:00", Some(true)).reset("10:30:00"),
            (Some(revoked), Some("10:30:00"), None),
        ),
        (
            "taken back and given again",
            labelled()
                .seen(ALICE, "10:00:00", Some(true))
                .taken_back_by(ALICE, "10:30:00")
                .seen(ALICE, "11:00:00", Some(true))
                .approved_by(ALICE, "11:00:00"),
            (Some(LedgerDecision::Approved), Some("11:00:00"), Some(ALICE)),
        ),
    ];
    assert_decisions(cases);
}

#[test]
fn before_the_merge_a_close_or_reopen_decides() {
    let labelled = Life::labelled;
    let cases = vec![
        (
            "closed",
            act(
                labelled().approved_by(ALICE, "10:00:00"),
                EventAction::Close,
                AUTHOR,
                "10:30:00",
            ),
            (Some(LedgerDecision::Closed), Some("10:30:00"), None),
        ),
        (
            "closed and opened again",
            act(
                act(
                    labelled().approved_by(ALICE, "10:00:00"),
                    EventAction::Close,
                    AUTHOR,
                    "10:30:00",
                ),
                EventAction::Reopen,
                AUTHOR,
                "10:40:00",
            ),
            (Some(LedgerDecision::Reopened), Some("10:40:00"), None),
        ),
        (
            "opened again and then approved",
            act(
                act(
                    labelled().approved_by(ALICE, "11:00:00"),
                    EventAction::Close,
                    AUTHOR,
                    "10:30:00",
                ),
                EventAction::Reopen,
                AUTHOR,
                "10:40:00",
            ),
            (Some(LedgerDecision::Approved), Some("11:00:00"), Some(ALICE)),
        ),
    ];
    assert_decisions(cases);
}

type ExpectedDecision<'a> = (Option<LedgerDecision>, Option<&'a str>, Option<i64>);

fn assert_decisions(cases: Vec<(&str, Life, ExpectedDecision<'_>)>) {
    for (name, life, (decision, time, by)) in cases {
        assert_eq!(decision_of(&life), (decision, time.map(at), by), "{name}");
    }
}

#[test]
fn history_alone_approves_nothing_before_the_merge_either() {
    let life = Life::labelled().seen(ALICE, "10:00:00", Some(true));
    assert_eq!(decision_of(&life), (None, None, None));
    let verdict = life.verdict();
    assert_eq!(verdict.exception(), Some(ExceptionKind::Unverified));
}

#[test]
fn renewed_approval_is_not_revoked_below_the_minimum() {
    let twice = |again: &str| {
        let life = Life::labelled()
            .minimum(2)
            .seen(ALICE, "10:00:00", Some(true))
            .taken_back_by(ALICE, "10:30:00");
        open(&life.approved_by(ALICE, again)).unwrap().decision
    };
    assert_eq!(twice("10:40:00"), None, "one of two");
    assert_eq!(twice("10:20:00"), Some(LedgerDecision::ApprovalRevoked));
}

#[test]
fn reset_keeps_a_listed_timed_approval() {
    let life = Life::labelled()
        .minimum(2)
        .seen(ALICE, "10:05:05", Some(true))
        .reset("10:05:10")
        .approved_by(ALICE, "10:05:05");
    assert_eq!(open(&life).unwrap().decision, None, "one of two");
}

#[test]
fn gitlab_answer_replaces_missing_close_event() {
    let mut life = Life::labelled();
    (life.api.state, life.api.closed_at) = (Some("closed".into()), Some(at("11:00:00")));
    let (_, review) = review_before_merge(&life.facts(), &life.rules).unwrap();
    assert_eq!(
        (review.decision, review.decided_at),
        (Some(LedgerDecision::Closed), Some(at("11:00:00")))
    );
}

#[test]
fn gitlab_answer_replaces_missing_second_close_event() {
    let closed_again = |closed_at: &str| {
        let mut life = act(Life::labelled(), EventAction::Reopen, AUTHOR, "09:00:00");
        life.api.state = Some("closed".into());
        life.api.closed_at = Some(at(closed_at));
        life.api.merge.merge_user = None;
        let (_, review) = review_before_merge(&life.facts(), &life.rules).unwrap();
        (review.decision, review.decided_at)
    };
    assert_eq!(
        closed_again("09:30:00"),
        (Some(LedgerDecision::Closed), Some(at("09:30:00")))
    );
    assert_eq!(closed_again("08:30:00").0, Some(LedgerDecision::Reopened));
}

#[test]
fn an_open_state_wins_over_a_lost_reopening() {
    let mut life = act(Life::labelled(), EventAction::Close, AUTHOR, "09:00:00");
    life.api.state = Some("opened".into());
    let (_, review) = review_before_merge(&life.facts(), &life.rules).unwrap();
    assert_eq!(review.decision, None);
}
