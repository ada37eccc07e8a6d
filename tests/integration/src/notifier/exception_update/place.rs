//! Alerts that cannot be corrected in place: the reply goes where it is read.

use doubles::Stub;
use model::ExceptionKind;
use serde_json::json;

use super::{alerted, approved, decide, decide_for, exceptional, first_line, replies};
use crate::outbox::{HISTORY, POST, UPDATE};

#[tokio::test]
async fn unchangeable_alert_gets_a_reply_in_the_channel() {
    for case in ["deleted", "edit window closed", "another app"] {
        let (stand, notifier, _) = alerted().await;
        let sent = stand.slack.messages().remove(0);
        match case {
            "deleted" => stand.slack.delete(&sent),
            "another app" => stand.slack.give_away(&sent),
            _ => stand.slack.world(|slack| slack.edit_window_closed = true),
        }
        let update = decide(&stand, approved()).await;
        let row = stand.attempt(&notifier, &update).await;

        let [reply] = &replies(&stand, &update)[..] else {
            panic!("one reply expected: {case}")
        };
        assert_eq!(
            (row.state.as_str(), row.external_id),
            ("done", Some(reply.ts.to_string())),
            "{case}"
        );
        assert_eq!((reply.channel.as_str(), reply.thread), ("C0SECLEAD", None), "{case}");
        let shown = json!(reply.blocks).to_string();
        assert!(
            shown.contains("The alert of this exception was deleted, or it cannot be edited"),
            "{shown}"
        );
        assert_eq!((stand.asked(POST), stand.asked(UPDATE)), (2, 1), "{case}");
        stand.audited([notifier]);
    }
}

#[tokio::test]
async fn a_thread_without_replies_is_left_out() {
    let (stand, notifier, _) = alerted().await;
    let update = decide(&stand, approved()).await;
    let refused = json!({"ok": false, "error": "cannot_reply_to_message"});
    stand
        .slack
        .stub(Stub::answering("POST", POST, 200, refused).times(1))
        .unwrap();
    assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
    let messages = replies(&stand, &update);
    assert_eq!((messages.len(), messages[0].thread), (1, None));
    assert_eq!(first_line(&stand), "Withdrawn: Merged without security approval");
    stand.audited([notifier]);
}

#[tokio::test]
async fn alert_in_an_earlier_channel_is_corrected_there() {
    for refused in [false, true] {
        let (stand, notifier, _) = alerted().await;
        let update = decide_for(&stand, exceptional(ExceptionKind::SelfApproved), "slack:C0NEWLEAD").await;
        if refused {
            let refusal = json!({"ok": false, "error": "channel_not_found"});
            stand.slack.stub(Stub::answering("POST", UPDATE, 200, refusal)).unwrap();
        }
        assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
        assert_eq!(first_line(&stand).starts_with("Corrected: "), !refused);
        let reply = &replies(&stand, &update)[0];
        assert_eq!((reply.channel.as_str(), reply.thread), ("C0NEWLEAD", None));
        assert!(json!(reply.blocks).to_string().contains("is in another channel"));
        stand.audited([notifier]);
    }
}

#[tokio::test]
async fn a_rejected_correction_is_dead_and_says_why() {
    for (path, code, replied) in [(UPDATE, "is_inactive", 0), (POST, "channel_not_found", 0)] {
        let (stand, notifier, _) = alerted().await;
        let update = decide(&stand, approved()).await;
        let refusal = json!({"ok": false, "error": code});
        stand.slack.stub(Stub::answering("POST", path, 200, refusal)).unwrap();
        let row = stand.attempt(&notifier, &update).await;
        assert_eq!(row.state, "dead", "{code}");
        assert_eq!(row.reason, Some(format!("Slack answered {code}")));
        assert_eq!(replies(&stand, &update).len(), replied);
        assert_eq!(notifier.lines(1, |line| line["effects_dead"] == 1).len(), 1);
        assert_eq!(stand.asked(HISTORY), 0);
        stand.audited([notifier]);
    }
}
