//! Labels: two of one title, deleted, renamed, around the time of the merge.

use model::{ExceptionKind, VerdictOutcome};
use simulation::Life;
use simulation::api::{Endpoint, Failure};
use simulation::clock::{HOUR, MINUTE, SECOND};
use simulation::gitlab::{Act, Fate};
use simulation::setting::{Label, MergeTime, Version};

use super::{ALICE, AUTHOR, OLD, is_exception, outcome, stale_time};

/// The label was added half a second after the merge and renamed later; its event has no exact time.
#[test]
fn no_kind_by_an_unordered_label() {
    let life = Life::with_labels(&[])
        .on(OLD)
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 500, Act::AddLabel(AUTHOR, Label::High))
        .at(HOUR + 800, Act::RenameLabel(Label::High))
        .failing(Endpoint::MergeRequest, 0, MINUTE, Failure::Unavailable);
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// One `sec/critical` is on since the creation; the other one is added after the merge.
#[test]
fn a_second_label_of_one_title_stays() {
    let life = Life::with_labels(&[Label::CriticalOfGroup])
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + SECOND, Act::AddLabel(AUTHOR, Label::CriticalOfProject))
        .failing(Endpoint::MergeRequest, 0, MINUTE, Failure::Unavailable);
    is_exception(&life, &[ExceptionKind::NoApproval]);
}

/// Two labels of one title were on since the creation: the team removes one, the other one is renamed.
#[test]
fn other_label_of_one_title_was_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfProject))
        .at(2 * HOUR, Act::RenameLabel(Label::CriticalOfGroup))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[ExceptionKind::LabelRemovedBeforeMerge]);
}

/// GitLab's replica does not show the merge yet, but its label events already contain a label added after it.
#[test]
fn a_label_after_the_merge_is_not_earlier() {
    let life = Life::with_labels(&[])
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::AddLabel(AUTHOR, Label::High))
        .lagging(Endpoint::MergeRequest, 0, 40 * SECOND, 45 * SECOND);
    let (outcome, story) = outcome(&life);
    assert_eq!(outcome, Some(VerdictOutcome::NotCarried), "{story}");
}

/// `security::high` replaced `security::low` and was then deleted by the project: the label was on until then.
#[test]
fn replacement_deleted_later_does_not_remove_label() {
    let life = Life::with_labels(&[Label::Low])
        .without_hook(HOUR, Act::AddLabel(ALICE, Label::High))
        .at(2 * HOUR, Act::DeleteLabel(Label::High))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &ExceptionKind::ALL);
}

/// One `sec/critical` is deleted after the merge, just after the other one was added: which was on at the merge is unknown.
#[test]
fn label_deleted_after_the_merge_is_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfProject])
        .without_hook(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::AddLabel(AUTHOR, Label::CriticalOfGroup))
        .at(HOUR + 6 * SECOND, Act::DeleteLabel(Label::CriticalOfProject));
    is_exception(&life, &[ExceptionKind::NoApproval, ExceptionKind::Unverified]);
}

/// Two labels of one title from the creation: one is deleted, the team removes the other one.
#[test]
fn deleted_label_of_one_title_was_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::DeleteLabel(Label::CriticalOfProject))
        .at(2 * HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfGroup))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[ExceptionKind::LabelRemovedBeforeMerge]);
}

/// The team removes both labels of one title, one after the other.
#[test]
fn both_labels_of_one_title_were_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfGroup))
        .at(2 * HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfProject))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    let (outcome, story) = outcome(&life);
    assert_eq!(outcome, Some(VerdictOutcome::Declassified), "{story}");
}

/// GitLab first shows the merge without its time and the label by its name; later the time, when the label has another name.
#[test]
fn label_renamed_before_the_shown_time_counts() {
    let stale = Fate {
        stale: true,
        ..stale_time()
    };
    let mut life = Life::with_labels(&[])
        .without_hook(HOUR, Act::AddLabel(AUTHOR, Label::Low))
        .at_with(2 * HOUR, Act::Merge(AUTHOR), stale)
        .at(2 * HOUR + 5 * SECOND, Act::RenameLabel(Label::Low));
    life.setting.merge_time = MergeTime::HiddenFor(MINUTE);
    is_exception(&life, &[ExceptionKind::NoApproval]);
}

/// The team removed the label; another one was added around the time of the merge, and GitLab does not show the order.
#[test]
fn an_unordered_label_names_no_kind() {
    let life = Life::with_labels(&[Label::High])
        .on(Version(18, 6))
        .at(HOUR, Act::RemoveLabel(ALICE, Label::High))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .at(2 * HOUR + SECOND, Act::AddLabel(AUTHOR, Label::Low));
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// Removed and added again; deleted after the merge, whose own list is cut: whether it was on at the merge is unknown.
#[test]
fn a_label_put_on_again_was_not_removed() {
    let cut = Fate {
        cut: true,
        ..stale_time()
    };
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::RemoveLabel(AUTHOR, Label::High))
        .without_hook(2 * HOUR, Act::AddLabel(AUTHOR, Label::High))
        .at(2 * HOUR + MINUTE, Act::Edit(AUTHOR))
        .at_with(3 * HOUR, Act::Merge(AUTHOR), cut)
        .at(3 * HOUR + 1, Act::DeleteLabel(Label::High));
    is_exception(&life, &[ExceptionKind::NoApproval, ExceptionKind::Unverified]);
}

/// A stuck replica hides the merge, and the rest is down until the deadline; label events named a label before that.
#[test]
fn label_events_of_a_hidden_merge_are_kept() {
    let mut life = Life::with_labels(&[])
        .without_hook(HOUR, Act::AddLabel(AUTHOR, Label::High))
        .without_hook(HOUR + MINUTE, Act::RemoveLabel(AUTHOR, Label::High))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .lagging(Endpoint::MergeRequest, -HOUR, HOUR, 2 * HOUR);
    life.faults.push(simulation::api::Fault {
        endpoint: None,
        from: 10 * SECOND,
        to: 20 * MINUTE,
        failure: Failure::Unavailable,
    });
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// A second label of one title, added after the merge, does not remove the first one.
#[test]
fn a_later_label_of_one_title_hides_nothing() {
    let cut = Fate {
        cut: true,
        ..stale_time()
    };
    let mut life = Life::with_labels(&[Label::CriticalOfProject])
        .at_with(HOUR, Act::Approve(AUTHOR), cut.clone())
        .at_with(2 * HOUR, Act::Merge(AUTHOR), cut.clone())
        .at(3 * HOUR, Act::AddLabel(AUTHOR, Label::CriticalOfGroup));
    life.opening = cut;
    is_exception(&life, &[ExceptionKind::SelfApproved]);
}
