//! One row for each call of each client. A call without a row fails `every_call_action_is_driven_by_a_row`.

use audit::Action;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::seen::Seen;
use super::ways::{self, Script};
use super::{Row, aws, connectors, http};

/// Every call.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = gitlab();
    rows.extend(slack());
    rows.extend(amazon());
    rows.extend(receivers());
    rows.extend(connectors::rows());
    rows
}

fn gitlab() -> Vec<Row> {
    let merge_request: fn(&str) -> Value =
        |_| json!({"resource_type": "merge_request", "instance": "main", "project_id": 77, "mr_iid": 12});
    let group: fn(&str) -> Value = |_| json!({"resource_type": "group", "instance": "main", "id": "4242"});
    let user: fn(&str) -> Value = |_| json!({"resource_type": "user", "instance": "main", "id": "501"});
    let below = "/api/v4/projects/77/merge_requests/12";
    let rows = [
        (Action::GitlabGetMrDetails, below.to_owned(), merge_request),
        (
            Action::GitlabGetMrApprovals,
            format!("{below}/approvals"),
            merge_request,
        ),
        (
            Action::GitlabGetMrApprovalState,
            format!("{below}/approval_state"),
            merge_request,
        ),
        (
            Action::GitlabGetMrLabelEvents,
            format!("{below}/resource_label_events"),
            merge_request,
        ),
        (Action::GitlabGetMrVersions, format!("{below}/versions"), merge_request),
        (
            Action::GitlabGetMrReviewers,
            format!("{below}/reviewers"),
            merge_request,
        ),
        (
            Action::GitlabGetGroupMembers,
            "/api/v4/groups/4242/members".to_owned(),
            group,
        ),
        (Action::GitlabGetUser, "/api/v4/users/501".to_owned(), user),
    ];
    let gets = rows.map(|(action, path, target)| (action, "GET", path, target));
    let committers = (
        Action::GitlabGetMrCommitters,
        "POST",
        "/api/graphql".to_owned(),
        merge_request,
    );
    let rows = gets
        .into_iter()
        .chain([committers])
        .map(|(action, method, path, target)| Row {
            action,
            target,
            ways: ways::json(),
            passing: ways::passing(),
            run: Box::new(move |script| Box::pin(http::merge_facts(script.stub(method, &path)))),
        });
    rows.collect()
}

fn slack() -> [Row; 3] {
    let channel: fn(&str) -> Value = |_| json!({"resource_type": "slack_channel", "id": "C0SECLEAD"});
    let row = |action, run: fn(Script) -> BoxFuture<'static, Seen>| Row {
        action,
        target: channel,
        ways: ways::slack(),
        passing: ways::passing(),
        run: Box::new(run),
    };
    [
        row(Action::SlackPostMessage, |script| {
            Box::pin(http::post_message(script.stub("POST", "/api/chat.postMessage")))
        }),
        row(Action::SlackUpdateMessage, |script| {
            Box::pin(http::update_message(script.stub("POST", "/api/chat.update")))
        }),
        row(Action::SlackGetHistory, |script| {
            Box::pin(http::find_message(script.stub("GET", "/api/conversations.history")))
        }),
    ]
}

fn amazon() -> [Row; 7] {
    let row = |action, target, unknown, run: fn(Script) -> BoxFuture<'static, Seen>| Row {
        action,
        target,
        ways: ways::aws(unknown),
        passing: ways::passing(),
        run: Box::new(run),
    };
    let secret = |action, run| {
        let target: fn(&str) -> Value = |_| json!({"resource_type": "secret", "id": "countersign/webhook"});
        row(action, target, "ResourceNotFoundException", run)
    };
    let no_queue = "com.amazonaws.sqs#QueueDoesNotExist";
    [
        row(
            Action::SqsSendMessage,
            |_| json!({"resource_type": "queue", "id": "deliveries.fifo"}),
            no_queue,
            |script| Box::pin(aws::send(script.stub("POST", "/"))),
        ),
        row(
            Action::SqsSendMessage,
            |_| json!({"resource_type": "queue", "id": "audit-retry"}),
            no_queue,
            |script| Box::pin(aws::send_unordered(script.stub("POST", "/"))),
        ),
        row(
            Action::EventBridgePutEvents,
            |_| json!({"resource_type": "event_bus", "id": "ledger"}),
            "ResourceNotFoundException",
            |script| Box::pin(aws::put_event(script.stub("POST", "/"))),
        ),
        secret(Action::SecretsManagerGetSecretValue, |script| {
            Box::pin(aws::get_secret(script.stub("POST", "/")))
        }),
        secret(Action::SecretsManagerDescribeSecret, |script| {
            Box::pin(aws::describe_secret(script.stub("POST", "/")))
        }),
        secret(Action::SecretsManagerPutSecretValue, |script| {
            Box::pin(aws::put_secret_value(script.stub("POST", "/")))
        }),
        secret(Action::SecretsManagerUpdateSecretVersionStage, |script| {
            Box::pin(aws::update_secret_version_stage(script.stub("POST", "/")))
        }),
    ]
}

fn receivers() -> [Row; 4] {
    let row = |action, target, run: fn(Script) -> BoxFuture<'static, Seen>| Row {
        action,
        target,
        ways: ways::http(),
        passing: ways::passing(),
        run: Box::new(run),
    };
    [
        row(
            Action::CloudFormationRespond,
            |_| json!({"resource_type": "custom_resource", "id": "Migration"}),
            |script| Box::pin(http::respond(script.stub("PUT", "/response"))),
        ),
        row(
            Action::SiemPostEvents,
            |address| json!({"resource_type": "audit_receiver", "id": address}),
            |script| Box::pin(http::post_events(script.stub("POST", "/in"))),
        ),
        row(
            Action::OtlpExportTraces,
            |address| json!({"resource_type": "collector", "id": address}),
            |script| Box::pin(http::export(script.stub("POST", "/v1/traces"))),
        ),
        Row {
            action: Action::SiemSendSyslog,
            target: |address| json!({"resource_type": "audit_receiver", "id": format!("tcp://{address}")}),
            ways: ways::syslog(),
            passing: vec![],
            run: Box::new(|script| Box::pin(http::send_syslog(script))),
        },
    ]
}
