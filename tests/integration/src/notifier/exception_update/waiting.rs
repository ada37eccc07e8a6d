//! Unsent alerts, alerts being sent, and dry runs.

use doubles::{Fault, Stub};
use model::Effect;
use serde_json::json;

use super::{alerted, approved, decide, first_line, replies};
use crate::env::TestEnv;
use crate::outbox::{HISTORY, POST, UPDATE};

/// Sets the alert's state.
async fn put(env: &TestEnv, alert: &Effect, state: &str) {
    let sql = format!(
        "UPDATE effects SET state = '{state}', external_id = NULL,
            lease_until = CASE WHEN '{state}' = 'leased' THEN now() + interval '1 minute' END WHERE id = '{}'",
        alert.id
    );
    env.as_owner(&sql).await;
}

#[tokio::test]
async fn an_alert_never_sent_needs_no_correction() {
    let env = TestEnv::with_functions().await;
    let alert = env.effect(1).await;
    let notifier = env.function("notifier").await;
    for (state, reason) in [
        (
            "pending",
            "the alert has not been sent yet and will already show the change",
        ),
        ("superseded", "the alert was superseded before it was sent"),
        ("suppressed", "the alert was suppressed by a dry run"),
        ("dead", "the alert was rejected; if sent again, it will show the change"),
    ] {
        put(&env, &alert, state).await;
        let update = decide(&env, approved()).await;
        let row = env.attempt(&notifier, &update).await;
        assert_eq!(
            (row.state.as_str(), row.reason.as_deref()),
            ("superseded", Some(reason))
        );
        assert_eq!(env.attempts(update.id).await, ["1 begun", "1 ended: superseded"]);
    }
    assert_eq!(env.slack().requests().len(), 0);
    env.audited([notifier]);
}

#[tokio::test]
async fn an_alert_under_way_is_waited_for() {
    let env = TestEnv::with_functions().await;
    let alert = env.effect(1).await;
    let notifier = env.function("notifier").await;
    env.slack()
        .stub(Stub::failing("POST", POST, Fault::PostThenReset).times(1))
        .unwrap();
    assert_eq!(env.attempt(&notifier, &alert).await.state, "ambiguous");
    let update = decide(&env, approved()).await;
    let row = env.attempt(&notifier, &update).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("conflict"))
    );
    assert_eq!(env.attempts(update.id).await, ["1 begun", "1 ended: retry"]);
    assert_eq!(env.asked(UPDATE), 0);

    env.make_due(alert.id).await;
    assert_eq!(env.attempt(&notifier, &alert).await.state, "done");
    env.make_due(update.id).await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "done");
    assert_eq!(first_line(&env), "Withdrawn: Merged without security approval");
    assert_eq!(env.slack().messages().len(), 2);
    env.audited([notifier]);
}

#[tokio::test]
async fn a_leased_alert_is_waited_for() {
    let env = TestEnv::with_functions().await;
    let alert = env.effect(1).await;
    put(&env, &alert, "leased").await;
    let update = decide(&env, approved()).await;
    let notifier = env.function("notifier").await;
    assert_eq!(env.attempt(&notifier, &update).await.state, "pending");
    assert_eq!(env.slack().requests().len(), 0);
}

#[tokio::test]
async fn a_dry_run_corrects_nothing() {
    let (env, live, _) = alerted().await;
    let dry = env.function_with("notifier", &[("DRY_RUN", "true")]).await;
    let update = decide(&env, approved()).await;
    assert_eq!(env.attempt(&dry, &update).await.state, "suppressed");
    assert_eq!(env.attempt(&live, &update).await.state, "suppressed");
    assert_eq!((env.asked(POST), env.asked(UPDATE), env.asked(HISTORY)), (1, 0, 0));
    env.audited([live, dry]);
}

#[tokio::test]
async fn a_dry_run_looks_for_an_earlier_reply() {
    for (fault, state) in [(Fault::PostThenReset, "done"), (Fault::Reset, "suppressed")] {
        let (env, live, _) = alerted().await;
        let update = decide(&env, approved()).await;
        env.slack().stub(Stub::failing("POST", POST, fault).times(1)).unwrap();
        assert_eq!(env.attempt(&live, &update).await.state, "ambiguous");
        env.make_due(update.id).await;
        let dry = env.function_with("notifier", &[("DRY_RUN", "true")]).await;
        let row = env.attempt(&dry, &update).await;
        let posted = replies(&env, &update).first().map(|reply| reply.ts.to_string());
        assert_eq!((row.state.as_str(), row.external_id), (state, posted), "{fault:?}");
        assert_eq!((env.asked(POST), env.asked(HISTORY)), (2, 1));
        env.audited([live, dry]);
    }
}

#[tokio::test]
async fn slack_retry_after_is_respected() {
    for path in [UPDATE, POST] {
        let (env, notifier, _) = alerted().await;
        let update = decide(&env, approved()).await;
        let limited = Stub::answering("POST", path, 429, json!({"ok": false, "error": "ratelimited"}));
        env.slack().stub(limited.header("retry-after", 30).times(1)).unwrap();
        let row = env.attempt(&notifier, &update).await;
        assert_eq!(
            (row.state.as_str(), row.error_class.as_deref()),
            ("pending", Some("rate_limit")),
            "{path}"
        );
        env.make_due(update.id).await;
        assert_eq!(env.attempt(&notifier, &update).await.state, "done");
        assert_eq!(replies(&env, &update).len(), 1, "{path}");
        assert_eq!(env.asked(HISTORY), 0, "certainly not posted");
        env.audited([notifier]);
    }
}
