//! Linear's behaviour over HTTP.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attachment, Comment, LinearDouble, RateLimited, start};
use crate::loopback::{Reply, send};
use crate::{Fault, Stub};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("authorization", "lin_api_test");
const COMMENT: &str = "8f14e45f-ceea-467f-a8f5-0b6a1c2d3e4f";

fn post(linear: &LinearDouble, headers: &[(&str, &str)], body: &Value) -> Reply {
    send(&linear.url(), "POST", "/graphql", headers, &body.to_string())
}

/// The answer to a query with variables.
fn ask(linear: &LinearDouble, query: &str, variables: &Value) -> Reply {
    post(linear, &[JSON, KEY], &json!({"query": query, "variables": variables}))
}

/// The data of an answer without errors.
fn data(linear: &LinearDouble, query: &str, variables: &Value) -> Value {
    let reply = ask(linear, query, variables);
    let body = reply.json();
    assert_eq!((reply.status, body.get("errors")), (200, None), "{body}");
    body["data"].clone()
}

/// Status, message, code and user-facing text of an answer's only error.
fn error(reply: &Reply) -> (u16, String, String, String) {
    let body = reply.json();
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    let error = &body["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        reply.status,
        text(&error["message"]),
        text(&error["extensions"]["code"]),
        text(&error["extensions"]["userPresentableMessage"]),
    )
}

fn input_error(message: &str, presentable: &str) -> (u16, String, String, String) {
    (
        200,
        message.to_owned(),
        "INPUT_ERROR".to_owned(),
        presentable.to_owned(),
    )
}

fn update(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation =
        "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }";
    ask(linear, mutation, &json!({"id": "ENG-123", "input": input}))
}

fn create_label(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation = "mutation($input: IssueLabelCreateInput!) {
        issueLabelCreate(input: $input) { success lastSyncId issueLabel { id name color team { key } } } }";
    ask(linear, mutation, &json!({ "input": input }))
}

fn attach(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation = "mutation($input: AttachmentCreateInput!) {
        attachmentCreate(input: $input) { success attachment { id url title subtitle metadata } } }";
    ask(linear, mutation, &json!({ "input": input }))
}

fn comment(linear: &LinearDouble, input: &Value) -> Reply {
    let mutation = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { comment { id body } } }";
    ask(linear, mutation, &json!({ "input": input }))
}

