//! The calls of Linear, Jira and Confluence: each is part of marking a merge.

use audit::Action;
use clients::MergeSummary;
use clients::confluence::RowPlace;
use doubles::Stub;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::confluence::ConfluenceEnv;
use super::super::jira::JiraEnv;
use super::super::linear::LinearEnv;
use super::super::merges::{self, approved};
use super::Row;
use super::http::seen;
use super::seen::Seen;
use super::ways::{self, Script};

const ISSUE: &str = "/rest/api/2/issue/PAY-7";

/// A row: its action, the target of its entries, and the request that the stub is for.
type Call = (Action, fn(&str) -> Value, &'static str, &'static str, MergeSummary);

pub(super) fn rows() -> Vec<Row> {
    let linear = linear_calls().into_iter().map(|(action, target, _, operation, merge)| {
        let run = move |script: Script| -> BoxFuture<'static, Seen> {
            let stub = script.stub("POST", "/graphql").map(|stub| stub.containing(operation));
            Box::pin(mark_in_linear(stub, merge.clone()))
        };
        row(action, target, ways::linear(), Box::new(run))
    });
    let jira = jira_calls().into_iter().map(|(action, target, method, path, merge)| {
        let run = move |script: Script| -> BoxFuture<'static, Seen> {
            Box::pin(mark_in_jira(script.stub(method, path), merge.clone()))
        };
        let ways = match action {
            Action::JiraGetMyself | Action::JiraAddComment | Action::JiraLinkIssue => ways::http(),
            // Their answers are empty, so they cannot be cut in half.
            Action::JiraUpdateIssue | Action::JiraTransitionIssue => ways::empty(),
            _ => ways::json(),
        };
        row(action, target, ways, Box::new(run))
    });
    let confluence = confluence_calls()
        .into_iter()
        .map(|(action, target, method, path, merge)| {
            let run = move |script: Script| -> BoxFuture<'static, Seen> {
                let exists = !matches!(action, Action::ConfluenceCreatePage);
                let is_known = matches!(action, Action::ConfluenceGetPage);
                let stub = script.stub(method, path);
                Box::pin(record_in_confluence(stub, merge.clone(), exists, is_known))
            };
            row(action, target, ways::json(), Box::new(run))
        });
    linear.chain(jira).chain(confluence).collect()
}

fn row(
    action: Action,
    target: fn(&str) -> Value,
    ways: Vec<ways::Way>,
    run: Box<dyn Fn(Script) -> BoxFuture<'static, Seen>>,
) -> Row {
    let passing = ways::passing();
    Row {
        action,
        target,
        ways,
        passing,
        run,
    }
}

fn linear_calls() -> [Call; 7] {
    let issue: fn(&str) -> Value = |_| json!({"resource_type": "linear_issue", "id": "ENG-123"});
    let label: fn(&str) -> Value = |_| json!({"resource_type": "linear_label", "id": "audited"});
    let merge_request: fn(&str) -> Value =
        |_| json!({"resource_type": "merge_request", "instance": "main", "project_id": 77, "mr_iid": 12});
    let unlinked = MergeSummary {
        mentions: Vec::new(),
        ..approved("ENG-123")
    };
    let linked = || approved("ENG-123");
    [
        (Action::LinearGetIssue, issue, "", "issue(id", linked()),
        (
            Action::LinearFindAttachments,
            merge_request,
            "",
            "attachmentsForURL",
            unlinked,
        ),
        (Action::LinearFindLabels, label, "", "issueLabels", linked()),
        (Action::LinearCreateLabel, label, "", "issueLabelCreate", linked()),
        (Action::LinearUpdateIssue, issue, "", "issueUpdate", linked()),
        (Action::LinearCreateAttachment, issue, "", "attachmentCreate", linked()),
        (Action::LinearCreateComment, issue, "", "commentCreate", linked()),
    ]
}

fn jira_calls() -> [Call; 8] {
    let issue: fn(&str) -> Value = |_| json!({"resource_type": "jira_issue", "id": "PAY-7"});
    let site: fn(&str) -> Value = |_| json!({"resource_type": "jira", "id": "127.0.0.1"});
    let linked = || approved("PAY-7");
    [
        (
            Action::JiraGetMyself,
            site,
            "GET",
            "/rest/api/2/myself",
            approved("PAY-404"),
        ),
        (Action::JiraGetIssue, issue, "GET", ISSUE, linked()),
        (Action::JiraUpdateIssue, issue, "PUT", ISSUE, linked()),
        (
            Action::JiraGetTransitions,
            issue,
            "GET",
            "/rest/api/2/issue/PAY-7/transitions",
            linked(),
        ),
        (
            Action::JiraTransitionIssue,
            issue,
            "POST",
            "/rest/api/2/issue/PAY-7/transitions",
            linked(),
        ),
        (
            Action::JiraGetComments,
            issue,
            "GET",
            "/rest/api/2/issue/PAY-7/comment",
            linked(),
        ),
        (
            Action::JiraAddComment,
            issue,
            "POST",
            "/rest/api/2/issue/PAY-7/comment",
            linked(),
        ),
        (
            Action::JiraLinkIssue,
            issue,
            "POST",
            "/rest/api/2/issue/PAY-7/remotelink",
            linked(),
        ),
    ]
}

fn confluence_calls() -> [Call; 5] {
    let space: fn(&str) -> Value = |_| json!({"resource_type": "confluence_space", "id": "SEC"});
    let titled: fn(&str) -> Value = |_| json!({"resource_type": "confluence_page", "id": "Security review audit"});
    let page: fn(&str) -> Value = |_| json!({"resource_type": "confluence_page", "id": "7001"});
    let linked = || approved("ENG-123");
    [
        (
            Action::ConfluenceGetSpace,
            space,
            "GET",
            "/wiki/api/v2/spaces",
            linked(),
        ),
        (
            Action::ConfluenceFindPage,
            titled,
            "GET",
            "/wiki/api/v2/pages",
            linked(),
        ),
        (
            Action::ConfluenceGetPage,
            page,
            "GET",
            "/wiki/api/v2/pages/7001",
            linked(),
        ),
        (
            Action::ConfluenceCreatePage,
            titled,
            "POST",
            "/wiki/api/v2/pages",
            linked(),
        ),
        (
            Action::ConfluenceUpdatePage,
            page,
            "PUT",
            "/wiki/api/v2/pages/7001",
            linked(),
        ),
    ]
}

async fn mark_in_linear(stub: Option<Stub>, merge: MergeSummary) -> Seen {
    let env = LinearEnv::start(stub.as_ref()).await;
    let _ = merges::mark_in_linear(&env.client, &merge, &merges::linear(), false).await;
    seen(&env.double, &env.lines)
}

async fn mark_in_jira(stub: Option<Stub>, merge: MergeSummary) -> Seen {
    let env = JiraEnv::start(stub.as_ref()).await;
    let _ = merges::mark_in_jira(&env.client, &merge, &merges::jira(), false).await;
    seen(&env.double, &env.lines)
}

async fn record_in_confluence(stub: Option<Stub>, merge: MergeSummary, exists: bool, is_known: bool) -> Seen {
    let env = ConfluenceEnv::start(stub.as_ref()).await;
    if exists {
        env.put_page();
    }
    let place = RowPlace {
        latest: is_known.then(|| "7001".to_owned()),
        ..RowPlace::default()
    };
    let _ = env.record_as(&merge, &merges::confluence(), &place, false).await;
    seen(&env.double, &env.lines)
}
