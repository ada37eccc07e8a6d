//! Corrections with a lost answer: the alert is corrected again; the reply is searched for and never posted twice.

use doubles::{Fault, Stub};
use serde_json::json;

use super::{alerted, approved, decide, first_line, replies};
use crate::outbox::{HISTORY, POST, UPDATE, message};

#[tokio::test]
async fn lost_reply_answer_is_looked_up() {
    for (fault, posts) in [(Fault::PostThenReset, 1), (Fault::Half, 1), (Fault::Reset, 2)] {
        for is_deleted in [false, true] {
            let (env, notifier, _) = alerted().await;
            let update = decide(&env, approved()).await;
            if is_deleted {
                env.slack().delete(&env.slack().messages()[0]);
            }
            let before = env.asked(POST);
            env.slack().stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
            let row = env.attempt(&notifier, &update).await;
            assert_eq!((row.state.as_str(), row.external_id), ("ambiguous", None), "{fault:?}");

            env.make_due(update.id).await;
            let row = env.attempt(&notifier, &update).await;
            let [reply] = &replies(&env, &update)[..] else {
                panic!("one reply expected: {fault:?} {is_deleted}")
            };
            assert_eq!(
                (row.state.as_str(), row.external_id),
                ("done", Some(reply.ts.to_string()))
            );
            assert_eq!(reply.thread.is_none(), is_deleted);
            assert_eq!((env.asked(POST) - before, env.asked(HISTORY)), (posts, 1), "{fault:?}");
            assert_eq!(
                env.attempts(update.id).await,
                ["1 begun", "1 ended: ambiguous", "2 begun", "2 ended: done"]
            );
            env.audited([notifier]);
        }
    }
}

#[tokio::test]
async fn lost_update_is_repeated_before_the_one_reply() {
    let (env, notifier, _) = alerted().await;
    let update = decide(&env, approved()).await;
    env.slack()
        .stub(Stub::failing("POST", UPDATE, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(env.attempt(&notifier, &update).await.state, "ambiguous");
    assert_eq!(replies(&env, &update), []);
    env.make_due(update.id).await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");
    assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
    assert_eq!(replies(&env, &update).len(), 1);
    assert_eq!((env.asked(UPDATE), env.asked(HISTORY)), (2, 1));
    env.audited([notifier]);
}

#[tokio::test]
async fn found_reply_is_kept_while_updates_fail() {
    let (env, notifier, _) = alerted().await;
    let update = decide(&env, approved()).await;
    env.slack()
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(env.attempt(&notifier, &update).await.state, "ambiguous");
    let limited = json!({"ok": false, "error": "ratelimited"});
    env.slack()
        .stub(Stub::answering("POST", UPDATE, 429, limited).times(2))
        .unwrap();
    for _ in 0..2 {
        env.make_due(update.id).await;
        assert_eq!(
            env.attempt(&notifier, &update).await.state,
            "ambiguous",
            "it reads the channel again"
        );
    }
    env.make_due(update.id).await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");
    assert_eq!(replies(&env, &update).len(), 1);
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (2, 3));
    env.audited([notifier]);
}

#[tokio::test]
async fn waiting_for_an_alert_forgets_no_reply() {
    let (env, notifier, alert) = alerted().await;
    let update = decide(&env, approved()).await;
    let lost = Stub::failing("POST", POST, Fault::PostThenReset).times(1);
    env.slack().stub(lost).unwrap();
    assert_eq!(env.attempt(&notifier, &update).await.state, "ambiguous");
    for (change, state) in [
        (
            "state = 'leased', lease_until = now() + interval '1 minute'",
            "ambiguous",
        ),
        ("state = 'done', lease_until = NULL", "done"),
    ] {
        let sql = format!("UPDATE effects SET {change} WHERE id = '{}'", alert.id);
        env.as_owner(&sql).await;
        env.make_due(update.id).await;
        assert_eq!(env.attempt(&notifier, &update).await.state, state);
    }
    assert_eq!(replies(&env, &update).len(), 1);
    env.audited([notifier]);
}

#[tokio::test]
async fn nothing_is_repeated_while_the_channel_is_unreadable() {
    let (env, notifier, _) = alerted().await;
    let update = decide(&env, approved()).await;
    env.slack()
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    env.attempt(&notifier, &update).await;
    for (attempt, code) in (2..).zip(["missing_scope", "internal_error"]) {
        env.slack().clear_stubs();
        let refused = json!({"ok": false, "error": code});
        env.slack().stub(Stub::answering("GET", HISTORY, 200, refused)).unwrap();
        env.make_due(update.id).await;
        let row = env.attempt(&notifier, &update).await;
        assert_eq!((row.state.as_str(), row.attempts), ("ambiguous", attempt), "{code}");
    }
    assert_eq!((env.asked(POST), env.asked(UPDATE)), (2, 1));
    env.slack().clear_stubs();
    env.make_due(update.id).await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");
    assert_eq!(replies(&env, &update).len(), 1);
    env.audited([notifier]);
}

#[tokio::test]
async fn a_killed_process_leaves_one_reply() {
    for (path, fault) in [
        (POST, Fault::PostThenHang),
        (POST, Fault::Hang),
        (UPDATE, Fault::PostThenHang),
    ] {
        let (env, notifier, _) = alerted().await;
        let update = decide(&env, approved()).await;
        env.slack().stub(Stub::failing("POST", path, fault).times(1)).unwrap();
        let mut killed = env.function("notifier").await;
        let (asked, before) = (path.to_owned(), env.asked(path));
        let reached = env.slack().wait_for(std::time::Duration::from_secs(20), move |seen| {
            seen.iter().filter(|request| request.path == asked).count() > before
        });
        env.kill_when(&mut killed, message(&update, 0), reached).await;
        assert_eq!(env.effect_row(update.id).await.state, "leased", "{path} {fault:?}");

        env.make_due(update.id).await;
        assert_eq!(env.attempt(&notifier, &update).await.state, "done");
        assert_eq!(replies(&env, &update).len(), 1, "{path} {fault:?}");
        assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
        assert_eq!(env.attempts(update.id).await, ["1 begun", "2 begun", "2 ended: done"]);
    }
}
