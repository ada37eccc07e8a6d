//! GitLab down at the merge and back, Slack down and back, a lost answer from Slack.

use crate::local_stack::{PATIENCE, eventually};
use serde_json::{Value, json};

use super::scene::{HIGH, SLACK, Scene};

/// The confirmation to the pod is a separate effect.
const ALERTS: &str = "(SELECT * FROM effects WHERE kind = 'slack_exception_alert') AS alerts";

async fn relay(scene: &Scene) {
    let jobs = json!({"jobs": ["pending_evaluations", "relay_effects"]});
    scene.stack.invoke(&scene.stack.functions.maintenance, &jobs).await;
}

#[tokio::test]
async fn gitlab_outage_ends_in_the_verdict_by_schedule() {
    let scene = Scene::new(HIGH);
    scene.shown(|_| ()).await;
    let path = format!("/api/v4/projects/{}/merge_requests/1", scene.mr.project);
    let down = json!({"method": "GET", "path": path, "status": 503, "body": "upstream down", "times": 1});
    scene
        .stack
        .control(&scene.stack.gitlab_url, "PUT", "/_double/stub", &down)
        .await;
    scene.deliver_merge().await;
    eventually(PATIENCE, "a pending evaluation", async || {
        let states = scene.rows("state", "evaluations").await;
        (states == [json!("pending")]).then_some(())
    })
    .await;
    assert_eq!(scene.rows("action", "merge_request_events").await, [json!("merge")]);
    // No test calls maintenance here: its own schedule does, every minute.
    assert_eq!(scene.kind().await, "no_approval");
    assert_eq!(scene.rows("state", "evaluations").await, [json!("done")]);
}

#[tokio::test]
async fn slack_down_and_back_gives_one_message() {
    let _alone = SLACK.write().await;
    let scene = Scene::new(HIGH);
    scene.shown(|_| ()).await;
    let down = json!({"method": "POST", "path": "/api/chat.postMessage", "status": 503, "body": "down"});
    scene
        .stack
        .control(&scene.stack.slack_url, "PUT", "/_double/stub", &down)
        .await;
    scene.deliver_merge().await;
    eventually(PATIENCE, "an attempt that failed", async || {
        let states = scene.rows("state", ALERTS).await;
        (states == [json!("ambiguous")]).then_some(())
    })
    .await;
    let tried = scene.stack.slack_messages(scene.mr.project, 1).await.len();
    scene
        .stack
        .control(&scene.stack.slack_url, "DELETE", "/_double/stub", &Value::Null)
        .await;
    finished(&scene).await;
    // After a 503 the message may exist, so Slack was asked first; it did not, so it was posted, once.
    assert_eq!(scene.stack.slack_messages(scene.mr.project, 1).await.len(), tried + 1);
    assert_eq!(standing(&scene).await, 1);
}

#[tokio::test]
async fn lost_slack_answer_causes_no_second_message() {
    let _alone = SLACK.write().await;
    let scene = Scene::new(HIGH);
    scene.shown(|_| ()).await;
    let lost = json!({"method": "POST", "path": "/api/chat.postMessage", "fault": "post_then_reset", "times": 1, "containing": "C0SECLEAD"});
    scene
        .stack
        .control(&scene.stack.slack_url, "PUT", "/_double/stub", &lost)
        .await;
    scene.deliver_merge().await;
    finished(&scene).await;
    assert_eq!(standing(&scene).await, 1);
    assert_eq!(
        scene.stack.slack_messages(scene.mr.project, 1).await.len(),
        1,
        "posted once, and then only looked for"
    );
}

async fn finished(scene: &Scene) {
    eventually(PATIENCE, "the effect to be done", async || {
        relay(scene).await;
        (scene.rows("state", ALERTS).await == [json!("done")]).then_some(())
    })
    .await;
}

/// Current messages about the merge request in the channel, by Slack's own history.
async fn standing(scene: &Scene) -> usize {
    let url = format!(
        "{}/api/conversations.history?channel=C0SECLEAD&limit=200&include_all_metadata=true",
        scene.stack.slack_url
    );
    let headers = [("Host", "slack"), ("Authorization", "Bearer xoxb-local-stack")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let reply = crate::local_stack::request("GET", &url, &headers, b"").await.json();
    let messages = reply["messages"].as_array().cloned().unwrap_or_default();
    let of = |message: &&Value| message["metadata"]["event_payload"]["project_id"] == scene.mr.project;
    messages.iter().filter(of).count()
}