#[tokio::test]
async fn default_world_has_one_issue_in_progress() {
    let linear = start().await;
    let issue = linear.issue("eng-123").unwrap();
    assert_eq!(
        (issue.identifier.as_str(), issue.state.as_str(), issue.labels),
        ("ENG-123", "In Progress", vec!["backend".to_owned()])
    );
    let query = "query($id: String!) { issue(id: $id) { team { key states { nodes { name type position } } } } }";
    let team = data(&linear, query, &json!({"id": "ENG-123"}));
    let states: Vec<_> = team["issue"]["team"]["states"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| (state["name"].as_str().unwrap(), state["type"].as_str().unwrap()))
        .collect();
    let expected = [
        ("Backlog", "backlog"),
        ("Todo", "unstarted"),
        ("In Progress", "started"),
        ("Done", "completed"),
        ("Canceled", "canceled"),
        ("Duplicate", "duplicate"),
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn an_answer_holds_exactly_the_fields_selected() {
    let linear = start().await;
    let query = "query Read($id: String!, $labels: Int) {
        one: issue(id: $id) { ...facts labels(first: $labels) { nodes { name } pageInfo { hasNextPage endCursor } } }
        viewer { __typename }
    }
    fragment facts on Issue { identifier title url branchName trashed archivedAt completedAt state { name } }";
    let backend = linear.world(|world| world.label(Some("ENG"), "backend"));
    let answer = data(&linear, query, &json!({"id": "eng-123", "labels": 1}));
    assert_eq!(
        answer,
        json!({
            "one": {
                "identifier": "ENG-123", "title": "Rotate the signing keys",
                "url": "https://linear.app/countersign-test/issue/ENG-123/rotate-the-signing-keys",
                "branchName": "eng-123-rotate-the-signing-keys",
                "trashed": null, "archivedAt": null, "completedAt": null, "state": {"name": "In Progress"},
                "labels": {"nodes": [{"name": "backend"}], "pageInfo": {"hasNextPage": false, "endCursor": backend}},
            },
            "viewer": {"__typename": "User"},
        })
    );
    let id = data(&linear, r#"{ issue(id: "ENG-123") { id } }"#, &json!({}))["issue"]["id"].clone();
    let by_id = data(
        &linear,
        "query($id: String!) { issue(id: $id) { identifier } }",
        &json!({ "id": id }),
    );
    assert_eq!(by_id, json!({"issue": {"identifier": "ENG-123"}}));
}

#[tokio::test]
async fn a_query_against_the_schema_is_refused() {
    let linear = start().await;
    for (query, code) in [
        ("{ issue(id: \"ENG-123\") { colour } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ issue { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { issue(id: $id) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ issue(id: ", "GRAPHQL_PARSE_FAILED"),
        ("query($id: String!) { issue(id: $id) { id } }", "BAD_USER_INPUT"),
        (
            "query A { viewer { id } } query B { viewer { id } }",
            "OPERATION_RESOLUTION_FAILURE",
        ),
    ] {
        let reply = ask(&linear, query, &json!({}));
        let body = reply.json();
        assert_eq!(
            (reply.status, &body["errors"][0]["extensions"]["code"], body.get("data")),
            (400, &json!(code), None),
            "{query}: {body}"
        );
    }
    let two = json!({"query": "query A { viewer { id } } query B { __typename }", "operationName": "B"});
    assert_eq!(
        post(&linear, &[JSON, KEY], &two).json()["data"],
        json!({"__typename": "Query"})
    );
    assert_eq!(
        post(&linear, &[KEY], &two).json()["errors"][0]["extensions"]["code"],
        "BAD_REQUEST"
    );
    assert_eq!(send(&linear.url(), "POST", "/", &[JSON, KEY], "{}").status, 404);
}

#[tokio::test]
async fn a_query_that_costs_too_much_is_refused() {
    let linear = start().await;
    let query = "query($first: Int) { attachmentsForURL(url: \"x\", first: $first) {
        nodes { issue { labels { nodes { id } } comments { nodes { id } } team { states { nodes { id } } } } } } }";
    let (status, message, code, _) = error(&ask(&linear, query, &json!({"first": 100})));
    assert_eq!(
        (status, message.as_str(), code.as_str()),
        (400, "Query too complex", "INPUT_ERROR")
    );
    let small = ask(&linear, "{ viewer { id } }", &json!({}));
    assert_eq!(small.header("x-complexity"), Some("2"));
}

#[tokio::test]
async fn keys_and_tokens_are_checked_as_by_linear() {
    let linear = start().await;
    let query = json!({"query": "{ viewer { id } }"});
    let status = |authorization: &[(&str, &str)]| {
        let headers: Vec<_> = [JSON].iter().chain(authorization).copied().collect();
        let reply = post(&linear, &headers, &query);
        (reply.status, reply.json()["errors"][0]["extensions"]["code"].clone())
    };
    let unauthenticated = (401, json!("AUTHENTICATION_ERROR"));
    assert_eq!(status(&[]), unauthenticated);
    assert_eq!(status(&[("authorization", "oauth-token")]), unauthenticated);
    assert_eq!(status(&[("authorization", "Bearer oauth-token")]), (200, json!(null)));
    assert_eq!(
        status(&[("authorization", "Bearer lin_api_test")]),
        (400, json!("AUTHENTICATION_ERROR"))
    );
    linear.world(|world| world.token = Some("lin_api_test".to_owned()));
    assert_eq!(status(&[("authorization", "lin_api_other")]), unauthenticated);
    assert_eq!(status(&[KEY]), (200, json!(null)));
    let wrong = post(&linear, &[JSON], &query);
    assert_eq!(
        error(&wrong),
        (
            401,
            "Authentication required, not authenticated".to_owned(),
            "AUTHENTICATION_ERROR".to_owned(),
            "You need to authenticate to access this operation.".to_owned()
        )
    );
    assert_eq!(wrong.json().get("data"), None);
}

