//! Two workers on one effect: the one with the expired lease is too late.

use doubles::{Fault, Stub, slack};
use serde_json::json;

use crate::env::TestEnv;
use crate::outbox::{HISTORY, POST, asked_to_post, message};

#[tokio::test]
async fn outcome_after_a_lease_takeover_changes_nothing() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    // The first worker uses another Slack, which does not answer until it goes down.
    let elsewhere = slack::start().await;
    elsewhere.stub(Stub::failing("POST", POST, Fault::Hang)).unwrap();
    let url = elsewhere.url();
    let late = env.function_with("notifier", &[("SLACK_API_URL", url.as_str())]).await;
    let notifier = env.function("notifier").await;

    let taken_over = async {
        asked_to_post(&elsewhere).await.unwrap();
        env.make_due(effect.id).await;
        let row = env.attempt(&notifier, &effect).await;
        drop(elsewhere);
        row
    };
    let (answer, row) = tokio::join!(late.invoke(message(&effect, 0)), taken_over);
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!((row.state.as_str(), row.attempts), ("done", 2));
    assert_eq!(env.effect_row(effect.id).await, row);
    assert_eq!(
        env.attempts(effect.id).await,
        ["1 begun", "1 ended: ambiguous (late)", "2 begun", "2 ended: done"]
    );
    assert_eq!(
        (env.asked(POST), env.asked(HISTORY), env.slack().messages().len()),
        (1, 1, 1)
    );
    let ended = late.lines(1, |line| line["finish"] == "Late");
    assert_eq!(ended.len(), 1);
    env.audited([notifier]);
}

#[tokio::test]
async fn late_refusal_after_success_raises_no_alarm() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let elsewhere = slack::start().await;
    let refused = Stub {
        delay_ms: 4000,
        ..Stub::answering("POST", POST, 200, json!({"ok": false, "error": "channel_not_found"}))
    };
    elsewhere.stub(refused).unwrap();
    let url = elsewhere.url();
    let mut late = env.function_with("notifier", &[("SLACK_API_URL", url.as_str())]).await;
    let notifier = env.function("notifier").await;

    let taken_over = async {
        asked_to_post(&elsewhere).await.unwrap();
        env.make_due(effect.id).await;
        env.attempt(&notifier, &effect).await
    };
    let (_, row) = tokio::join!(late.invoke(message(&effect, 0)), taken_over);
    assert_eq!(row.state, "done");
    assert_eq!(env.effect_row(effect.id).await, row);
    assert_eq!(env.attempts(effect.id).await[1], "1 ended: dead (late)");
    late.kill();
    assert_eq!(late.lines(0, |line| line.get("effects_dead").is_some()).len(), 0);
}
