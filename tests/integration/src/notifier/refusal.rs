//! Permanent rejections by the target.

use doubles::{Fault, Stub};
use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::function::Function;
use crate::outbox::{HISTORY, POST, message, relay};

fn dead(function: &Function, count: usize) -> Vec<Value> {
    function.lines(count, |line| line["effects_dead"] == 1)
}

#[tokio::test]
async fn permanent_refusal_ends_the_effect_with_an_alarm() {
    let env = TestEnv::with_functions().await;
    let notifier = env.function("notifier").await;
    let cases = [
        ("channel_not_found", "not_found"),
        ("is_archived", "invalid_response"),
        ("invalid_blocks", "invalid_response"),
    ];
    for (iid, (code, class)) in (1..).zip(cases) {
        let effect = env.effect(iid).await;
        let refused = Stub::answering("POST", POST, 200, json!({"ok": false, "error": code}));
        env.slack().stub(refused.times(1)).unwrap();
        let row = env.attempt(&notifier, &effect).await;
        assert_eq!((row.state.as_str(), row.attempts), ("dead", 1), "{code}");
        assert_eq!(row.error_class.as_deref(), Some(class));
        assert_eq!(env.attempts(effect.id).await, ["1 begun", "1 ended: dead"]);
        let metrics = dead(&notifier, usize::try_from(iid).unwrap());
        assert_eq!(
            metrics[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"],
            "effects_dead"
        );
        for attempts in [0, 1] {
            notifier.completes(message(&effect, attempts)).await;
        }
        env.make_due(effect.id).await;
        assert_eq!(env.effect_row(effect.id).await.attempts, 1, "{code}");
    }
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (3, 0));
    assert_eq!(env.slack().messages(), []);
    env.audited([notifier]);
}

#[tokio::test]
async fn refused_token_ends_the_effect_after_four_attempts() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    env.slack().world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let notifier = env.function("notifier").await;
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(env.attempt(&notifier, &effect).await.state);
        env.make_due(effect.id).await;
    }
    assert_eq!(states, ["pending", "pending", "pending", "dead", "dead"]);
    assert_eq!(env.asked(POST), 4);
    assert_eq!(dead(&notifier, 1).len(), 1);
    env.audited([notifier]);
}

#[tokio::test]
async fn unreadable_channel_ends_the_effect_after_eight_attempts() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let notifier = env.function("notifier").await;
    env.slack()
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    let refused = json!({"ok": false, "error": "not_in_channel"});
    env.slack().stub(Stub::answering("GET", HISTORY, 200, refused)).unwrap();
    for _ in 1..8 {
        assert_eq!(env.attempt(&notifier, &effect).await.state, "ambiguous");
        env.make_due(effect.id).await;
    }
    assert_eq!(env.attempt(&notifier, &effect).await.state, "dead");
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (1, 7));
    assert_eq!(dead(&notifier, 1).len(), 1);
    env.audited([notifier]);
}
