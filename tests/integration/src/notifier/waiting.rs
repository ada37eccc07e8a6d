//! Effects that are certainly not done and can be retried.

use std::time::Duration;

use doubles::{Stub, slack};
use jiff::SignedDuration;
use model::{Clock as _, SystemClock};
use serde_json::json;

use crate::outbox::{HISTORY, POST, Stand, batch, message, relay};

#[tokio::test]
async fn slack_retry_after_is_respected() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    let notifier = stand.notifier().await;
    // 1. Slack rejects the first attempt and asks for 30 seconds.
    let limited = Stub::answering("POST", POST, 429, json!({"ok": false, "error": "ratelimited"}));
    stand.slack.stub(limited.header("retry-after", 30).times(1)).unwrap();
    let before = SystemClock.now();
    let row = stand.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.attempts, row.error_class.as_deref()),
        ("pending", 1, Some("rate_limit"))
    );
    assert!(row.next_attempt_at >= before + SignedDuration::from_secs(30), "{row:?}");
    assert_eq!(row.not_before, Some(row.next_attempt_at));
    assert_eq!(stand.attempts(effect.id).await, ["1 begun", "1 ended: retry"]);

    // 2. Until then neither a message nor the relay causes an attempt.
    for (attempts, lease) in [(1, "NotDue"), (0, "Lagging")] {
        stand.done(&notifier, message(&effect, attempts)).await;
        notifier.lines(1, |line| line["lease"] == lease);
        assert_eq!(stand.row(effect.id).await, row, "{lease}");
    }
    let maintenance = stand.start("maintenance", &[]).await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0, "not yet");
    assert_eq!(stand.asked(POST), 1);

    // 3. Then the relay queues it again, and it is posted.
    stand.make_due(effect.id).await;
    stand.done(&notifier, message(&effect, 0)).await;
    assert_eq!(stand.asked(POST), 1, "a stale message causes no attempt");
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    let queued = &stand.aws.messages()[0];
    let named = queued.deduplication_id.as_deref();
    assert!(
        named.is_some_and(|named| named.starts_with(&format!("{}-1-", effect.id))),
        "{named:?}"
    );
    stand.done(&notifier, batch(&queued.body, &effect.destination, 1)).await;
    assert_eq!(stand.row(effect.id).await.state, "done");
    assert_eq!(stand.slack.messages().len(), 1);
    assert_eq!(
        (stand.asked(POST), stand.asked(HISTORY)),
        (2, 0),
        "it was certainly not posted, so the channel was not read"
    );
    stand.audited([notifier]);
}

#[tokio::test]
async fn call_that_never_reached_slack_is_retried_directly() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    let gone = slack::start().await.url();
    let cut_off = stand.start("notifier", &[("SLACK_API_URL", gone.as_str())]).await;
    let row = stand.attempt(&cut_off, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("network_error"))
    );
    let failed = &cut_off.entries("slack.api.post_message", 1)[0];
    assert_eq!(
        (&failed["outcome"], &failed["error"]),
        (&json!("failure"), &json!("network_error"))
    );

    stand.make_due(effect.id).await;
    let notifier = stand.notifier().await;
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "done");
    assert_eq!((stand.asked(POST), stand.asked(HISTORY)), (1, 0));
    assert_eq!(
        stand.attempts(effect.id).await,
        ["1 begun", "1 ended: retry", "2 begun", "2 ended: done"]
    );
    stand.audited([notifier]);
}

/// Takes half a minute: a rejected secret is not read again sooner, and the row itself contains the time.
#[tokio::test]
async fn same_process_reads_the_rotated_token_again() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    let notifier = stand.notifier().await;
    let reads = || {
        let requests = stand.aws.requests();
        requests
            .iter()
            .filter(|request| request.body["SecretId"] == "countersign/outbound")
            .count()
    };
    assert_eq!(reads(), 1);
    stand.slack.world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let before = SystemClock.now();
    let row = stand.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.error_class.as_deref()),
        ("pending", Some("auth_failure"))
    );
    assert!(row.next_attempt_at >= before + SignedDuration::from_secs(30), "{row:?}");
    stand.put_slack_token("xoxb-second");

    let wait = row.next_attempt_at.duration_since(SystemClock.now());
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    let row = stand.attempt(&notifier, &effect).await;
    assert_eq!(
        (row.state.as_str(), row.attempts, reads()),
        ("pending", 2, 2),
        "rejected again, so the secret is read again"
    );
    stand.make_due(effect.id).await;
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "done");
    assert_eq!((stand.asked(POST), stand.asked(HISTORY), reads()), (3, 0, 2));
    stand.audited([notifier]);
}

#[tokio::test]
async fn a_fresh_process_presents_the_rotated_token() {
    let stand = Stand::new().await;
    let effect = stand.effect(1).await;
    stand.slack.world(|slack| slack.token = Some("xoxb-second".to_owned()));
    let stale = stand.notifier().await;
    assert_eq!(stand.attempt(&stale, &effect).await.state, "pending");
    stand.put_slack_token("xoxb-second");
    stand.make_due(effect.id).await;
    let fresh = stand.notifier().await;
    assert_eq!(stand.attempt(&fresh, &effect).await.state, "done");
    assert_eq!(stand.slack.messages().len(), 1);
    stand.audited([stale, fresh]);
}