#[tokio::test]
async fn missing_entity_is_an_error_with_status_200() {
    let linear = start().await;
    let missing = ask(&linear, "{ issue(id: \"ENG-999\") { id } }", &json!({}));
    assert_eq!(
        missing.json(),
        json!({"data": null, "errors": [{
            "message": "Entity not found: Issue", "path": ["issue"], "locations": [{"line": 1, "column": 3}],
            "extensions": {
                "type": "invalid input", "code": "INPUT_ERROR", "statusCode": 400, "userError": true,
                "userPresentableMessage": "Could not find referenced Issue.",
            },
        }]})
    );
    assert_eq!(missing.status, 200);
    let query = format!("{{ comment(id: \"{COMMENT}\") {{ id }} }}");
    let no_comment = input_error("Entity not found: Comment", "Could not find referenced Comment.");
    assert_eq!(error(&ask(&linear, &query, &json!({}))), no_comment);
    linear.world(|world| world.errors_as_400 = true);
    assert_eq!(ask(&linear, &query, &json!({})).status, 400);
}

#[tokio::test]
async fn every_answer_has_limits_exhausted_after_a_refusal() {
    let linear = start().await;
    let first = ask(&linear, "{ viewer { id } }", &json!({}));
    for (name, value) in [
        ("x-ratelimit-requests-limit", "2500"),
        ("x-ratelimit-requests-remaining", "2499"),
        ("x-ratelimit-complexity-limit", "3000000"),
        ("x-ratelimit-complexity-remaining", "2999999"),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    linear.world(|world| {
        world.rate_limited = Some(RateLimited {
            times: Some(1),
            reset_in_ms: 90_000,
        });
    });
    let refused = ask(&linear, "{ viewer { id } }", &json!({}));
    let (status, message, code, _) = error(&refused);
    assert_eq!((status, code.as_str()), (400, "RATELIMITED"));
    assert!(
        message.starts_with("Rate limit exceeded. Only 2500 requests"),
        "{message}"
    );
    assert_eq!(refused.header("x-ratelimit-requests-remaining"), Some("0"));
    let reset: i64 = refused.header("x-ratelimit-requests-reset").unwrap().parse().unwrap();
    let asked: Timestamp = linear.requests()[1].time;
    assert_eq!(reset - asked.as_millisecond(), 90_000);
    assert_eq!(
        refused.header("x-ratelimit-complexity-reset"),
        Some(reset.to_string().as_str())
    );
    let unknown = post(&linear, &[JSON], &json!({}));
    assert_eq!(
        (unknown.status, unknown.header("x-ratelimit-requests-limit")),
        (401, Some("2500"))
    );
    assert_eq!(ask(&linear, "{ viewer { id } }", &json!({})).status, 200);
}

#[tokio::test]
async fn labels_are_found_by_name_and_team() {
    let linear = start().await;
    linear.world(|world| {
        world.team("OPS", "Operations");
        world.label(Some("OPS"), "Backend");
        world.label(None, "urgent");
    });
    let query = "query($filter: IssueLabelFilter, $after: String, $first: Int) {
        issueLabels(filter: $filter, after: $after, first: $first) {
            nodes { name team { key } } pageInfo { hasNextPage endCursor } } }";
    let names = |filter: Value| -> Vec<String> {
        let labels = data(&linear, query, &json!({ "filter": filter }));
        let mut names: Vec<_> = labels["issueLabels"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| {
                let team = label["team"]["key"].as_str().unwrap_or("-");
                format!("{team} {}", label["name"].as_str().unwrap())
            })
            .collect();
        names.sort();
        names
    };
    let team = linear.world(|world| world.teams["ENG"].id.clone());
    assert_eq!(names(json!({"name": {"eq": "backend"}})), ["ENG backend"]);
    assert_eq!(
        names(json!({"name": {"eqIgnoreCase": "BACKEND"}})),
        ["ENG backend", "OPS Backend"]
    );
    assert_eq!(
        names(json!({"name": {"in": ["urgent", "backend"]}})),
        ["- urgent", "ENG backend"]
    );
    let in_team = json!({"name": {"eqIgnoreCase": "Backend"}, "team": {"id": {"eq": team}}});
    assert_eq!(names(in_team), ["ENG backend"]);
    assert_eq!(names(json!({"team": {"null": true}})), ["- urgent"]);
    let either = json!({"or": [{"team": {"null": true}}, {"team": {"key": {"eq": "OPS"}}}], "isGroup": {"eq": false}});
    assert_eq!(names(either), ["- urgent", "OPS Backend"]);

    let page = data(&linear, query, &json!({"first": 2}));
    let info = &page["issueLabels"]["pageInfo"];
    assert_eq!(info["hasNextPage"], true);
    let last = data(&linear, query, &json!({"first": 2, "after": info["endCursor"]}));
    assert_eq!(last["issueLabels"]["nodes"].as_array().map(Vec::len), Some(1));
    assert_eq!(last["issueLabels"]["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn an_update_changes_state_and_labels() {
    let linear = start().await;
    let (done, high, backend, todo) = linear.world(|world| {
        let done = world.state_id("ENG", "Done").unwrap();
        let todo = world.state_id("ENG", "Todo").unwrap();
        (
            done,
            world.label(Some("ENG"), "high"),
            world.label(Some("ENG"), "backend"),
            todo,
        )
    });
    assert_eq!(
        update(&linear, &json!({"stateId": done, "addedLabelIds": [high]})).status,
        200
    );
    let issue = linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["backend".to_owned(), "high".to_owned()])
    );
    let query = "{ issue(id: \"ENG-123\") { completedAt canceledAt } }";
    let times = data(&linear, query, &json!({}));
    assert!(
        times["issue"]["completedAt"].as_str().unwrap().ends_with('Z'),
        "{times}"
    );
    update(&linear, &json!({"stateId": todo, "removedLabelIds": [backend]}));
    let issue = linear.issue("ENG-123").unwrap();
    assert_eq!((issue.state.as_str(), issue.labels), ("Todo", vec!["high".to_owned()]));
    assert_eq!(data(&linear, query, &json!({}))["issue"]["completedAt"], json!(null));
    update(&linear, &json!({"labelIds": [backend]}));
    assert_eq!(linear.issue("ENG-123").unwrap().labels, ["backend"]);
}

