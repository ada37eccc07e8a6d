//! Effects of a kind that only a newer version knows: two versions run during a deployment.

use serde_json::json;

use crate::env::TestEnv;
use crate::outbox::{POST, batch, message, relay};

#[tokio::test]
async fn an_unknown_kind_waits_for_a_newer_version() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    env.make_due(effect.id).await;
    let rename = async |kind: &str| {
        let sql = format!("UPDATE effects SET kind = '{kind}' WHERE id = '{}'", effect.id);
        env.as_owner(&sql).await;
    };
    rename("kind_of_tomorrow").await;
    let before = env.effect_row(effect.id).await;
    let (notifier, maintenance) = (env.function("notifier").await, env.function("maintenance").await);

    notifier.completes(message(&effect, 0)).await;
    let [line] = &notifier.lines(1, |line| line["kind"] == "kind_of_tomorrow")[..] else {
        panic!("one line expected")
    };
    assert_eq!(line["level"], "WARN", "not an error, so no alarm: {line}");
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!(env.effect_row(effect.id).await, before, "still due");
    assert!(env.attempts(effect.id).await.is_empty());

    rename("slack_exception_alert").await;
    assert_eq!(env.attempt(&notifier, &effect).await.state, "done");
    assert_eq!(env.asked(POST), 1);
}

#[tokio::test]
async fn a_message_with_unknown_fields_is_handled() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let notifier = env.function("notifier").await;
    let body = json!({
        "effect_id": effect.id, "attempts": 0, "destination": effect.destination,
        "correlation_id": effect.correlation_id, "traceparent": null,
        "kind": "kind_of_tomorrow", "priority": {"level": 1},
    });
    notifier
        .completes(batch(&body.to_string(), &effect.destination, 1))
        .await;
    assert_eq!(env.effect_row(effect.id).await.state, "done");
}
