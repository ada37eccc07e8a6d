//! Which call a double received, derived from the request alone.

use std::collections::BTreeMap;

use doubles::Recorded;

/// Counts by action.
pub(super) type Counts = BTreeMap<&'static str, u64>;

pub(super) fn add(to: &mut Counts, more: &Counts) {
    for (action, count) in more {
        *to.entry(action).or_default() += count;
    }
}

pub(super) fn count(requests: &[Recorded]) -> Counts {
    let mut counts = Counts::new();
    for request in requests {
        *counts.entry(action(request)).or_default() += 1;
    }
    counts
}

/// The action of a request. Written out again, so that a client cannot call one thing and audit another.
fn action(request: &Recorded) -> &'static str {
    if let Some(target) = request.headers.get("x-amz-target") {
        return match target.as_str() {
            "AmazonSQS.SendMessage" | "AmazonSQS.SendMessageBatch" => "sqs.api.send_message",
            "AWSEvents.PutEvents" => "eventbridge.api.put_events",
            "secretsmanager.GetSecretValue" => "secretsmanager.api.get_secret_value",
            "secretsmanager.DescribeSecret" => "secretsmanager.api.describe_secret",
            "secretsmanager.PutSecretValue" => "secretsmanager.api.put_secret_value",
            "secretsmanager.UpdateSecretVersionStage" => "secretsmanager.api.update_secret_version_stage",
            other => panic!("no action for {other}"),
        };
    }
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["api", "v4", "projects", _, "merge_requests", _]) => "gitlab.api.get_mr_details",
        ("GET", ["api", "v4", "projects", _, "merge_requests", _, "approvals"]) => "gitlab.api.get_mr_approvals",
        ("GET", ["api", "v4", "projects", _, "merge_requests", _, "approval_state"]) => {
            "gitlab.api.get_mr_approval_state"
        }
        ("GET", ["api", "v4", "projects", _, "merge_requests", _, "resource_label_events"]) => {
            "gitlab.api.get_mr_label_events"
        }
        ("GET", ["api", "v4", "projects", _, "merge_requests", _, "versions"]) => "gitlab.api.get_mr_versions",
        ("GET", ["api", "v4", "projects", _, "merge_requests", _, "reviewers"]) => "gitlab.api.get_mr_reviewers",
        ("GET", ["api", "v4", "groups", _, "members"]) => "gitlab.api.get_group_members",
        ("GET", ["api", "v4", "users", _]) => "gitlab.api.get_user",
        ("POST", ["api", "chat.postMessage"]) => "slack.api.post_message",
        ("POST", ["api", "chat.update"]) => "slack.api.update_message",
        ("GET", ["api", "conversations.history"]) => "slack.api.get_history",
        ("POST", ["api", "graphql"]) => "gitlab.api.get_mr_committers",
        ("POST", ["graphql"]) => graphql(request),
        ("GET", ["rest", "api", "2", "myself"]) => "jira.api.get_myself",
        ("GET", ["rest", "api", "2", "issue", _]) => "jira.api.get_issue",
        ("PUT", ["rest", "api", "2", "issue", _]) => "jira.api.update_issue",
        ("GET", ["rest", "api", "2", "issue", _, "transitions"]) => "jira.api.get_transitions",
        ("POST", ["rest", "api", "2", "issue", _, "transitions"]) => "jira.api.transition_issue",
        ("GET", ["rest", "api", "2", "issue", _, "comment"]) => "jira.api.get_comments",
        ("POST", ["rest", "api", "2", "issue", _, "comment"]) => "jira.api.add_comment",
        ("POST", ["rest", "api", "2", "issue", _, "remotelink"]) => "jira.api.link_issue",
        ("GET", ["wiki", "api", "v2", "spaces"]) => "confluence.api.get_space",
        ("GET", ["wiki", "api", "v2", "pages", _]) => "confluence.api.get_page",
        ("GET", ["wiki", "api", "v2", "pages"]) => "confluence.api.find_page",
        ("POST", ["wiki", "api", "v2", "pages"]) => "confluence.api.create_page",
        ("PUT", ["wiki", "api", "v2", "pages", _]) => "confluence.api.update_page",
        ("PUT", ["response"]) => "cloudformation.api.respond",
        ("POST", ["in"]) => "siem.api.post_events",
        ("POST", ["v1", "traces"]) => "otlp.api.export_traces",
        (method, _) => panic!("no action for {method} {path}"),
    }
}

/// The requested Linear operation.
fn graphql(request: &Recorded) -> &'static str {
    let query = request.body["query"].as_str().unwrap_or_default();
    let operations = [
        ("attachmentsForURL(", "linear.api.find_attachments"),
        ("issueLabels(", "linear.api.find_labels"),
        ("issueLabelCreate(", "linear.api.create_label"),
        ("issueUpdate(", "linear.api.update_issue"),
        ("attachmentCreate(", "linear.api.create_attachment"),
        ("commentCreate(", "linear.api.create_comment"),
        ("issue(", "linear.api.get_issue"),
    ];
    let asked = operations.iter().find(|(operation, _)| query.contains(operation));
    asked.map_or_else(|| panic!("no action for {query}"), |(_, action)| action)
}
