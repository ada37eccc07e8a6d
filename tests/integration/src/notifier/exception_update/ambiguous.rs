//! Corrections with a lost answer: the alert is corrected again; the reply is searched for and never posted twice.

use doubles::{Fault, Stub};
use serde_json::json;

use super::{alerted, approved, decide, first_line, replies};
use crate::outbox::{HISTORY, POST, UPDATE, message};

#[tokio::test]
async fn lost_reply_answer_is_looked_up() {
    for (fault, posts) in [(Fault::PostThenReset, 1), (Fault::Half, 1), (Fault::Reset, 2)] {
        for is_deleted in [false, true] {
            let (stand, notifier, _) = alerted().await;
            let update = decide(&stand, approved()).await;
            if is_deleted {
                stand.slack.delete(&stand.slack.messages()[0]);
            }
            let before = stand.asked(POST);
            stand.slack.stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
            let row = stand.attempt(&notifier, &update).await;
            assert_eq!((row.state.as_str(), row.external_id), ("ambiguous", None), "{fault:?}");

            stand.make_due(update.id).await;
            let row = stand.attempt(&notifier, &update).await;
            let [reply] = &replies(&stand, &update)[..] else {
                panic!("one reply expected: {fault:?} {is_deleted}")
            };
            assert_eq!(
                (row.state.as_str(), row.external_id),
                ("done", Some(reply.ts.to_string()))
            );
            assert_eq!(reply.thread.is_none(), is_deleted);
            assert_eq!(
                (stand.asked(POST) - before, stand.asked(HISTORY)),
                (posts, 1),
                "{fault:?}"
            );
            assert_eq!(
                stand.attempts(update.id).await,
                ["1 begun", "1 ended: ambiguous", "2 begun", "2 ended: done"]
            );
            stand.audited([notifier]);
        }
    }
}

#[tokio::test]
async fn lost_update_is_repeated_before_the_one_reply() {
    let (stand, notifier, _) = alerted().await;
    let update = decide(&stand, approved()).await;
    stand
        .slack
        .stub(Stub::failing("POST", UPDATE, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(stand.attempt(&notifier, &update).await.state, "ambiguous");
    assert_eq!(replies(&stand, &update), []);
    stand.make_due(update.id).await;
    assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
    assert_eq!(first_line(&stand), "Withdrawn: Merged without security approval");
    assert_eq!(replies(&stand, &update).len(), 1);
    assert_eq!((stand.asked(UPDATE), stand.asked(HISTORY)), (2, 1));
    stand.audited([notifier]);
}

#[tokio::test]
async fn found_reply_is_kept_while_updates_fail() {
    let (stand, notifier, _) = alerted().await;
    let update = decide(&stand, approved()).await;
    stand
        .slack
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(stand.attempt(&notifier, &update).await.state, "ambiguous");
    let limited = json!({"ok": false, "error": "ratelimited"});
    stand
        .slack
        .stub(Stub::answering("POST", UPDATE, 429, limited).times(2))
        .unwrap();
    for _ in 0..2 {
        stand.make_due(update.id).await;
        assert_eq!(
            stand.attempt(&notifier, &update).await.state,
            "ambiguous",
            "it reads the channel again"
        );
    }
    stand.make_due(update.id).await;
    assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
    assert_eq!(replies(&stand, &update).len(), 1);
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (2, 3));
    stand.audited([notifier]);
}

#[tokio::test]
async fn waiting_for_an_alert_forgets_no_reply() {
    let (stand, notifier, alert) = alerted().await;
    let update = decide(&stand, approved()).await;
    let lost = Stub::failing("POST", POST, Fault::PostThenReset).times(1);
    stand.slack.stub(lost).unwrap();
    assert_eq!(stand.attempt(&notifier, &update).await.state, "ambiguous");
    for (change, state) in [
        (
            "state = 'leased', lease_until = now() + interval '1 minute'",
            "ambiguous",
        ),
        ("state = 'done', lease_until = NULL", "done"),
    ] {
        let sql = format!("UPDATE effects SET {change} WHERE id = '{}'", alert.id);
        stand.owner.batch_execute(&sql).await.unwrap();
        stand.make_due(update.id).await;
        assert_eq!(stand.attempt(&notifier, &update).await.state, state);
    }
    assert_eq!(replies(&stand, &update).len(), 1);
    stand.audited([notifier]);
}

#[tokio::test]
async fn nothing_is_repeated_while_the_channel_is_unreadable() {
    let (stand, notifier, _) = alerted().await;
    let update = decide(&stand, approved()).await;
    stand
        .slack
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    stand.attempt(&notifier, &update).await;
    for (attempt, code) in (2..).zip(["missing_scope", "internal_error"]) {
        stand.slack.clear_stubs();
        let refused = json!({"ok": false, "error": code});
        stand.slack.stub(Stub::answering("GET", HISTORY, 200, refused)).unwrap();
        stand.make_due(update.id).await;
        let row = stand.attempt(&notifier, &update).await;
        assert_eq!((row.state.as_str(), row.attempts), ("ambiguous", attempt), "{code}");
    }
    assert_eq!((stand.asked(POST), stand.asked(UPDATE)), (2, 1));
    stand.slack.clear_stubs();
    stand.make_due(update.id).await;
    assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
    assert_eq!(replies(&stand, &update).len(), 1);
    stand.audited([notifier]);
}

#[tokio::test]
async fn a_killed_process_leaves_one_reply() {
    for (path, fault) in [
        (POST, Fault::PostThenHang),
        (POST, Fault::Hang),
        (UPDATE, Fault::PostThenHang),
    ] {
        let (stand, notifier, _) = alerted().await;
        let update = decide(&stand, approved()).await;
        stand.slack.stub(Stub::failing("POST", path, fault).times(1)).unwrap();
        let mut killed = stand.notifier().await;
        let (asked, before) = (path.to_owned(), stand.asked(path));
        let reached = stand.slack.wait_for(std::time::Duration::from_secs(20), move |seen| {
            seen.iter().filter(|request| request.path == asked).count() > before
        });
        stand.kill_when(&mut killed, message(&update, 0), reached).await;
        assert_eq!(stand.row(update.id).await.state, "leased", "{path} {fault:?}");

        stand.make_due(update.id).await;
        assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
        assert_eq!(replies(&stand, &update).len(), 1, "{path} {fault:?}");
        assert_eq!(first_line(&stand), "Withdrawn: Merged without security approval");
        assert_eq!(stand.attempts(update.id).await, ["1 begun", "2 begun", "2 ended: done"]);
    }
}
