//! When a review begins: the time of its security label, or why it is unknown.

use model::{EventAction, HistoryEvent, Note, TimeUnknown};

use super::{act, merged, open, review_of_merge};
use crate::testing::{ALICE, AUTHOR, Life, at};

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
