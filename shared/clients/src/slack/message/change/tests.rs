mod hostile;
mod wording;

use model::{ApprovalSeen, Note, Reason, User, UserId};

use super::super::exception::tests::{exception, texts, within_limits};
use super::*;

const CHANNEL: &str = "C0SECLEAD";
const KEY: &str = "main/42!7/slack_exception_update/slack:C0SECLEAD/0195a000-0000-7000-8000-000000000d02";

fn verdict(outcome: VerdictOutcome) -> Verdict {
    let reasons = match &outcome {
        VerdictOutcome::Exception { kind } => vec![Reason {
            kind: *kind,
            detail: "ada approved at 2026-03-01T11:58:00Z".into(),
        }],
        _ => Vec::new(),
    };
    Verdict {
        outcome,
        reasons,
        notes: Vec::<Note>::new(),
        approvals: Vec::new(),
        security_labels: vec!["sec/high".into()],
        risk_tier: "high".into(),
    }
}

fn exceptional(kind: ExceptionKind) -> Verdict {
    verdict(VerdictOutcome::Exception { kind })
}

/// Approved by this many users.
fn approved_by(people: i64, proof: Proof) -> Verdict {
    let approval = |number: i64| ApprovalSeen {
        user: User {
            id: UserId(500 + number),
            username: format!("reviewer-{number}"),
        },
        approved_at: (number != 2).then(|| "2026-03-01T11:00:00.5Z".parse().unwrap()),
        in_api: true,
        in_history: false,
        against: Vec::new(),
    };
    let mut approved = verdict(VerdictOutcome::Approved { proof });
    approved.approvals = (1..=people).map(approval).collect();
    let against = vec![ExceptionKind::BotApproved];
    approved.approvals.push(ApprovalSeen {
        against,
        ..approval(99)
    });
    approved
}

fn decision(verdict: &Verdict, number: u128) -> ReportedDecision<'_> {
    ReportedDecision {
        id: Uuid::from_u128(0x0195_a000_0000_7000_8000_0000_0000_0d00 + number),
        verdict,
        confirmed: number > 1,
        decided_at: "2026-03-01T12:31:00.25Z".parse().unwrap(),
    }
}

/// The reply to a change that `with` may modify.
fn reply(before: &Verdict, after: &Verdict, with: impl FnOnce(&mut ReportedChange<'_>)) -> SlackMessage {
    reply_about(&exception(), before, after, with)
}

fn reply_about(
    exception: &SecurityReviewException,
    before: &Verdict,
    after: &Verdict,
    with: impl FnOnce(&mut ReportedChange<'_>),
) -> SlackMessage {
    let mut change = ReportedChange {
        exception,
        decision: decision(after, 2),
        before: Some(decision(before, 1)),
        is_changed_again: false,
    };
    with(&mut change);
    exception_reply(&change, ReplyLocation::Thread, &Wording::default(), CHANNEL, KEY)
}

/// The text of the reply.
fn reply_text(message: &SlackMessage) -> String {
    within_limits(message);
    let shown = texts(message).split_off(1).join("\n\n");
    let marks = shown.matches('!').count();
    assert_eq!(
        marks,
        shown.matches("<!date").count() + 1,
        "only dates and `!7`: {shown}"
    );
    shown
}

#[test]
fn advice_follows_the_exceptions_status() {
    let (before, after) = (
        exceptional(ExceptionKind::NoApproval),
        exceptional(ExceptionKind::SelfApproved),
    );
    let advice = |status| {
        let exception = SecurityReviewException { status, ..exception() };
        let message = reply_about(&exception, &before, &after, |_| {});
        message.blocks[3]["text"]["text"].as_str().unwrap().to_owned()
    };
    let statuses = [
        ExceptionStatus::Open,
        ExceptionStatus::Acknowledged,
        ExceptionStatus::Closed,
    ];
    insta::assert_snapshot!(statuses.map(advice).join("\n"), @"
    *What to do*
    Please review this merge soon and record your findings.
    *What to do*
    Check that the review covers the new reason.
    *What to do*
    Check that the closed review covers the new reason, and record your findings.
    ");
}

#[test]
fn the_mark_follows_the_present_state() {
    let (approved, revoked) = (approved_by(1, Proof::Api), exceptional(ExceptionKind::ApprovalRevoked));
    let mark = |before: &Verdict, after: &Verdict, status, is_changed_again| {
        let exception = SecurityReviewException { status, ..exception() };
        let change = ReportedChange {
            exception: &exception,
            decision: decision(after, 2),
            before: Some(decision(before, 1)),
            is_changed_again,
        };
        change.mark()
    };
    let (open, withdrawn) = (ExceptionStatus::Open, ExceptionStatus::Withdrawn);
    assert_eq!(mark(&revoked, &approved, withdrawn, false), AlertMark::Withdrawn);
    assert_eq!(mark(&revoked, &approved, open, true), AlertMark::Corrected);
    assert_eq!(mark(&approved, &revoked, open, false), AlertMark::OpenAgain);
    assert_eq!(mark(&approved, &revoked, open, true), AlertMark::Corrected);
    assert_eq!(mark(&approved, &revoked, withdrawn, true), AlertMark::Withdrawn);
    assert_eq!(mark(&revoked, &revoked, open, false), AlertMark::Corrected);
}

#[test]
fn a_reply_outside_the_thread_says_why() {
    let (exception, after) = (exception(), approved_by(1, Proof::Api));
    let change = ReportedChange {
        exception: &exception,
        decision: decision(&after, 2),
        before: None,
        is_changed_again: false,
    };
    let remark = |place| {
        let message = exception_reply(&change, place, &Wording::default(), CHANNEL, KEY);
        within_limits(&message);
        let remarks = message.blocks.iter().filter(|block| block["type"] == "context");
        remarks
            .map(|block| block["elements"][0]["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(remark(ReplyLocation::Thread).len(), 1);
    assert!(remark(ReplyLocation::Channel)[0].contains("was deleted"));
    assert!(remark(ReplyLocation::OtherChannel)[0].contains("another channel"));
}

#[test]
fn a_reply_is_shown_in_thread_and_channel() {
    let message = reply(
        &exceptional(ExceptionKind::NoApproval),
        &approved_by(1, Proof::Api),
        |_| {},
    );
    let sent = message.in_thread("1712345678.000100").to_json();
    assert_eq!(
        (&sent["thread_ts"], &sent["reply_broadcast"]),
        (&json!("1712345678.000100"), &json!(true))
    );
    assert_eq!(sent["metadata"]["event_payload"]["key"], KEY);
}
