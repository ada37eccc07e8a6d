//! The content of the corrected alert and its reply.

use model::ExceptionKind;
use serde_json::{Value, json};

use super::{alerted, approved, decide, exceptional, first_line, replies};
use crate::env::{ALICE, TestEnv, at};
use crate::outbox::{HISTORY, POST, UPDATE, message, unapproved};

#[tokio::test]
async fn a_late_approval_withdraws_the_alert() {
    let env = TestEnv::with_functions().await;
    // An older GitLab does not report approval times; only the delivery does, and it arrives late.
    env.gitlab().patch(json!({"old_gitlab": true})).unwrap();
    let mr = unapproved(1);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let mut report = env.deliver_merge(&mr).await;
    let alert = report.effects.remove(0);
    let notifier = env.function("notifier").await;
    assert_eq!(env.attempt(&notifier, &alert).await.state, "done");
    let mut report = env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await;
    let update = report.effects.remove(0);
    assert_eq!(update.kind.as_str(), "slack_exception_update");
    for _ in 0..3 {
        notifier.completes(message(&update, 0)).await;
    }

    assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
    let [reply] = &replies(&env, &update)[..] else {
        panic!("one reply expected")
    };
    let alert = &env.slack().messages()[0];
    assert_eq!((reply.thread, reply.broadcast), (Some(alert.ts), true));
    let shown = json!(reply.blocks).to_string();
    for part in [
        "Withdrawn: this merge is no longer an exception",
        "The exception was recorded as `unverified`: ",
        "Approved after all: GitLab and the recorded events now confirm an approval by sec-alice (id 501) at 2026-03-02T10:00:00Z.",
        "No action is needed.",
        update.decision_id.unwrap().to_string().as_str(),
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    let row = env.effect_row(update.id).await;
    assert_eq!(
        (row.state.as_str(), row.external_id),
        ("done", Some(reply.ts.to_string()))
    );
    assert_eq!(env.attempts(update.id).await, ["1 begun", "1 ended: done"]);
    assert_eq!((env.asked(POST), env.asked(UPDATE), env.asked(HISTORY)), (2, 1, 0));
    env.audited([notifier]);
}

#[tokio::test]
async fn another_kind_corrects_alert_and_reply() {
    let (env, notifier, alert) = alerted().await;
    let update = decide(&env, exceptional(ExceptionKind::SelfApproved)).await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");

    let corrected = &env.slack().messages()[0];
    assert_eq!(
        corrected.metadata,
        Some(json!({
            "event_type": "countersign_effect",
            "event_payload": {
                "key": alert.key, "exception_id": alert.exception_id.unwrap(), "project_id": 77, "mr_iid": 1,
                "kind": "self_approved",
            },
        }))
    );
    assert_alert_is_corrected(&corrected.blocks);
    let reply = &replies(&env, &update)[0];
    assert_reply_explains_the_change(&reply.blocks);
    assert!(
        reply
            .text
            .starts_with("Corrected: the reason for this exception has changed. "),
        "{}",
        reply.text
    );
    env.audited([notifier]);
}

fn assert_alert_is_corrected(blocks: &[Value]) {
    // Without the title's link and the last line with its numbers.
    insta::assert_snapshot!(format!("{:#}", json!([blocks[0], blocks[3], blocks[4]])), @r#"
    [
      {
        "text": {
          "emoji": true,
          "text": "Corrected: Merged without security approval",
          "type": "plain_text"
        },
        "type": "header"
      },
      {
        "text": {
          "text": "*Why*\nThe only approval came from the author.\n• sec-alice &lt;!here&gt; approved",
          "type": "mrkdwn",
          "verbatim": true
        },
        "type": "section"
      },
      {
        "text": {
          "text": "*What to do*\nPlease review this merge soon and record your findings.",
          "type": "mrkdwn",
          "verbatim": true
        },
        "type": "section"
      }
    ]
    "#);
}

fn assert_reply_explains_the_change(blocks: &[Value]) {
    insta::assert_snapshot!(format!("{:#}", json!(blocks[1..4])), @r#"
    [
      {
        "text": {
          "text": "*What changed*\nThe exception was recorded as `no_approval`: No approval was given.\nIt is now recorded as `self_approved`: The only approval came from the author.\nIts status remains open.",
          "type": "mrkdwn",
          "verbatim": true
        },
        "type": "section"
      },
      {
        "text": {
          "text": "*Why*\nNew information arrived after the earlier decision.\n• sec-alice &lt;!here&gt; approved",
          "type": "mrkdwn",
          "verbatim": true
        },
        "type": "section"
      },
      {
        "text": {
          "text": "*What to do*\nPlease review this merge soon and record your findings.",
          "type": "mrkdwn",
          "verbatim": true
        },
        "type": "section"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_reopened_exception_is_marked_open_again() {
    let (env, notifier, _) = alerted().await;
    let withdrawn = decide(&env, approved()).await;
    assert_eq!(env.attempt(&notifier, &withdrawn).await.state, "done");
    assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
    let reopened = decide(&env, exceptional(ExceptionKind::ApprovalRevoked)).await;
    assert_eq!(env.attempt(&notifier, &reopened).await.state, "done");

    assert_eq!(first_line(&env), "Open again: Merged without security approval");
    let reply = &replies(&env, &reopened)[0];
    let shown = json!(reply.blocks).to_string();
    for part in [
        "Open again: this merge is an exception after all",
        "The exception was withdrawn because a valid approval was found.",
        "It is now open again, as `approval_revoked`: The security approval was revoked before the merge.",
        "sec-alice &lt;!here&gt; approved",
        "Please review this merge soon and record your findings.",
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    assert_eq!(env.slack().messages().len(), 3);
    env.audited([notifier]);
}

#[tokio::test]
async fn an_outdated_change_refers_to_the_next() {
    let (env, notifier, _) = alerted().await;
    let first = decide(&env, exceptional(ExceptionKind::SelfApproved)).await;
    let second = decide(&env, approved()).await;
    assert_eq!(env.attempt(&notifier, &first).await.state, "done");

    assert_eq!(
        first_line(&env),
        "Withdrawn: Merged without security approval",
        "as it is now"
    );
    let shown = json!(replies(&env, &first)[0].blocks).to_string();
    assert!(
        shown.contains("a later decision changed the exception again"),
        "{shown}"
    );
    assert_eq!(env.attempt(&notifier, &second).await.state, "done");
    let shown = json!(replies(&env, &second)[0].blocks).to_string();
    assert!(shown.contains("No action is needed."), "{shown}");
    env.audited([notifier]);
}
