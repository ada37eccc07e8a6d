//! Unsent alerts, alerts being sent, and dry runs.

use doubles::{Fault, Stub};
use model::Effect;
use serde_json::json;

use super::{alerted, approved, decide, first_line, replies};
use crate::outbox::{HISTORY, POST, Stand, UPDATE};

/// Sets the alert's state.
async fn put(stand: &Stand, alert: &Effect, state: &str) {
    let sql = format!(
        "UPDATE effects SET state = '{state}', external_id = NULL,
            lease_until = CASE WHEN '{state}' = 'leased' THEN now() + interval '1 minute' END WHERE id = '{}'",
        alert.id
    );
    stand.owner.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn an_alert_never_sent_needs_no_correction() {
    let stand = Stand::new().await;
    let alert = stand.effect(1).await;
    let notifier = stand.notifier().await;
    for (state, reason) in [
        ("pending", "the alert is not sent yet, and will show the change"),
        ("superseded", "the alert was superseded before it was sent"),
        ("suppressed", "the alert was suppressed by a dry run"),
        ("dead", "the alert was rejected; sent again, it shows the change"),
    ] {
        put(&stand, &alert, state).await;
        let update = decide(&stand, approved()).await;
        let row = stand.attempt(&notifier, &update).await;
        assert_eq!(
            (row.state.as_str(), row.reason.as_deref()),
            ("superseded", Some(reason))
        );
        assert_eq!(stand.attempts(update.id).await, ["1 begun", "1 ended: superseded"]);
    }
    assert_eq!(stand.slack.requests().len(), 0);
    stand.audited([notifier]);
}

#[tokio::test]
async fn an_alert_under_way_is_waited_for() {
    let stand = Stand::new().await;
    let alert = stand.effect(1).await;
    let notifier = stand.notifier().await;
    stand
        .slack
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(stand.attempt(&notifier, &alert).await.state, "ambiguous");
    let update = decide(&stand, approved()).await;
    let row = stand.attempt(&notifier, &update).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("conflict"))
    );
    assert_eq!(stand.attempts(update.id).await, ["1 begun", "1 ended: retry"]);
    assert_eq!(stand.asked(UPDATE), 0);

    stand.make_due(alert.id).await;
    assert_eq!(stand.attempt(&notifier, &alert).await.state, "done");
    stand.make_due(update.id).await;
    assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
    assert_eq!(first_line(&stand), "Withdrawn: Merged without security approval");
    assert_eq!(stand.slack.messages().len(), 2);
    stand.audited([notifier]);
}

#[tokio::test]
async fn a_leased_alert_is_waited_for() {
    let stand = Stand::new().await;
    let alert = stand.effect(1).await;
    put(&stand, &alert, "leased").await;
    let update = decide(&stand, approved()).await;
    let notifier = stand.notifier().await;
    assert_eq!(stand.attempt(&notifier, &update).await.state, "pending");
    assert_eq!(stand.slack.requests().len(), 0);
}

#[tokio::test]
async fn a_dry_run_corrects_nothing() {
    let (stand, live, _) = alerted().await;
    let dry = stand.start("notifier", &[("DRY_RUN", "true")]).await;
    let update = decide(&stand, approved()).await;
    assert_eq!(stand.attempt(&dry, &update).await.state, "suppressed");
    assert_eq!(stand.attempt(&live, &update).await.state, "suppressed");
    assert_eq!(
        (stand.asked(POST), stand.asked(UPDATE), stand.asked(HISTORY)),
        (1, 0, 0)
    );
    stand.audited([live, dry]);
}

#[tokio::test]
async fn a_dry_run_looks_for_an_earlier_reply() {
    for (fault, state) in [(Fault::PostThenReset, "done"), (Fault::Reset, "suppressed")] {
        let (stand, live, _) = alerted().await;
        let update = decide(&stand, approved()).await;
        stand.slack.stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
        assert_eq!(stand.attempt(&live, &update).await.state, "ambiguous");
        stand.make_due(update.id).await;
        let dry = stand.start("notifier", &[("DRY_RUN", "true")]).await;
        let row = stand.attempt(&dry, &update).await;
        let posted = replies(&stand, &update).first().map(|reply| reply.ts.to_string());
        assert_eq!((row.state.as_str(), row.external_id), (state, posted), "{fault:?}");
        assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (2, 1));
        stand.audited([live, dry]);
    }
}

#[tokio::test]
async fn slack_retry_after_is_respected() {
    for path in [UPDATE, POST] {
        let (stand, notifier, _) = alerted().await;
        let update = decide(&stand, approved()).await;
        let limited = Stub::answering("POST", path, 429, json!({"ok": false, "error": "ratelimited"}));
        stand.slack.stub(limited.header("retry-after", 30).times(1)).unwrap();
        let row = stand.attempt(&notifier, &update).await;
        assert_eq!(
            (row.state.as_str(), row.error_class.as_deref()),
            ("pending", Some("rate_limit")),
            "{path}"
        );
        stand.make_due(update.id).await;
        assert_eq!(stand.attempt(&notifier, &update).await.state, "done");
        assert_eq!(replies(&stand, &update).len(), 1, "{path}");
        assert_eq!(stand.asked(HISTORY), 0, "certainly not posted");
        stand.audited([notifier]);
    }
}
