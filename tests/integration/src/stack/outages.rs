//! GitLab down at the merge and back, Slack down and back, a lost answer from Slack.

use crate::local_stack::{PATIENCE, eventually};
use serde_json::{Value, json};

use super::review::{SLACK, StackReview};
use crate::env::HIGH;

/// The confirmation to the pod is a separate effect.
const ALERTS: &str = "(SELECT * FROM effects WHERE kind = 'slack_exception_alert') AS alerts";

async fn relay(review: &StackReview) {
    let jobs = json!({"jobs": ["pending_evaluations", "relay_effects"]});
    review.stack.invoke(&review.stack.functions.maintenance, &jobs).await;
}

#[tokio::test]
async fn gitlab_outage_ends_in_the_verdict_by_schedule() {
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let path = format!("/api/v4/projects/{}/merge_requests/1", review.mr.project);
    let down = json!({"method": "GET", "path": path, "status": 503, "body": "upstream down", "times": 1});
    review
        .stack
        .control(&review.stack.gitlab_url, "PUT", "/_double/stub", &down)
        .await;
    review.deliver_merge().await;
    eventually(PATIENCE, "a pending evaluation", async || {
        let states = review.rows("state", "evaluations").await;
        (states == [json!("pending")]).then_some(())
    })
    .await;
    assert_eq!(review.rows("action", "merge_request_events").await, [json!("merge")]);
    // No test calls maintenance here: its own schedule does, every minute.
    assert_eq!(review.kind().await, "no_approval");
    assert_eq!(review.rows("state", "evaluations").await, [json!("done")]);
}

#[tokio::test]
async fn slack_down_and_back_gives_one_message() {
    let _alone = SLACK.write().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let down = json!({"method": "POST", "path": "/api/chat.postMessage", "status": 503, "body": "down"});
    review
        .stack
        .control(&review.stack.slack_url, "PUT", "/_double/stub", &down)
        .await;
    review.deliver_merge().await;
    eventually(PATIENCE, "an attempt that failed", async || {
        let states = review.rows("state", ALERTS).await;
        (states == [json!("ambiguous")]).then_some(())
    })
    .await;
    let tried = review.slack_messages().await.len();
    review
        .stack
        .control(&review.stack.slack_url, "DELETE", "/_double/stub", &Value::Null)
        .await;
    finished(&review).await;
    // After a 503 the message may exist, so Slack was asked first; it did not, so it was posted, once.
    assert_eq!(review.slack_messages().await.len(), tried + 1);
    assert_eq!(standing(&review).await, 1);
}

#[tokio::test]
async fn lost_slack_answer_causes_no_second_message() {
    let _alone = SLACK.write().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let lost = json!({"method": "POST", "path": "/api/chat.postMessage", "fault": "post_then_reset", "times": 1, "containing": "C0SECLEAD"});
    review
        .stack
        .control(&review.stack.slack_url, "PUT", "/_double/stub", &lost)
        .await;
    review.deliver_merge().await;
    finished(&review).await;
    assert_eq!(standing(&review).await, 1);
    assert_eq!(
        review.slack_messages().await.len(),
        1,
        "posted once, and then only looked for"
    );
}

async fn finished(review: &StackReview) {
    eventually(PATIENCE, "the effect to be done", async || {
        relay(review).await;
        (review.rows("state", ALERTS).await == [json!("done")]).then_some(())
    })
    .await;
}

/// Current messages about the merge request in the channel, by Slack's own history.
async fn standing(review: &StackReview) -> usize {
    let url = format!(
        "{}/api/conversations.history?channel=C0SECLEAD&limit=200&include_all_metadata=true",
        review.stack.slack_url
    );
    let headers = [("Host", "slack"), ("Authorization", "Bearer xoxb-local-stack")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let reply = crate::local_stack::request("GET", &url, &headers, b"").await.json();
    let messages = reply["messages"].as_array().cloned().unwrap_or_default();
    let of = |message: &&Value| message["metadata"]["event_payload"]["project_id"] == review.mr.project;
    messages.iter().filter(of).count()
}