#[tokio::test]
async fn invalid_update_changes_nothing() {
    let linear = start().await;
    let (theirs, label, group) = linear.world(|world| {
        world.team("OPS", "Operations");
        let group = world.label(Some("ENG"), "security");
        world.labels.get_mut(&group).unwrap().is_group = true;
        (
            world.state_id("OPS", "Done").unwrap(),
            world.label(Some("OPS"), "high"),
            group,
        )
    });
    let before = linear.issue("ENG-123");
    let discrepancy = "Discrepancy between issue team and state, cycle or project.";
    let grouped = "The label 'security' is a group and cannot be assigned to issues directly.";
    for (input, message, presentable) in [
        (json!({"stateId": theirs}), discrepancy, discrepancy),
        (
            json!({"addedLabelIds": [label]}),
            "labelIds for incorrect team",
            "The label 'high' is not associated with the same team as the issue.",
        ),
        (json!({"labelIds": [group]}), grouped, grouped),
        (
            json!({"title": "x", "labelIds": ["nowhere"]}),
            "Entity not found in validateAccess: labelIds",
            "labelIds contained an entry that could not be found.",
        ),
    ] {
        assert_eq!(
            error(&update(&linear, &input)),
            input_error(message, presentable),
            "{input}"
        );
    }
    assert_eq!(linear.issue("ENG-123"), before);
}

