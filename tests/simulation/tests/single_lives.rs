//! Shrunk lives that the rules once decided wrongly.

use model::{Kind, Outcome, WitnessA};
use simulation::api::{Endpoint, Failure};
use simulation::clock::{HOUR, MINUTE, SECOND};
use simulation::gitlab::Act;
use simulation::hooks::Fate;
use simulation::setting::{Label, MergeTime, Version};
use simulation::{Life, Person};

const ALICE: Person = Person::Alice;
const AUTHOR: Person = Person::Author;
const OLD: Version = Version(17, 0);

/// The last outcome, and the whole life as text for the message.
fn outcome(life: &Life) -> (Option<Outcome>, String) {
    let built = life.build();
    let record = built.play();
    let last = record.decided.last().map(|decided| decided.verdict.outcome.clone());
    (last, simulation::story::story(&built, &record))
}

#[track_caller]
fn is_approved(life: &Life) {
    let (outcome, story) = outcome(life);
    assert!(matches!(outcome, Some(Outcome::Approved { .. })), "{story}");
}

#[track_caller]
fn is_exception(life: &Life, wanted: &[Kind]) {
    let (outcome, story) = outcome(life);
    assert!(
        matches!(outcome, Some(Outcome::Exception { kind }) if wanted.contains(&kind)),
        "{story}"
    );
}

/// The hook of an approval is built before the note that changes the row: it carries the time of the change before.
fn stale_time() -> Fate {
    Fate {
        built_ms: 100,
        note_ms: 2_000,
        delay_ms: 400,
        ..Fate::default()
    }
}

/// Without `approved_at` the approval's interval begins two seconds before the creation, so before the first version.
#[test]
fn an_approval_cannot_precede_the_first_version() {
    let life = Life::with_labels(&[Label::High])
        .on(OLD)
        .at_with(2 * HOUR, Act::Approve(ALICE), stale_time())
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_approved(&life);
}

/// The approval by the team may be valid: GitLab lists it without a time, and its event was lost.
#[test]
fn no_kind_beside_an_unknown_approval() {
    let life = Life::with_labels(&[Label::High])
        .on(OLD)
        .unheard(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Approve(AUTHOR))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[Kind::Unverified]);
}

/// The label came half a second after the merge and was renamed later; its event has no exact time.
#[test]
fn no_kind_by_an_unordered_label() {
    let life = Life::with_labels(&[])
        .on(OLD)
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 500, Act::AddLabel(AUTHOR, Label::High))
        .at(HOUR + 800, Act::RenameLabel(Label::High))
        .failing(Endpoint::MergeRequest, 0, MINUTE, Failure::Unavailable);
    is_exception(&life, &[Kind::Unverified]);
}

/// One `sec/critical` is on since the creation; the other one is put on after the merge.
#[test]
fn a_second_label_of_one_title_stays() {
    let life = Life::with_labels(&[Label::CriticalOfGroup])
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + SECOND, Act::AddLabel(AUTHOR, Label::CriticalOfProject))
        .failing(Endpoint::MergeRequest, 0, MINUTE, Failure::Unavailable);
    is_exception(&life, &[Kind::NoApproval]);
}

/// Two labels of one title were on since the creation: one is taken off by the team, the other one is renamed.
#[test]
fn the_other_label_of_one_title_was_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfProject))
        .at(2 * HOUR, Act::RenameLabel(Label::CriticalOfGroup))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[Kind::LabelRemovedBeforeMerge]);
}

/// GitLab's replica does not show the merge yet, and its label events already name a label that came after it.
#[test]
fn a_label_after_the_merge_is_not_earlier() {
    let life = Life::with_labels(&[])
        .at(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::AddLabel(AUTHOR, Label::High))
        .lagging(Endpoint::MergeRequest, 0, 40 * SECOND, 45 * SECOND);
    let (outcome, story) = outcome(&life);
    assert_eq!(outcome, Some(Outcome::NotCarried), "{story}");
}

