//! Effects that are certainly not done and can be retried.

use std::time::Duration;

use doubles::{Stub, slack};
use jiff::SignedDuration;
use model::{Clock as _, SystemClock};
use serde_json::json;

use crate::env::TestEnv;
use crate::outbox::{HISTORY, POST, batch, message, relay};

#[tokio::test]
async fn slack_retry_after_is_respected() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let notifier = env.function("notifier").await;
    // 1. Slack rejects the first attempt and asks for 30 seconds.
    let limited = Stub::answering("POST", POST, 429, json!({"ok": false, "error": "ratelimited"}));
    env.slack().stub(limited.header("retry-after", 30).times(1)).unwrap();
    let before = SystemClock.now();
    let row = env.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.attempts, row.error_class.as_deref()),
        ("pending", 1, Some("rate_limit"))
    );
    assert!(row.next_attempt_at >= before + SignedDuration::from_secs(30), "{row:?}");
    assert_eq!(row.not_before, Some(row.next_attempt_at));
    assert_eq!(env.attempts(effect.id).await, ["1 begun", "1 ended: retry"]);

    // 2. Until then neither a message nor the relay causes an attempt.
    for (attempts, lease) in [(1, "NotDue"), (0, "Lagging")] {
        notifier.completes(message(&effect, attempts)).await;
        notifier.lines(1, |line| line["lease"] == lease);
        assert_eq!(env.effect_row(effect.id).await, row, "{lease}");
    }
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0, "not yet");
    assert_eq!(env.asked(POST), 1);

    // 3. Then the relay queues it again, and it is posted.
    env.make_due(effect.id).await;
    notifier.completes(message(&effect, 0)).await;
    assert_eq!(env.asked(POST), 1, "a stale message causes no attempt");
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    let queued = &env.aws().messages()[0];
    let named = queued.deduplication_id.as_deref();
    assert!(
        named.is_some_and(|named| named.starts_with(&format!("{}-1-", effect.id))),
        "{named:?}"
    );
    notifier.completes(batch(&queued.body, &effect.destination, 1)).await;
    assert_eq!(env.effect_row(effect.id).await.state, "done");
    assert_eq!(env.slack().messages().len(), 1);
    assert_eq!(
        (env.asked(POST), env.asked(HISTORY)),
        (2, 0),
        "it was certainly not posted, so the channel was not read"
    );
    env.audited([notifier]);
}

#[tokio::test]
async fn call_that_never_reached_slack_is_retried_directly() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let gone = slack::start().await.url();
    let cut_off = env.function_with("notifier", &[("SLACK_API_URL", gone.as_str())]).await;
    let row = env.attempt(&cut_off, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("network_error"))
    );
    let failed = &cut_off.entries("slack.api.post_message", 1)[0];
    assert_eq!(
        (&failed["outcome"], &failed["error"]),
        (&json!("failure"), &json!("network_error"))
    );

    env.make_due(effect.id).await;
    let notifier = env.function("notifier").await;
    assert_eq!(env.attempt(&notifier, &effect).await.state, "done");
    assert_eq!((env.asked(POST), env.asked(HISTORY)), (1, 0));
    assert_eq!(
        env.attempts(effect.id).await,
        ["1 begun", "1 ended: retry", "2 begun", "2 ended: done"]
    );
    env.audited([notifier]);
}

/// Takes half a minute: a rejected secret is not read again sooner, and the row itself contains the time.
#[tokio::test]
async fn same_process_reads_the_rotated_token_again() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    let notifier = env.function("notifier").await;
    let reads = || {
        let requests = env.aws().requests();
        requests
            .iter()
            .filter(|request| request.body["SecretId"] == "countersign/outbound")
            .count()
    };
    assert_eq!(reads(), 1);
    env.slack().world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let before = SystemClock.now();
    let row = env.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("auth_failure"))
    );
    assert!(row.next_attempt_at >= before + SignedDuration::from_secs(30), "{row:?}");
    env.put_slack_token("xoxb-second");

    let wait = row.next_attempt_at.duration_since(SystemClock.now());
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    let row = env.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.attempts, reads()),
        ("pending", 2, 2),
        "rejected again, so the secret is read again"
    );
    env.make_due(effect.id).await;
    assert_eq!(env.attempt(&notifier, &effect).await.state, "done");
    assert_eq!((env.asked(POST), env.asked(HISTORY), reads()), (3, 0, 2));
    env.audited([notifier]);
}

#[tokio::test]
async fn a_fresh_process_presents_the_rotated_token() {
    let env = TestEnv::with_functions().await;
    let effect = env.effect(1).await;
    env.slack().world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let stale = env.function("notifier").await;
    assert_eq!(env.attempt(&stale, &effect).await.state, "pending");
    env.put_slack_token("xoxb-second");
    env.make_due(effect.id).await;
    let fresh = env.function("notifier").await;
    assert_eq!(env.attempt(&fresh, &effect).await.state, "done");
    assert_eq!(env.slack().messages().len(), 1);
    env.audited([stale, fresh]);
}
