use model::{EventAction, ExceptionKind, HistoryEvent, LedgerDecision, Note, Proof, Review, TimeUnknown, UserId};
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

fn decision_of(life: &Life) -> (Option<LedgerDecision>, Option<Timestamp>, Option<i64>) {
    let review = open(life).expect("a label is carried");
    let by = review.deciding_reviewer.map(|user| user.id.0);
    (review.decision, review.decided_at, by)
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
fn label_time_comes_from_gitlab_label_events() {
    let high = Some("security::high");
    let unlabelled = Life::unlabelled;
    let standing = |mut life: Life| {
        life.api.labels_now.push("security::high".into());
        life
    };
    let cases = vec![
        ("set at creation: no event", Life::labelled(), Ok("06:00:00")),
        (
            "put on later",
            standing(unlabelled().label_event(high, true, AUTHOR, "08:00:00")),
            Ok("08:00:00"),
        ),
        (
            "put on, taken off, put on again: the clock does not stop",
            standing(
                unlabelled()
                    .label_event(high, true, AUTHOR, "08:00:00")
                    .label_event(high, false, AUTHOR, "09:00:00")
                    .label_event(high, true, AUTHOR, "10:00:00"),
            ),
            Ok("08:00:00"),
        ),
        (
            "set at creation, taken off, put on again",
            standing(
                unlabelled()
                    .label_event(high, false, AUTHOR, "09:00:00")
                    .label_event(high, true, AUTHOR, "10:00:00"),
            ),
            Ok("06:00:00"),
        ),
        (
            "two labels: the first counts",
            standing(
                unlabelled()
                    .label_event(high, true, AUTHOR, "09:00:00")
                    .label_event(Some("sec/low"), true, AUTHOR, "08:30:00")
                    .label_event(Some("sec/low"), false, AUTHOR, "08:40:00"),
            ),
            Ok("08:30:00"),
        ),
        (
            "in other letters",
            standing(unlabelled().label_event(Some("Security::High"), true, AUTHOR, "08:00:00")),
            Ok("08:00:00"),
        ),
    ];
    assert_label_times(cases);
}

#[test]
fn deleted_label_time_needs_its_event() {
    let unlabelled = Life::unlabelled;
    assert_label_times(vec![
        (
            "not readable",
            Life::labelled().label_events_unreadable(),
            Err(TimeUnknown::LabelEventsUnreadable),
        ),
        (
            "deleted since, and a stored event still has its name",
            {
                let life = unlabelled().label_event(None, true, AUTHOR, "08:00:01");
                let event = HistoryEvent {
                    labels_added: vec!["security::high".into()],
                    labels: vec!["security::high".into()],
                    ..life.event(EventAction::Update, AUTHOR, "08:00:00")
                };
                life.with(event)
            },
            Ok("08:00:01"),
        ),
        (
            "deleted since, and nothing shows which event it was",
            {
                let life = unlabelled().label_event(None, true, AUTHOR, "08:00:00");
                let event = HistoryEvent {
                    labels: vec!["security::high".into()],
                    ..life.event(EventAction::Update, AUTHOR, "10:00:00")
                };
                life.with(event)
            },
            Err(TimeUnknown::LabelDeleted),
        ),
    ]);
}

fn assert_label_times(cases: Vec<(&str, Life, std::result::Result<&str, TimeUnknown>)>) {
    for (name, life, expected) in cases {
        let review = merged(&life.approved_by(ALICE, "11:00:00"));
        assert_eq!(review.labelled_at, expected.ok().map(at), "{name}");
        assert_eq!(review.time_unknown, expected.err(), "{name}");
    }
}

#[test]
fn recreated_label_has_first_event_time_or_none() {
    // The label was added at 08:00:01, deleted, created again and added again at ten; an earlier event shows it.
    let recreated = |shown_at: &str| {
        let mut life = Life::unlabelled()
            .label_event(None, true, AUTHOR, "08:00:01")
            .label_event(Some("security::high"), true, AUTHOR, "10:00:00");
        life.api.labels_now.push("security::high".into());
        let event = HistoryEvent {
            labels_added: vec!["security::high".into()],
            labels: vec!["security::high".into()],
            ..life.event(EventAction::Update, AUTHOR, shown_at)
        };
        let review = merged(&life.with(event).approved_by(ALICE, "11:00:00"));
        (review.labelled_at, review.time_unknown)
    };
    assert_eq!(
        recreated("08:00:00"),
        (Some(at("08:00:01")), None),
        "a stored event has its first name"
    );
    assert_eq!(
        recreated("08:30:00"),
        (None, Some(TimeUnknown::LabelDeleted)),
        "nothing shows which event was the first"
    );
    assert_eq!(
        recreated("10:00:00"),
        (Some(at("10:00:00")), None),
        "nothing shows it before"
    );
}

#[test]
fn the_time_of_creation_is_not_guessed() {
    let mut life = Life::labelled().approved_by(ALICE, "10:00:00");
    life.api.created_at = None;
    let review = merged(&life);
    assert_eq!(
        (review.labelled_at, review.time_unknown),
        (None, Some(TimeUnknown::CreationTimeUnknown))
    );
}

#[test]
fn label_added_after_merge_opens_no_review() {
    let mut life = Life::unlabelled()
        .label_event(Some("security::high"), true, AUTHOR, "12:30:00")
        .approved_by(ALICE, "10:00:00");
    life.api.labels_now.push("security::high".into());
    assert_eq!(review_of_merge(&life.facts(), &life.verdict(), &life.rules), None);
}

#[test]
fn no_time_is_ever_negative() {
    let mut life = Life::unlabelled()
        .label_event(Some("security::high"), true, AUTHOR, "10:00:00")
        .approved_by(ALICE, "09:00:00");
    life.api.labels_now.push("security::high".into());
    let review = merged(&life);
    assert_eq!(review.time_unknown, Some(TimeUnknown::ApprovedBeforeLabel));
    assert!(review.notes.contains(&Note::ApprovedBeforeLabel));
    let closed = act(life, EventAction::Close, AUTHOR, "09:30:00");
    assert_eq!(
        open(&closed).unwrap().time_unknown,
        Some(TimeUnknown::LabelledAfterDecision)
    );
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

#[test]
fn gitlab_answer_replaces_missing_second_close_event() {
    let closed_again = |at_: &str| {
        let mut life = act(Life::labelled(), EventAction::Reopen, AUTHOR, "09:00:00");
        life.api.state = Some("closed".into());
        life.api.closed_at = Some(at(at_));
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
