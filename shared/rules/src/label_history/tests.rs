//! Every way of adding and removing a security label.

use model::{ExceptionKind, HistoryEvent, Note, VerdictOutcome};

use crate::testing::{ALICE, AUTHOR, BOB, Life, OUTSIDER};

fn not_carried(life: &Life) -> Vec<Note> {
    let verdict = life.verdict();
    assert_eq!(verdict.outcome, VerdictOutcome::NotCarried, "{verdict:#?}");
    verdict.notes
}

#[test]
fn merge_without_security_label_needs_no_review() {
    assert_eq!(not_carried(&Life::unlabelled()), []);
}

#[test]
fn label_set_at_creation_counts_without_event() {
    Life::labelled().is_exception(ExceptionKind::NoApproval);
}

#[test]
fn removing_the_label_does_not_hide_the_merge() {
    let life = Life::unlabelled().label_event(Some("security::high"), false, OUTSIDER, "11:00:00");
    let verdict = life.is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    assert_eq!(verdict.security_labels, ["security::high"]);
    assert_eq!(verdict.risk_tier, "high");
    assert_eq!(
        verdict.reasons[0].detail,
        "security::high was taken off by outsider at 2026-03-02 11:00:00 UTC"
    );
    assert_eq!(verdict.reasons[1].kind, ExceptionKind::NoApproval);
}

#[test]
fn removed_label_with_valid_approval_is_noted() {
    let life = Life::unlabelled()
        .label_event(Some("security::high"), false, OUTSIDER, "11:00:00")
        .approved_by(ALICE, "10:00:00");
    assert!(life.is_approved().notes.contains(&Note::LabelRemovedButApproved));
}

#[test]
fn replacing_a_security_label_is_not_a_removal() {
    let mut life = Life::unlabelled()
        .label_event(Some("security::high"), true, AUTHOR, "09:00:00")
        .label_event(Some("security::high"), false, OUTSIDER, "11:00:00")
        .label_event(Some("security::low"), true, OUTSIDER, "11:00:00");
    life.api.labels_now.push("security::low".into());
    let verdict = life.is_exception(ExceptionKind::NoApproval);
    assert_eq!(
        (verdict.security_labels, verdict.risk_tier),
        (vec!["security::low".to_owned()], "low".to_owned())
    );
}