/// In the minute after the merge a replica behind still lists the approval that was withdrawn without a hook.
#[test]
fn an_approval_listed_only_at_first_is_unverified() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR - 10 * SECOND, Act::RequestChanges(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .lagging(Endpoint::Approvals, 0, 20 * SECOND, 30 * SECOND)
        .failing(Endpoint::Versions, 0, 20 * SECOND, Failure::Unavailable);
    is_exception(&life, &[Kind::Unverified]);
}

/// A user whose approval GitLab listed long after the merge is deleted, and the approval with the user.
#[test]
fn an_approval_listed_later_than_a_minute_counts() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .unheard(2 * HOUR + 3 * MINUTE, Act::Withdraw(ALICE))
        .failing(Endpoint::Versions, 0, 4 * MINUTE, Failure::Unavailable);
    is_approved(&life);
}

/// The hook of an approval from just before the merge is built seconds after it and carries the time of the merge.
#[test]
fn a_hook_built_after_the_merge_accuses_nobody() {
    let built_late = Fate {
        built_ms: 4_000,
        note_ms: 3_000,
        delay_ms: 1,
        ..Fate::default()
    };
    let late = Fate {
        delay_ms: 6_000,
        ..Fate::default()
    };
    let life = Life::with_labels(&[Label::High])
        .on(OLD)
        .at_with(HOUR, Act::Approve(ALICE), built_late)
        .at_with(HOUR + 5, Act::Merge(AUTHOR), late);
    is_exception(&life, &[Kind::Unverified]);
}

/// Approved as an outsider, joined the team, approved again: the event of the second approval was lost, and the list has no times.
#[test]
fn an_untimed_approval_may_be_a_later_one() {
    let life = Life::with_labels(&[Label::High])
        .on(OLD)
        .at(0, Act::Leave(ALICE))
        .at(SECOND, Act::Approve(ALICE))
        .at(2 * SECOND, Act::ResetSilently)
        .at(3 * SECOND, Act::Join(ALICE))
        .unheard(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[Kind::Unverified]);
}

/// `security::low` was replaced by `security::high`, which the project deleted: the label went on until then.
#[test]
fn a_replacement_deleted_later_is_no_removal() {
    let life = Life::with_labels(&[Label::Low])
        .unheard(HOUR, Act::AddLabel(ALICE, Label::High))
        .at(2 * HOUR, Act::DeleteLabel(Label::High))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &Kind::ALL);
}

/// One `sec/critical` is deleted after the merge, when the other one has just been put on: which was on at the merge is unknown.
#[test]
fn a_label_deleted_after_the_merge_was_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfProject])
        .unheard(HOUR, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::AddLabel(AUTHOR, Label::CriticalOfGroup))
        .at(HOUR + 6 * SECOND, Act::DeleteLabel(Label::CriticalOfProject));
    is_exception(&life, &[Kind::NoApproval, Kind::Unverified]);
}

/// Two labels of one title from the creation: one is deleted, the other one is taken off by the team.
#[test]
fn a_deleted_label_of_the_same_title_was_not_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::DeleteLabel(Label::CriticalOfProject))
        .at(2 * HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfGroup))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[Kind::LabelRemovedBeforeMerge]);
}

/// Both labels of one title are taken off by the team, one after the other.
#[test]
fn both_labels_of_one_title_were_removed() {
    let life = Life::with_labels(&[Label::CriticalOfGroup, Label::CriticalOfProject])
        .at(HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfGroup))
        .at(2 * HOUR, Act::RemoveLabel(ALICE, Label::CriticalOfProject))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    let (outcome, story) = outcome(&life);
    assert_eq!(outcome, Some(Outcome::Declassified), "{story}");
}

/// GitLab first shows the merge without its time, and the label by its name; later with its time, when the label has another name.
#[test]
fn a_label_renamed_before_the_time_is_shown_counts() {
    let stale = Fate {
        stale: true,
        ..stale_time()
    };
    let mut life = Life::with_labels(&[])
        .unheard(HOUR, Act::AddLabel(AUTHOR, Label::Low))
        .at_with(2 * HOUR, Act::Merge(AUTHOR), stale)
        .at(2 * HOUR + 5 * SECOND, Act::RenameLabel(Label::Low));
    life.setting.merge_time = MergeTime::HiddenFor(MINUTE);
    is_exception(&life, &[Kind::NoApproval]);
}

