//! Effects of a kind that only a newer version knows: two versions run during a deployment.

use serde_json::json;

use crate::outbox::{POST, Stand, batch, message, relay};

#[tokio::test]
async fn an_unknown_kind_waits_for_a_newer_version() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    stand.make_due(effect.id).await;
    let rename = async |kind: &str| {
        let sql = format!("UPDATE effects SET kind = '{kind}' WHERE id = '{}'", effect.id);
        stand.owner.batch_execute(&sql).await.unwrap();
    };
    rename("kind_of_tomorrow").await;
    let before = stand.row(effect.id).await;
    let (notifier, maintenance) = (stand.notifier().await, stand.start("maintenance", &[]).await);

    stand.done(&notifier, message(&effect, 0)).await;
    let [line] = &notifier.lines(1, |line| line["kind"] == "kind_of_tomorrow")[..] else {
        panic!("one line expected")
    };
    assert_eq!(line["level"], "WARN", "not an error, so no alarm: {line}");
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!(stand.row(effect.id).await, before, "still due");
    assert!(stand.attempts(effect.id).await.is_empty());

    rename("slack_exception_alert").await;
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "done");
    assert_eq!(stand.asked(POST), 1);
}

#[tokio::test]
async fn a_message_with_unknown_fields_is_handled() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    let notifier = stand.notifier().await;
    let body = json!({
        "effect_id": effect.id, "attempts": 0, "destination": effect.destination,
        "correlation_id": effect.correlation_id, "traceparent": null,
        "kind": "kind_of_tomorrow", "priority": {"level": 1},
    });
    stand
        .done(&notifier, batch(&body.to_string(), &effect.destination, 1))
        .await;
    assert_eq!(stand.row(effect.id).await.state, "done");
}
