//! The audit entries of one delivery under its correlation id match exactly the calls that were made.

use std::process::Command;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::env::HIGH;
use crate::local_stack::{PATIENCE, eventually};
use crate::program::built;
use crate::stack::review::{SLACK, StackReview};
use crate::stack::stack_audit::StackAudit;

#[tokio::test]
async fn audit_log_of_a_delivery_is_complete() {
    let _slack = SLACK.read().await;
    let (review, audit) = (StackReview::new(HIGH), StackAudit::open().await);
    review.shown(|_| ()).await;
    let id = review.deliver_merge().await;
    // Five effects, sent in one call: the alert, and those to Linear, Jira, Confluence and the pod.
    let steps = [
        ("webhook", "webhook.auth.verify", 1),
        ("webhook", "sqs.api.send_message", 1),
        ("processor", "gitlab.api.get_mr_details", 1),
        ("processor", "gitlab.api.get_mr_approvals", 1),
        ("processor", "exception.record.insert", 1),
        ("processor", "sqs.api.send_message", 1),
        ("notifier", "slack.api.post_message", 2),
        ("notifier", "linear.api.find_attachments", 1),
    ];
    let wanted = steps
        .iter()
        .flat_map(|(_, action, count)| std::iter::repeat_n(*action, *count));
    let entries = audit.trace(&id, &wanted.collect::<Vec<_>>()).await;
    for (service, action, count) in steps {
        let of = |entry: &&Value| entry["service"] == service && entry["action"] == action;
        let found: Vec<_> = entries.iter().filter(of).collect();
        assert_eq!(found.len(), count, "{service} {action}: {found:#?}");
        assert_eq!(found[0]["outcome"], "success");
        assert_eq!(found[0]["actor"], json!({"type": "webhook_event", "id": id}));
    }
    let place = |action: &str| entries.iter().position(|entry| entry["action"] == action);
    let order = [
        "webhook.auth.verify",
        "gitlab.api.get_mr_approvals",
        "slack.api.post_message",
    ]
    .map(place);
    assert!(order.is_sorted(), "{order:?}");

    // Each has its position in the order for destinations, and no announced call remains open.
    audit.position(&id).await;
    let open = format!("SELECT count(*) FROM audit_intents WHERE correlation_id = '{id}'");
    assert_eq!(audit.number(&open).await, 0);
}

#[tokio::test]
async fn calls_and_entries_agree_one_to_one() {
    let _slack = SLACK.read().await;
    let (review, audit) = (StackReview::new(HIGH), StackAudit::open().await);
    review.shown(|_| ()).await;
    let trace = Uuid::now_v7().simple().to_string();
    let delivery = review.signed(&review.merge());
    let delivery = delivery.with("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
    let reply = review.send(&delivery).await;
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    // No further calls after the last effect.
    eventually(PATIENCE, "the effects to end", async || {
        let states = review.rows("state", "effects").await;
        (states.len() == 5 && states.iter().all(|state| *state == json!("done"))).then_some(())
    })
    .await;

    let mut seen = actions_at_doubles(&review, &trace).await;
    // AWS is not a double here.
    let outside = |action: &&str| {
        let systems = ["gitlab.", "slack.", "linear.", "jira.", "confluence."];
        systems.iter().any(|system| action.starts_with(system))
    };
    let entries = audit
        .trace(&id, &seen.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let recorded = entries
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .filter(outside);
    let mut recorded: Vec<_> = recorded.map(str::to_owned).collect();
    recorded.sort_unstable();
    assert_eq!(recorded, seen);
    for system in ["gitlab.", "slack.", "linear.", "confluence."] {
        assert!(
            seen.iter().any(|action| action.starts_with(system)),
            "{system} was not called"
        );
    }
    // A request without an audit entry would be detected.
    seen.pop();
    assert_ne!(recorded, seen);
}

/// The actions of the requests that the doubles received in this trace, sorted.
async fn actions_at_doubles(review: &StackReview, trace: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let stack = &review.stack;
    for base in [
        &stack.gitlab_url,
        &stack.slack_url,
        &stack.linear_url,
        &stack.jira_url,
        &stack.confluence_url,
    ] {
        let requests = review
            .stack
            .control(base, "GET", "/_double/requests", &Value::Null)
            .await;
        let ours = |request: &&Value| {
            request["headers"]["traceparent"]
                .as_str()
                .is_some_and(|text| text.contains(trace))
        };
        let requests = requests.as_array().cloned().unwrap_or_default();
        seen.extend(requests.iter().filter(ours).map(action));
    }
    seen.sort_unstable();
    seen
}

/// The required action of a request's entry.
fn action(request: &Value) -> String {
    let target = request["path"].as_str().unwrap();
    let path = target.split('?').next().unwrap_or_default();
    let name = match path.rsplit('/').next().unwrap_or_default() {
        "graphql" => "linear.api.find_attachments",
        "spaces" => "confluence.api.get_space",
        "pages" if request["method"] == "GET" => "confluence.api.find_page",
        "pages" => "confluence.api.create_page",
        _ if path.contains("/v2/pages/") && request["method"] == "GET" => "confluence.api.get_page",
        _ if path.contains("/v2/pages/") => "confluence.api.update_page",
        "chat.postMessage" => "slack.api.post_message",
        "conversations.history" => "slack.api.get_history",
        "approvals" => "gitlab.api.get_mr_approvals",
        "approval_state" => "gitlab.api.get_mr_approval_state",
        "resource_label_events" => "gitlab.api.get_mr_label_events",
        "versions" => "gitlab.api.get_mr_versions",
        "reviewers" => "gitlab.api.get_mr_reviewers",
        "members" => "gitlab.api.get_group_members",
        _ if path.contains("/merge_requests/") => "gitlab.api.get_mr_details",
        _ if path.contains("/users/") => "gitlab.api.get_user",
        _ => panic!("no action for the call {target}"),
    };
    name.to_owned()
}

#[tokio::test]
async fn command_line_finds_forged_delivery_by_reason() {
    let (review, audit) = (StackReview::new(HIGH), StackAudit::open().await);
    let forged = review.signed(&review.merge()).with("webhook-signature", "v1,AAAA");
    let reply = review.send(&forged).await;
    assert_eq!(reply.status, 401);
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    audit.trace(&id, &["webhook.auth.verify"]).await;

    let lines = countersign("audit --action webhook.auth --outcome failure --since 1h --format json");
    let found: Vec<_> = lines.iter().filter(|entry| entry["correlation_id"] == *id).collect();
    assert_eq!(found.len(), 1, "{lines:#?}");
    assert_eq!(found[0]["details"]["reason"], "bad_signature", "{found:#?}");
    assert!(lines.iter().all(|entry| entry["outcome"] == "failure"));

    let success = format!("audit --correlation {id} --action webhook.auth --outcome success --format json");
    let lines = countersign(&success);
    assert!(lines.is_empty(), "{lines:#?}");
}

/// The command line's output about the running stack, one entry a line.
fn countersign(words: &str) -> Vec<Value> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let done = Command::new(built("countersign"))
        .args(words.split(' '))
        .current_dir(root)
        .output()
        .unwrap();
    // 1: nothing found.
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(matches!(done.status.code(), Some(0 | 1)), "{errors}");
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