/// The label was taken off by the team; another one came about the time of the merge, and GitLab does not show its order.
#[test]
fn an_unordered_label_names_no_kind() {
    let life = Life::with_labels(&[Label::High])
        .on(Version(18, 6))
        .at(HOUR, Act::RemoveLabel(ALICE, Label::High))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .at(2 * HOUR + SECOND, Act::AddLabel(AUTHOR, Label::Low));
    is_exception(&life, &[Kind::Unverified]);
}

/// A second label of one title, put on after the merge, does not take the first one away.
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
    is_exception(&life, &[Kind::SelfApproved]);
}

/// The approved patch was pushed back just before the merge, and the versions come from a replica that does not have it yet.
#[test]
fn the_merged_head_is_waited_for_before_accusing() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Push(AUTHOR, 1))
        .at(3 * HOUR - 10, Act::Push(AUTHOR, 0))
        .at(3 * HOUR, Act::Merge(AUTHOR))
        .lagging(Endpoint::Versions, 0, 20 * SECOND, 10 * SECOND);
    is_approved(&life);
}

/// After the merge the approver leaves and takes a label off: what was read of the membership then concerns no earlier approval.
#[test]
fn membership_read_after_the_merge_changes_nothing() {
    let life = Life::with_labels(&[Label::Low])
        .at(HOUR, Act::Approve(ALICE))
        .at(HOUR + 4 * SECOND, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::Leave(ALICE))
        .at(HOUR + 2 * MINUTE, Act::RemoveLabel(ALICE, Label::Low));
    is_approved(&life);
}

/// Reset and given again; the replica behind still lists the first approval, and the event of the second one has come.
#[test]
fn an_older_approval_listed_is_disputed() {
    let mut life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Push(AUTHOR, 1))
        .at(2 * HOUR + 20 * SECOND, Act::Approve(ALICE))
        .at(2 * HOUR + 25 * SECOND, Act::Merge(AUTHOR))
        .lagging(Endpoint::Approvals, -MINUTE, MINUTE, 30 * SECOND);
    life.setting.resets_on_push = true;
    let first = life
        .build()
        .play()
        .decided
        .first()
        .map(|decided| decided.verdict.outcome.clone());
    assert_ne!(
        first,
        Some(Outcome::Exception {
            kind: Kind::ApprovedOtherCommit
        })
    );
}

/// Taken back before the merge and given again after it: the second act changes nothing.
#[test]
fn given_again_after_the_merge_changes_nothing() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Withdraw(ALICE))
        .at(3 * HOUR, Act::Merge(AUTHOR))
        .at(4 * HOUR, Act::Approve(ALICE));
    is_exception(&life, &[Kind::ApprovalRevoked]);
}

/// An hour after the merge a colleague approves; the hook carries the time of the merge.
#[test]
fn a_late_approval_with_a_stale_time_changes_nothing() {
    let life = Life::with_labels(&[Label::High])
        .on(Version(18, 6))
        .at(HOUR, Act::Merge(AUTHOR))
        .at_with(2 * HOUR, Act::Approve(ALICE), stale_time());
    is_exception(&life, &[Kind::NoApproval]);
}

/// The versions come from a replica behind: the merged head is not among them.
#[test]
fn versions_without_the_merged_head_prove_nothing() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Push(AUTHOR, 1))
        .at(2 * HOUR + SECOND, Act::Merge(AUTHOR))
        .lagging(Endpoint::Versions, 0, 20 * SECOND, 10 * SECOND);
    let built = life.build();
    let first = built.play().decided[0].clone();
    assert!(matches!(first.facts.api, WitnessA::Answer(_)));
    assert!(
        !matches!(first.verdict.outcome, Outcome::Approved { .. }),
        "{:?}",
        first.verdict
    );
}