#[test]
fn every_label_needs_an_entitled_removal() {
    let both = |first, second| {
        Life::unlabelled()
            .label_event(Some("security::high"), false, first, "10:00:00")
            .label_event(Some("sec/low"), false, second, "11:00:00")
    };
    assert_eq!(both(ALICE, BOB).verdict().outcome, VerdictOutcome::Declassified);
    both(OUTSIDER, ALICE).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    both(ALICE, OUTSIDER).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn two_labels_of_one_title_are_two() {
    let life = Life::unlabelled()
        .label_event_of(1, "security::high", true, AUTHOR, "08:00:00")
        .label_event_of(1, "security::high", false, ALICE, "10:00:00");
    // The other one, of the group, was set at the creation: no event names it.
    let mut still_on = life.clone();
    still_on.api.labels_now.push("security::high".into());
    still_on.is_exception(ExceptionKind::NoApproval);
    // Both named, one removed.
    let both = life.label_event_of(2, "security::high", true, AUTHOR, "08:30:00");
    both.clone().is_exception(ExceptionKind::NoApproval);
    let by = |who| both.clone().label_event_of(2, "security::high", false, who, "11:00:00");
    by(OUTSIDER).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    assert_eq!(by(BOB).verdict().outcome, VerdictOutcome::Declassified);
}

#[test]
fn a_replacing_label_of_the_scope_continues_it() {
    let life = Life::unlabelled()
        .label_event(Some("security::high"), true, AUTHOR, "09:00:00")
        .label_event(Some("security::high"), false, OUTSIDER, "10:00:00")
        .label_event(Some("security::low"), true, OUTSIDER, "10:00:00");
    let by = |who| life.clone().label_event(Some("security::low"), false, who, "11:00:00");
    assert_eq!(by(ALICE).verdict().outcome, VerdictOutcome::Declassified);
    by(OUTSIDER).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn a_cut_list_proves_no_absence() {
    let cut = |life: Life| {
        let event = HistoryEvent {
            labels_truncated: true,
            ..life.event(model::EventAction::Update, AUTHOR, "09:00:00")
        };
        life.with(event)
    };
    // GitLab's label events are complete and show none.
    assert_eq!(not_carried(&cut(Life::unlabelled())), []);
    let nameless = || cut(Life::unlabelled().label_event(None, true, AUTHOR, "09:00:00"));
    nameless().is_exception(ExceptionKind::Unverified);
    nameless().approved_by(ALICE, "10:00:00").is_approved();
}

#[test]
fn vanished_label_without_merge_event_names_no_kind() {
    let shown = |life: Life| {
        let event = HistoryEvent {
            labels: vec!["security::high".into()],
            state: Some("opened".into()),
            ..life.event(model::EventAction::Update, AUTHOR, "09:00:00")
        };
        life.with(event)
    };
    // Renamed or deleted in the project, before the merge or after it.
    let mut life = shown(Life::unlabelled());
    life.clone().is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    life.facts.trigger.labels_unknown = true;
    life.is_exception(ExceptionKind::NoApproval);
}

#[test]
fn label_first_added_after_merge_does_not_count() {
    let mut life = Life::unlabelled().label_event(Some("security::high"), true, ALICE, "12:00:01");
    life.api.labels_now.push("security::high".into());
    // The hook is built in the background: it may already contain the label.
    life.facts.trigger.labels.push("security::high".into());
    assert_eq!(not_carried(&life), [Note::LabelledAfterMerge]);
}

#[test]
fn label_removed_after_merge_still_counts() {
    Life::unlabelled()
        .label_event(Some("security::high"), false, OUTSIDER, "12:00:01")
        .is_exception(ExceptionKind::NoApproval);
    let added_before = Life::unlabelled().label_event(Some("sec/high"), true, AUTHOR, "09:00:00");
    added_before
        .label_event(Some("sec/high"), false, OUTSIDER, "12:00:01")
        .is_exception(ExceptionKind::NoApproval);
}

#[test]
fn last_change_of_a_repeated_label_decides() {
    let life = Life::unlabelled()
        .label_event(Some("sec/high"), true, AUTHOR, "08:00:00")
        .label_event(Some("sec/high"), false, ALICE, "09:00:00")
        .label_event(Some("sec/high"), true, AUTHOR, "10:00:00");
    life.clone().is_exception(ExceptionKind::NoApproval);
    life.label_event(Some("sec/high"), false, OUTSIDER, "11:00:00")
        .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn deleted_label_is_known_from_stored_events() {
    let life = Life::unlabelled()
        .label_event(None, true, AUTHOR, "09:00:00")
        .label_event(None, false, OUTSIDER, "10:00:00");
    assert_eq!(not_carried(&life), [Note::LabelEventsUnreadable]);
    let stored = HistoryEvent {
        labels: vec!["sec/high".into()],
        labels_added: vec!["sec/high".into()],
        ..life.event(model::EventAction::Update, AUTHOR, "09:00:00")
    };
    life.with(stored).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn without_label_events_the_stored_history_counts() {
    Life::labelled()
        .label_events_unreadable()
        .is_exception(ExceptionKind::NoApproval);
    assert_eq!(
        not_carried(&Life::unlabelled().label_events_unreadable()),
        [Note::LabelEventsUnreadable]
    );
    let life = Life::unlabelled().label_events_unreadable();
    let removed = HistoryEvent {
        labels_removed: vec!["sec/high".into()],
        eligible: Some(false),
        ..life.event(model::EventAction::Update, OUTSIDER, "11:00:00")
    };
    life.clone()
        .with(removed.clone())
        .is_exception(ExceptionKind::LabelRemovedBeforeMerge);
    // Not even "by" an eligible approver: a stored event can be forged, and GitLab does not confirm it.
    let excused = HistoryEvent {
        eligible: Some(true),
        actor: Some(life.user(ALICE)),
        ..removed
    };
    life.with(excused).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn approval_before_the_label_is_valid_and_noted() {
    let mut life = Life::unlabelled()
        .label_event(Some("sec/high"), true, ALICE, "10:30:00")
        .approved_by(ALICE, "10:00:00");
    life.api.labels_now.push("sec/high".into());
    assert!(life.is_approved().notes.contains(&Note::ApprovedBeforeLabel));
}

#[test]
fn a_nameless_event_declassifies_nothing() {
    let life = Life::unlabelled()
        .label_event(None, true, AUTHOR, "09:00:00")
        .label_event(None, false, ALICE, "10:00:00");
    let removed = HistoryEvent {
        labels_removed: vec!["sec/high".into()],
        eligible: Some(true),
        ..life.event(model::EventAction::Update, ALICE, "10:00:00")
    };
    life.with(removed).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn renamed_and_recreated_label_still_counts() {
    let mut life = Life::unlabelled().label_event(Some("security::high"), true, AUTHOR, "12:00:05");
    life.api.labels_now.push("security::high".into());
    let seen = HistoryEvent {
        labels: vec!["security::high".into()],
        ..life.event(model::EventAction::Update, AUTHOR, "11:00:00")
    };
    life.with(seen).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}

#[test]
fn vanished_label_is_not_declassified_with_another() {
    let life = Life::unlabelled().label_event(Some("sec/low"), false, ALICE, "11:00:00");
    let seen = HistoryEvent {
        labels: vec!["security::high".into()],
        ..life.event(model::EventAction::Update, AUTHOR, "10:00:00")
    };
    life.with(seen).is_exception(ExceptionKind::LabelRemovedBeforeMerge);
}
