//! Approvals: without a time, withdrawn, in lagging answers, around the time of the merge.

use model::{ExceptionKind, GitLabAnswer, VerdictOutcome};
use simulation::Life;
use simulation::api::{Endpoint, Failure};
use simulation::clock::{HOUR, MINUTE, SECOND};
use simulation::gitlab::{Act, Fate};
use simulation::setting::{Label, Version};

use super::{ALICE, AUTHOR, BOB, OLD, is_approved, is_exception, stale_time};

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
        .without_hook(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Approve(AUTHOR))
        .at(3 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// In the minute after the merge a lagging replica still lists the approval that was withdrawn without a hook.
#[test]
fn an_approval_listed_only_at_first_is_unverified() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR - 10 * SECOND, Act::RequestChanges(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .lagging(Endpoint::Approvals, 0, 20 * SECOND, 30 * SECOND)
        .failing(Endpoint::Versions, 0, 20 * SECOND, Failure::Unavailable);
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// A user whose approval GitLab listed long after the merge is deleted, and the approval with the user.
#[test]
fn an_approval_listed_later_than_a_minute_counts() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .without_hook(2 * HOUR + 3 * MINUTE, Act::Withdraw(ALICE))
        .failing(Endpoint::Versions, 0, 4 * MINUTE, Failure::Unavailable);
    is_approved(&life);
}

/// The hook of an approval from just before the merge is built seconds after it and carries the time of the merge.
#[test]
fn hook_built_after_merge_adds_no_exception() {
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
    is_exception(&life, &[ExceptionKind::Unverified]);
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
        .without_hook(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Merge(AUTHOR));
    is_exception(&life, &[ExceptionKind::Unverified]);
}

/// The approved patch was pushed back just before the merge, and a lagging replica does not have it yet.
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

/// The code was pushed back to a former head before the approval; a lagging replica shows only that former version.
#[test]
fn former_version_is_not_the_merged_head() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Push(AUTHOR, 1))
        .at(2 * HOUR, Act::PushBack(AUTHOR))
        .at(2 * HOUR + SECOND, Act::Approve(ALICE))
        .at(2 * HOUR + 2 * SECOND, Act::Merge(AUTHOR))
        .lagging(Endpoint::Versions, 0, 20 * SECOND, 10 * SECOND);
    is_approved(&life);
}

/// A first revocation causes a re-read; a second one, received later, needs a later re-read.
#[test]
fn each_revocation_has_its_own_second_reading() {
    let late = Fate {
        delay_ms: 3 * SECOND,
        ..Fate::default()
    };
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(BOB))
        .at(HOUR + SECOND, Act::Approve(ALICE))
        .at(2 * HOUR - 8 * SECOND, Act::Withdraw(BOB))
        .at_with(2 * HOUR - 2 * SECOND, Act::Withdraw(ALICE), late)
        .at(2 * HOUR, Act::Merge(AUTHOR))
        .lagging(Endpoint::Approvals, -MINUTE, 30 * SECOND, 10 * SECOND);
    is_exception(&life, &[ExceptionKind::ApprovalRevoked]);
}

/// After the merge the approver leaves and removes a label: the membership read then does not affect earlier approvals.
#[test]
fn membership_read_after_the_merge_changes_nothing() {
    let life = Life::with_labels(&[Label::Low])
        .at(HOUR, Act::Approve(ALICE))
        .at(HOUR + 4 * SECOND, Act::Merge(AUTHOR))
        .at(HOUR + 5 * SECOND, Act::Leave(ALICE))
        .at(HOUR + 2 * MINUTE, Act::RemoveLabel(ALICE, Label::Low));
    is_approved(&life);
}

/// Reset and given again; the lagging replica still lists the first approval, and the event of the second one has arrived.
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
        Some(VerdictOutcome::Exception {
            kind: ExceptionKind::ApprovedOtherCommit
        })
    );
}

/// Withdrawn before the merge and given again after it: the second act changes nothing.
#[test]
fn given_again_after_the_merge_changes_nothing() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Withdraw(ALICE))
        .at(3 * HOUR, Act::Merge(AUTHOR))
        .at(4 * HOUR, Act::Approve(ALICE));
    is_exception(&life, &[ExceptionKind::ApprovalRevoked]);
}

/// A colleague approves an hour after the merge; the hook carries the time of the merge.
#[test]
fn late_approval_with_a_stale_time_is_ignored() {
    let life = Life::with_labels(&[Label::High])
        .on(Version(18, 6))
        .at(HOUR, Act::Merge(AUTHOR))
        .at_with(2 * HOUR, Act::Approve(ALICE), stale_time());
    is_exception(&life, &[ExceptionKind::NoApproval]);
}

/// The versions come from a lagging replica and lack the merged head.
#[test]
fn versions_without_the_merged_head_prove_nothing() {
    let life = Life::with_labels(&[Label::High])
        .at(HOUR, Act::Approve(ALICE))
        .at(2 * HOUR, Act::Push(AUTHOR, 1))
        .at(2 * HOUR + SECOND, Act::Merge(AUTHOR))
        .lagging(Endpoint::Versions, 0, 20 * SECOND, 10 * SECOND);
    let built = life.build();
    let first = built.play().decided[0].clone();
    assert!(matches!(first.facts.api, GitLabAnswer::Full(_)));
    assert!(
        !matches!(first.verdict.outcome, VerdictOutcome::Approved { .. }),
        "{:?}",
        first.verdict
    );
}
