//! Alerts that cannot be corrected in place: the reply goes where it is read.

use doubles::Stub;
use model::ExceptionKind;
use serde_json::json;

use super::{alerted, approved, decide, decide_for, exceptional, first_line, replies};
use crate::outbox::{HISTORY, POST, UPDATE};

#[tokio::test]
async fn unchangeable_alert_gets_a_reply_in_the_channel() {
    for case in ["deleted", "edit window closed", "another app"] {
        let (env, notifier, _) = alerted().await;
        let sent = env.slack().messages().remove(0);
        match case {
            "deleted" => env.slack().delete(&sent),
            "another app" => env.slack().give_away(&sent),
            _ => env.slack().world(|slack| slack.edit_window_closed = true),
        }
        let update = decide(&env, approved()).await;
        let row = env.attempt(&notifier, &update).await;

        let [reply] = &replies(&env, &update)[..] else {
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
        assert_eq!((env.asked(POST), env.asked(UPDATE)), (2, 1), "{case}");
        env.audited([notifier]);
    }
}

#[tokio::test]
async fn a_thread_without_replies_is_left_out() {
    let (env, notifier, _) = alerted().await;
    let update = decide(&env, approved()).await;
    let refused = json!({"ok": false, "error": "cannot_reply_to_message"});
    env.slack()
        .stub(Stub::answering("POST", POST, 200, refused).times(1))
        .unwrap();
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");
    let messages = replies(&env, &update);
    assert_eq!((messages.len(), messages[0].thread), (1, None));
    assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
    env.audited([notifier]);
}

#[tokio::test]
async fn alert_in_an_earlier_channel_is_corrected_there() {
    for refused in [false, true] {
        let (env, notifier, _) = alerted().await;
        let update = decide_for(&env, exceptional(ExceptionKind::SelfApproved), "slack:C0NEWLEAD").await;
        if refused {
            let refusal = json!({"ok": false, "error": "channel_not_found"});
            env.slack().stub(Stub::answering("POST", UPDATE, 200, refusal)).unwrap();
        }
        assert_eq!(env.attempt(&notifier, &update).await.state, "done");
        assert_eq!(first_line(&env).starts_with("Corrected: "), !refused);
        let reply = &replies(&env, &update)[0];
        assert_eq!((reply.channel.as_str(), reply.thread), ("C0NEWLEAD", None));
        assert!(json!(reply.blocks).to_string().contains("is in another channel"));
        env.audited([notifier]);
    }
}

#[tokio::test]
async fn a_rejected_correction_is_dead_and_says_why() {
    for (path, code, replied) in [(UPDATE, "is_inactive", 0), (POST, "channel_not_found", 0)] {
        let (env, notifier, _) = alerted().await;
        let update = decide(&env, approved()).await;
        let refusal = json!({"ok": false, "error": code});
        env.slack().stub(Stub::answering("POST", path, 200, refusal)).unwrap();
        let row = env.attempt(&notifier, &update).await;
        assert_eq!(row.state, "dead", "{code}");
        assert_eq!(row.reason, Some(format!("Slack answered {code}")));
        assert_eq!(replies(&env, &update).len(), replied);
        assert_eq!(notifier.lines(1, |line| line["effects_dead"] == 1).len(), 1);
        assert_eq!(env.asked(HISTORY), 0);
        env.audited([notifier]);
    }
}
