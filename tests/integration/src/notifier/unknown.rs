//! Messages that may have been posted: searched for in the channel, never posted again blindly.

use doubles::{Fault, Stub};
use serde_json::json;

use crate::env::TestEnv;
use crate::outbox::{HISTORY, POST, message};

#[tokio::test]
async fn missing_answer_is_settled_by_reading_the_channel() {
    let env = TestEnv::with_functions().await;
    let notifier = env.function("notifier").await;
    for (iid, (case, stub, class, posts)) in (1..).zip(ambiguous_answers()) {
        let effect = env.effect(iid).await;
        let (posted, looked) = (env.asked(POST), env.asked(HISTORY));
        env.slack().stub(stub.times(1)).unwrap();
        let row = env.attempt(&notifier, &effect).await;
        assert_eq!(
            (row.state.as_str(), row.error_class.as_deref()),
            ("ambiguous", Some(class)),
            "{case}"
        );
        assert_eq!((row.external_id, row.attempts), (None, 1), "{case}");

        env.make_due(effect.id).await;
        let row = env.attempt(&notifier, &effect).await;
        assert_eq!(row.state, "done", "{case}");
        let messages = env.slack().messages();
        let own = |message: &&doubles::slack::Message| {
            message.metadata.as_ref().unwrap()["event_payload"]["key"] == json!(effect.key)
        };
        let own: Vec<_> = messages
            .iter()
            .filter(own)
            .map(|message| message.ts.to_string())
            .collect();
        assert_eq!(own, [row.external_id.unwrap()], "one message: {case}");
        assert_eq!(env.asked(POST) - posted, posts, "{case}");
        assert_eq!(env.asked(HISTORY) - looked, 1, "{case}");
        assert_eq!(
            env.attempts(effect.id).await,
            ["1 begun", "1 ended: ambiguous", "2 begun", "2 ended: done"],
            "{case}"
        );
    }
    env.audited([notifier]);
}

/// Each with the class of the failure and the number of posts that are needed in the end.
fn ambiguous_answers() -> [(&'static str, Stub, &'static str, usize); 5] {
    let unavailable = Stub::answering("POST", POST, 503, "upstream");
    let unsure = Stub::answering("POST", POST, 200, json!({"ok": false, "error": "internal_error"}));
    let fault = |fault| Stub::failing("POST", POST, fault);
    [
        (
            "posted, then the connection broke",
            fault(Fault::PostThenReset),
            "network_error",
            1,
        ),
        (
            "posted, and half of the answer arrived",
            fault(Fault::Half),
            "network_error",
            1,
        ),
        (
            "not posted: the connection broke before",
            fault(Fault::Reset),
            "network_error",
            2,
        ),
        ("not posted: 503", unavailable, "server_error", 2),
        ("not posted: an error within Slack", unsure, "server_error", 2),
    ]
}

#[tokio::test]
async fn unreadable_channel_prevents_a_second_post() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let notifier = env.function("notifier").await;
    env.slack()
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    env.attempt(&notifier, &effect).await;
    let refusals = [
        (503, json!("upstream"), "server_error"),
        (429, json!({"ok": false, "error": "ratelimited"}), "rate_limit"),
        (200, json!({"ok": false, "error": "missing_scope"}), "auth_failure"),
        (200, json!({"ok": true}), "invalid_response"),
    ];
    for (attempt, (status, body, class)) in (2..).zip(refusals) {
        env.make_due(effect.id).await;
        env.slack().stub(Stub::answering("GET", HISTORY, status, body)).unwrap();
        let row = env.attempt(&notifier, &effect).await;
        assert_eq!((row.state.as_str(), row.attempts), ("ambiguous", attempt), "{class}");
        assert_eq!(row.error_class.as_deref(), Some(class));
    }
    env.slack().clear_stubs();
    env.make_due(effect.id).await;
    assert_eq!(env.attempt(&notifier, &effect).await.state, "done");
    assert_eq!((env.asked(POST), env.slack().messages().len()), (1, 1));
    env.audited([notifier]);
}

#[tokio::test]
async fn killed_during_the_post_leaves_one_message() {
    for (fault, posts) in [(Fault::PostThenHang, 1), (Fault::Hang, 2)] {
        let env = TestEnv::with_functions().await;
        let effect = env.effect(1).await;
        let mut killed = env.function("notifier").await;
        env.slack().stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
        env.kill_when(&mut killed, message(&effect, 0), env.slack_asked()).await;
        let row = env.effect_row(effect.id).await;
        assert_eq!((row.state.as_str(), row.attempts), ("leased", 1), "{fault:?}");
        assert_eq!(env.attempts(effect.id).await, ["1 begun"]);

        let fresh = env.function("notifier").await;
        fresh.completes(message(&effect, 0)).await; // as SQS redelivers it
        fresh.lines(1, |line| line["lease"] == "Lagging");
        fresh.completes(message(&effect, 1)).await;
        fresh.lines(1, |line| line["lease"] == "NotDue");
        assert_eq!(env.effect_row(effect.id).await, row, "its lease still holds");

        env.make_due(effect.id).await;
        let row = env.attempt(&fresh, &effect).await;
        let [posted] = &env.slack().messages()[..] else {
            panic!("one message expected: {fault:?}")
        };
        assert_eq!(
            (row.state.as_str(), row.external_id),
            ("done", Some(posted.ts.to_string())),
            "{fault:?}"
        );
        assert_eq!((env.asked(POST), env.asked(HISTORY)), (posts, 1), "{fault:?}");
        assert_eq!(env.attempts(effect.id).await, ["1 begun", "2 begun", "2 ended: done"]);
    }
}
