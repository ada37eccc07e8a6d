//! What a reply says: what changed, why, and what to do.

use super::*;

#[test]
fn a_withdrawal_names_who_approved() {
    let message = reply(
        &exceptional(ExceptionKind::Unverified),
        &approved_by(1, Proof::Api),
        |_| {},
    );
    insta::assert_snapshot!(reply_text(&message), @"
    *Withdrawn: this merge is no longer an exception*
    <https://gitlab.example.com/pay/ledger/-/merge_requests/7|Rotate the signing keys> (pay/ledger !7)

    *What changed*
    The exception was recorded as `unverified`: A valid security approval at the time of the merge could not be proven.
    It is now withdrawn.

    *Why*
    Approved after all: GitLab now confirms an approval by reviewer-1 (id 501) at 2026-03-01T11:00:00Z. GitLab's answer was incomplete when the earlier decision was made. It is complete now.

    *What to do*
    No action is needed. A review that was started because of the alert can end.

    Exception 01955000-0000-7000-8000-000000000001 · decision 0195a000-0000-7000-8000-000000000d02 · decided <!date^1772368260^{date_short_pretty} {time}|2026-03-01T12:31:00Z>
    ");
    insta::assert_snapshot!(message.text, @"Withdrawn: this merge is no longer an exception. Rotate the signing keys (pay/ledger !7). The exception was recorded as `unverified`: A valid security approval at the time of the merge could not be proven. It is now withdrawn. Approved after all: GitLab now confirms an approval by reviewer-1 (id 501) at 2026-03-01T11:00:00Z. GitLab's answer was incomplete when the earlier decision was made. It is complete now.");
}

#[test]
fn another_kind_names_both_kinds() {
    let message = reply(
        &exceptional(ExceptionKind::NoApproval),
        &exceptional(ExceptionKind::SelfApproved),
        |_| {},
    );
    insta::assert_snapshot!(reply_text(&message), @"
    *Corrected: the reason for this exception has changed*
    <https://gitlab.example.com/pay/ledger/-/merge_requests/7|Rotate the signing keys> (pay/ledger !7)

    *What changed*
    The exception was recorded as `no_approval`: No approval was given.
    It is now recorded as `self_approved`: The only approval came from the author.
    Its status remains open.

    *Why*
    GitLab's answer was incomplete when the earlier decision was made. It is complete now.
    • ada approved at 2026-03-01T11:58:00Z

    *What to do*
    Please review this merge soon and record your findings.

    Exception 01955000-0000-7000-8000-000000000001 · decision 0195a000-0000-7000-8000-000000000d02 · decided <!date^1772368260^{date_short_pretty} {time}|2026-03-01T12:31:00Z>
    ");
    insta::assert_snapshot!(message.text, @"Corrected: the reason for this exception has changed. Rotate the signing keys (pay/ledger !7). The exception was recorded as `no_approval`: No approval was given. It is now recorded as `self_approved`: The only approval came from the author. Its status remains open. GitLab's answer was incomplete when the earlier decision was made. It is complete now. • ada approved at 2026-03-01T11:58:00Z");
}

#[test]
fn a_reopened_exception_says_that_it_was_withdrawn() {
    let message = reply(
        &approved_by(1, Proof::Api),
        &exceptional(ExceptionKind::ApprovalRevoked),
        |change| {
            change.before.as_mut().unwrap().confirmed = true;
        },
    );
    insta::assert_snapshot!(reply_text(&message), @"
    *Open again: this merge is an exception after all*
    <https://gitlab.example.com/pay/ledger/-/merge_requests/7|Rotate the signing keys> (pay/ledger !7)

    *What changed*
    The exception was withdrawn because a valid approval was found.
    It is now open again, as `approval_revoked`: The security approval was revoked before the merge.

    *Why*
    New information arrived after the earlier decision.
    • ada approved at 2026-03-01T11:58:00Z

    *What to do*
    Please review this merge soon and record your findings.

    Exception 01955000-0000-7000-8000-000000000001 · decision 0195a000-0000-7000-8000-000000000d02 · decided <!date^1772368260^{date_short_pretty} {time}|2026-03-01T12:31:00Z>
    ");
    insta::assert_snapshot!(message.text, @"Open again: this merge is an exception after all. Rotate the signing keys (pay/ledger !7). The exception was withdrawn because a valid approval was found. It is now open again, as `approval_revoked`: The security approval was revoked before the merge. New information arrived after the earlier decision. • ada approved at 2026-03-01T11:58:00Z");
}

#[test]
fn every_reason_against_an_exception_is_one_sentence() {
    let why = |after: &Verdict| {
        let message = reply(&exceptional(ExceptionKind::Unverified), after, |_| {});
        let why = message.blocks[2]["text"]["text"].as_str().unwrap();
        why.replace("*Why*\n", "").replace(
            " GitLab's answer was incomplete when the earlier decision was made. It is complete now.",
            "",
        )
    };
    let cases = [
        approved_by(0, Proof::Api),
        approved_by(2, Proof::Both),
        approved_by(7, Proof::Api),
        verdict(VerdictOutcome::Declassified),
        verdict(VerdictOutcome::NotCarried),
    ];
    insta::assert_snapshot!(cases.iter().map(why).collect::<Vec<_>>().join("\n"), @"
    Approved after all: GitLab now confirms the required approvals.
    Approved after all: GitLab and the recorded events now confirm approvals by reviewer-1 (id 501) at 2026-03-01T11:00:00Z and reviewer-2 (id 502).
    Approved after all: GitLab now confirms approvals by reviewer-1 (id 501) at 2026-03-01T11:00:00Z, reviewer-2 (id 502), reviewer-3 (id 503) at 2026-03-01T11:00:00Z, reviewer-4 (id 504) at 2026-03-01T11:00:00Z, reviewer-5 (id 505) at 2026-03-01T11:00:00Z and 2 more.
    No approval was needed: an eligible approver removed the security label before the merge.
    No approval was needed: the merge request had no security label up to its merge.
    ");
}

#[test]
fn unknown_and_outdated_parts_are_left_out() {
    let (before, after) = (
        exceptional(ExceptionKind::NoApproval),
        exceptional(ExceptionKind::SelfApproved),
    );
    let message = reply(&before, &after, |change| {
        change.before = None;
        change.is_changed_again = true;
    });
    insta::assert_snapshot!(reply_text(&message), @"
    *Corrected: the reason for this exception has changed*
    <https://gitlab.example.com/pay/ledger/-/merge_requests/7|Rotate the signing keys> (pay/ledger !7)

    *What changed*
    It is now recorded as `self_approved`: The only approval came from the author.

    *Why*
    New information arrived after the earlier decision.
    • ada approved at 2026-03-01T11:58:00Z

    *What to do*
    No action is needed: a later decision changed the exception again, and another message reports it.

    Exception 01955000-0000-7000-8000-000000000001 · decision 0195a000-0000-7000-8000-000000000d02 · decided <!date^1772368260^{date_short_pretty} {time}|2026-03-01T12:31:00Z>
    ");
}

#[test]
fn the_same_kind_is_reported_as_other_details() {
    let same = exceptional(ExceptionKind::SelfApproved);
    insta::assert_snapshot!(reply(&same, &same, |_| {}).text, @"Corrected: the details of this exception have changed. Rotate the signing keys (pay/ledger !7). The exception is still recorded as `self_approved`: The only approval came from the author. Its status remains open. GitLab's answer was incomplete when the earlier decision was made. It is complete now. • ada approved at 2026-03-01T11:58:00Z");
}
