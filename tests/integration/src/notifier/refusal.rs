//! Permanent rejections by the target.

use doubles::{Fault, Stub};
use serde_json::{Value, json};

use crate::function::Function;
use crate::outbox::{HISTORY, POST, Stand, message, relay};

fn dead(function: &Function, count: usize) -> Vec<Value> {
    function.lines(count, |line| line["effects_dead"] == 1)
}

#[tokio::test]
async fn permanent_refusal_ends_the_effect_with_an_alarm() {
    let stand = Stand::new().await;
    let notifier = stand.notifier().await;
    let cases = [
        ("channel_not_found", "not_found"),
        ("is_archived", "invalid_response"),
        ("invalid_blocks", "invalid_response"),
    ];
    for (iid, (code, class)) in (1..).zip(cases) {
        let effect = stand.effect(iid).await;
        let refused = Stub::answering("POST", POST, 200, json!({"ok": false, "error": code}));
        stand.slack.stub(refused.times(1)).unwrap();
        let row = stand.attempt(&notifier, &effect).await;
        assert_eq!((row.state.as_str(), row.attempts), ("dead", 1), "{code}");
        assert_eq!(row.error_class.as_deref(), Some(class));
        assert_eq!(stand.attempts(effect.id).await, ["1 begun", "1 ended: dead"]);
        let metrics = dead(&notifier, usize::try_from(iid).unwrap());
        assert_eq!(
            metrics[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"],
            "effects_dead"
        );
        for attempts in [0, 1] {
            stand.done(&notifier, message(&effect, attempts)).await;
        }
        stand.make_due(effect.id).await;
        assert_eq!(stand.row(effect.id).await.attempts, 1, "{code}");
    }
    let maintenance = stand.start("maintenance", &[]).await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (3, 0));
    assert_eq!(stand.slack.messages(), []);
    stand.audited([notifier]);
}

#[tokio::test]
async fn refused_token_ends_the_effect_after_four_attempts() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    stand.slack.world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let notifier = stand.notifier().await;
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(stand.attempt(&notifier, &effect).await.state);
        stand.make_due(effect.id).await;
    }
    assert_eq!(states, ["pending", "pending", "pending", "dead", "dead"]);
    assert_eq!(stand.asked(POST), 4);
    assert_eq!(dead(&notifier, 1).len(), 1);
    stand.audited([notifier]);
}

#[tokio::test]
async fn unreadable_channel_ends_the_effect_after_eight_attempts() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    let notifier = stand.notifier().await;
    stand
        .slack
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    let refused = json!({"ok": false, "error": "not_in_channel"});
    stand.slack.stub(Stub::answering("GET", HISTORY, 200, refused)).unwrap();
    for _ in 1..8 {
        assert_eq!(stand.attempt(&notifier, &effect).await.state, "ambiguous");
        stand.make_due(effect.id).await;
    }
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "dead");
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (1, 7));
    assert_eq!(dead(&notifier, 1).len(), 1);
    stand.audited([notifier]);
}