#[tokio::test]
async fn label_is_unique_in_team_and_workspace() {
    let linear = start().await;
    let (eng, ops) = linear.world(|world| {
        world.label(None, "urgent");
        (
            world.teams["ENG"].id.clone(),
            world.team("OPS", "Operations").id.clone(),
        )
    });
    let created = create_label(&linear, &json!({"name": "high", "teamId": eng, "color": "#ff0000"})).json();
    let payload = &created["data"]["issueLabelCreate"];
    assert_eq!(
        (
            &payload["success"],
            &payload["lastSyncId"],
            &payload["issueLabel"]["team"]["key"]
        ),
        (&json!(true), &json!(1.0), &json!("ENG")),
        "{created}"
    );
    for (input, said) in [
        (
            json!({"name": "High", "teamId": eng}),
            "Label \"high\" already exists in team ENG.",
        ),
        (
            json!({"name": "urgent", "teamId": eng}),
            "Label \"urgent\" already exists in the workspace.",
        ),
        (json!({"name": "HIGH"}), "Label \"high\" already exists in team ENG."),
    ] {
        let refused = error(&create_label(&linear, &input));
        assert_eq!(refused, input_error("duplicate label name", said), "{input}");
    }
    assert_eq!(
        create_label(&linear, &json!({"name": "high", "teamId": ops})).status,
        200
    );
    assert_eq!(linear.labels(Some("ENG")), ["backend", "high"]);
    assert_eq!(
        (linear.labels(Some("OPS")), linear.labels(None)),
        (vec!["high".to_owned()], vec!["urgent".to_owned()])
    );
    let no_team = error(&create_label(&linear, &json!({"name": "x", "teamId": "nowhere"})));
    assert_eq!(
        no_team,
        input_error("Entity not found: Team", "Could not find referenced Team.")
    );
}

#[tokio::test]
async fn attachment_with_a_known_url_is_updated() {
    let linear = start().await;
    linear.world(|world| {
        world.issue("ENG-124", "Another");
        world.issue("ENG-125", "Gone").trashed = true;
    });
    let input = |issue: &str, title: &str| json!({"issueId": issue, "url": "https://gitlab.example/1", "title": title, "subtitle": "open", "metadata": {"n": 1}});
    let first = attach(&linear, &input("ENG-123", "!1")).json();
    let second = attach(&linear, &input("eng-123", "!1 merged")).json();
    let other = attach(&linear, &input("ENG-124", "!1")).json();
    let id = |answer: &Value| answer["data"]["attachmentCreate"]["attachment"]["id"].clone();
    assert_eq!(
        (id(&first) == id(&second), id(&first) == id(&other)),
        (true, false),
        "{first} {second} {other}"
    );
    let issue = linear.issue("ENG-123").unwrap();
    assert_eq!(issue.attachment_urls(), ["https://gitlab.example/1"]);
    assert_eq!(issue.attachments[0].title, "!1 merged");

    let query = "query($url: String!) { attachmentsForURL(url: $url, first: 10) {
        nodes { url metadata issue { identifier state { name } } } } }";
    let found = data(&linear, query, &json!({"url": "https://gitlab.example/1"}));
    let issues: Vec<_> = found["attachmentsForURL"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["issue"]["identifier"].as_str().unwrap(), node["metadata"].clone()))
        .collect();
    assert_eq!(issues, [("ENG-123", json!({"n": 1})), ("ENG-124", json!({"n": 1}))]);
    let query = "query($url: String!) { issue(id: \"ENG-123\") {
        attachments(filter: {url: {eq: $url}}) { nodes { title } } } }";
    let none = data(&linear, query, &json!({"url": "https://gitlab.example/2"}));
    assert_eq!(none["issue"]["attachments"]["nodes"], json!([]));
    let gone = error(&attach(&linear, &input("ENG-125", "!1")));
    assert_eq!(
        gone,
        input_error("Entity not found: Issue", "Could not find referenced Issue.")
    );
    assert_eq!(
        data(&linear, "{ issue(id: \"ENG-125\") { trashed } }", &json!({}))["issue"]["trashed"],
        true
    );
}

#[tokio::test]
async fn comment_is_created_once_under_its_chosen_id() {
    let linear = start().await;
    let input = json!({"id": COMMENT, "issueId": "ENG-123", "body": "Approved"});
    let created = comment(&linear, &input).json();
    assert_eq!(
        created["data"]["commentCreate"]["comment"],
        json!({"id": COMMENT, "body": "Approved"})
    );
    assert_eq!(
        error(&comment(&linear, &input)),
        input_error(
            "conflict on insert of Comment",
            &format!("Entity Comment with id {COMMENT} already exists.")
        )
    );
    let wrong = comment(
        &linear,
        &json!({"id": "0198f000-0000-7000-8000-000000000000", "issueId": "ENG-123", "body": "x"}),
    );
    assert_eq!(error(&wrong).2, "INVALID_INPUT");
    let query = "query($id: ID, $text: String!) { comment(id: $text) { issue { identifier } }
        issue(id: \"ENG-123\") { comments(filter: {id: {eq: $id}}) { nodes { body } } } }";
    let read = data(&linear, query, &json!({"id": COMMENT, "text": COMMENT}));
    assert_eq!(
        read,
        json!({
            "comment": {"issue": {"identifier": "ENG-123"}},
            "issue": {"comments": {"nodes": [{"body": "Approved"}]}},
        })
    );
    let body = "Approved".to_owned();
    assert_eq!(
        linear.issue("ENG-123").unwrap().comments,
        [Comment {
            id: COMMENT.to_owned(),
            body
        }]
    );
}

#[tokio::test]
async fn a_key_that_may_only_read_changes_nothing() {
    let linear = start().await;
    linear.world(|world| world.read_only = true);
    let (status, message, code, _) = error(&update(&linear, &json!({"title": "x"})));
    assert_eq!(
        (status, message.as_str(), code.as_str()),
        (400, "Invalid scope: `write` required", "FORBIDDEN")
    );
    assert_eq!(linear.issue("ENG-123").unwrap().title, "Rotate the signing keys");
    data(&linear, "{ viewer { id } }", &json!({}));
}

#[tokio::test]
async fn a_query_can_be_answered_in_part() {
    let linear = start().await;
    linear.world(|world| world.partial_errors = true);
    let query = "{ issue(id: \"ENG-123\") { identifier trashed archivedAt } }";
    let reply = ask(&linear, query, &json!({}));
    let body = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(
        body["data"],
        json!({"issue": {"identifier": "ENG-123", "trashed": null, "archivedAt": null}})
    );
    assert_eq!(
        (
            &body["errors"][0]["path"],
            &body["errors"][0]["extensions"]["code"],
            &body["errors"][1]
        ),
        (
            &json!(["issue", "trashed"]),
            &json!("INTERNAL_SERVER_ERROR"),
            &json!(null)
        )
    );
    let whole = ask(&linear, "{ issue(id: \"ENG-123\") { id } }", &json!({})).json();
    assert_eq!(
        (whole["data"]["issue"]["id"].is_string(), whole["errors"][0].get("path")),
        (true, None)
    );
}

#[tokio::test]
async fn a_merge_patch_makes_a_world() {
    let linear = start().await;
    let patch = json!({
        "labels": {"5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11": {"name": "security::high", "team": "ENG"}},
        "issues": {"ENG-124": {
            "title": "Patched", "state": "Done", "labels": ["5d8f4c1e-0b1a-4c53-9b0e-7a4f6f2f9c11"],
            "attachments": [{"url": "https://gitlab.example/7", "title": "!7"}], "comments": [{"body": "Hello"}],
        }},
    });
    linear.patch(patch).unwrap();
    let issue = linear.issue("ENG-124").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["security::high".to_owned()])
    );
    let Attachment { id, url, .. } = &issue.attachments[0];
    assert_eq!(
        (id.len(), url.as_str(), issue.comments[0].body.as_str()),
        (36, "https://gitlab.example/7", "Hello")
    );
    linear.patch(json!({"colour": "red"})).unwrap_err();
    linear.reset();
    assert_eq!(linear.issue("ENG-124"), None);
}

#[tokio::test]
async fn post_then_reset_keeps_the_comment() {
    let linear = start().await;
    let fault = Stub::failing("POST", "/graphql", Fault::PostThenReset).times(1);
    linear.stub(fault).unwrap();
    let input = json!({"id": COMMENT, "issueId": "ENG-123", "body": "once"});
    assert_eq!(comment(&linear, &input).status, 0);
    assert_eq!(linear.issue("ENG-123").unwrap().comments.len(), 1);
    assert_eq!(error(&comment(&linear, &input)).1, "conflict on insert of Comment");
}
