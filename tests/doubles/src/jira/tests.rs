//! Jira's behaviour over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Category, Comment, Deployment, JiraDouble, RateLimited, start};
use crate::loopback::{Reply, send};

const JSON: (&str, &str) = ("content-type", "application/json");

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn call_as(jira: &JiraDouble, authorization: &str, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let headers = [JSON, ("authorization", authorization)];
    send(&jira.url(), method, &format!("/rest/api/2/{path}"), &headers, &body)
}

fn call(jira: &JiraDouble, method: &str, path: &str, body: &Value) -> Reply {
    call_as(jira, &basic("bot@example.com:t0ken"), method, path, body)
}

fn get(jira: &JiraDouble, path: &str) -> Reply {
    call(jira, "GET", path, &Value::Null)
}

fn errors(reply: &Reply) -> (u16, Value, Value) {
    let body = reply.json();
    (reply.status, body["errorMessages"].clone(), body["errors"].clone())
}

fn refused(status: u16, message: &str) -> (u16, Value, Value) {
    (status, json!([message]), json!({}))
}

fn invalid(field: &str, message: &str) -> (u16, Value, Value) {
    (400, json!([]), json!({field: message}))
}

fn transition(jira: &JiraDouble, key: &str, id: &str) -> Reply {
    call(
        jira,
        "POST",
        &format!("issue/{key}/transitions"),
        &json!({"transition": {"id": id}}),
    )
}

fn transition_ids(jira: &JiraDouble) -> Vec<String> {
    let body = get(jira, "issue/PAY-7/transitions").json();
    let listed = body["transitions"].as_array().unwrap();
    listed
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

fn label(jira: &JiraDouble, operations: &Value) -> Reply {
    call(jira, "PUT", "issue/PAY-7", &json!({"update": {"labels": operations}}))
}

fn comment(jira: &JiraDouble, text: &str) -> Reply {
    call(jira, "POST", "issue/PAY-7/comment", &json!({"body": text}))
}

#[tokio::test]
async fn issue_is_read_with_the_requested_fields() {
    let jira = start().await;
    let issue = get(&jira, "issue/pay-7?fields=status,labels,nothing").json();
    assert_eq!((&issue["key"], &issue["id"]), (&json!("PAY-7"), &json!("10100")));
    assert_eq!(issue["fields"]["labels"], json!(["backend"]));
    let status = &issue["fields"]["status"];
    assert_eq!(
        (&status["id"], &status["name"]),
        (&json!("10001"), &json!("In Progress"))
    );
    assert_eq!(
        (&status["statusCategory"]["id"], &status["statusCategory"]["key"]),
        (&json!(4), &json!("indeterminate"))
    );
    assert_eq!(issue["fields"].as_object().unwrap().len(), 2);
    let all = get(&jira, "issue/10100").json();
    assert_eq!(all["fields"]["summary"], "Rotate the signing keys");
    assert_eq!(all["fields"]["project"]["key"], "PAY");
    let without = get(&jira, "issue/PAY-7?fields=*all,-summary").json();
    assert_eq!(without["fields"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn a_missing_issue_is_worded_by_deployment() {
    let jira = start().await;
    let expected = refused(404, "Issue does not exist or you do not have permission to see it.");
    assert_eq!(errors(&get(&jira, "issue/PAY-8")), expected);
    assert_eq!(errors(&transition(&jira, "PAY-8", "31")), expected);
    jira.patch(json!({"issues": {"PAY-7": null}, "deployment": "data_center"}))
        .unwrap();
    let reply = call_as(&jira, "Bearer pat", "GET", "issue/PAY-7", &Value::Null);
    assert_eq!(errors(&reply), refused(404, "Issue Does Not Exist"));
    assert_eq!(jira.issue("PAY-7"), None);
}

#[tokio::test]
async fn moved_issue_is_found_under_its_former_key() {
    let jira = start().await;
    jira.patch(json!({"issues": {"SEC-1": {"moved_from": ["PAY-3"]}}}))
        .unwrap();
    assert_eq!(get(&jira, "issue/PAY-3").json()["key"], "SEC-1");
    assert_eq!(transition(&jira, "pay-3", "21").status, 204);
    let issue = jira.issue("PAY-3").unwrap();
    assert_eq!((issue.key.as_str(), issue.status.as_str()), ("SEC-1", "In Progress"));
}

#[tokio::test]
async fn only_transitions_from_the_current_status_are_listed() {
    let jira = start().await;
    assert_eq!(transition_ids(&jira), ["31", "41"]);
    let body = get(&jira, "issue/PAY-7/transitions").json();
    let finish = &body["transitions"][0];
    assert_eq!(
        (&finish["name"], &finish["to"]["name"]),
        (&json!("Finish"), &json!("Done"))
    );
    assert_eq!(finish["to"]["statusCategory"]["key"], "done");
    assert_eq!(
        (&finish["hasScreen"], &finish["isAvailable"]),
        (&json!(false), &json!(true))
    );
    jira.patch(json!({"deployment": "data_center"})).unwrap();
    let body = call_as(&jira, "Bearer pat", "GET", "issue/PAY-7/transitions", &Value::Null).json();
    assert!(body["transitions"][0].get("isAvailable").is_none());
}

#[tokio::test]
async fn a_transition_moves_the_issue_once() {
    let jira = start().await;
    let done = transition(&jira, "PAY-7", "31");
    assert_eq!((done.status, done.body.as_str()), (204, ""));
    let issue = jira.issue("pay-7").unwrap();
    assert_eq!((issue.status.as_str(), issue.category), ("Done", Category::Done));
    assert_eq!(issue.transitioned, ["31"]);
    let expected = refused(400, "Transition id '31' is not valid for this issue.");
    assert_eq!(errors(&transition(&jira, "PAY-7", "31")), expected);
    let nothing = call(&jira, "POST", "issue/PAY-7/transitions", &json!({}));
    assert_eq!(errors(&nothing), refused(400, "Missing 'transition' identifier"));
    assert_eq!(transition_ids(&jira), ["51"]);
}

#[tokio::test]
async fn data_center_explains_an_unavailable_transition() {
    let jira = start().await;
    jira.world(|world| world.deployment = Deployment::DataCenter);
    let body = json!({"transition": {"id": 21}});
    let reply = call_as(&jira, "Bearer pat", "POST", "issue/PAY-7/transitions", &body);
    let (status, messages, _) = errors(&reply);
    assert_eq!(status, 400);
    let text = messages[0].as_str().unwrap();
    assert!(
        text.starts_with("It seems that you have tried to perform a workflow operation (Start)"),
        "{text}"
    );
}

#[tokio::test]
async fn screen_requires_its_fields_and_rejects_others() {
    let jira = start().await;
    jira.world(|world| world.transitions[1].required = vec!["resolution".to_owned()]);
    let listed = get(&jira, "issue/PAY-7/transitions?expand=transitions.fields").json();
    assert_eq!(listed["transitions"][0]["hasScreen"], true);
    assert_eq!(listed["transitions"][0]["fields"]["resolution"]["required"], true);
    assert_eq!(
        errors(&transition(&jira, "PAY-7", "31")),
        invalid("resolution", "Resolution is required.")
    );
    let with = |name: &str, id: &str| {
        let body = json!({"transition": {"id": id}, "fields": {name: {"name": "Done"}}});
        call(&jira, "POST", "issue/PAY-7/transitions", &body)
    };
    assert_eq!(
        errors(&with("resolution", "41")),
        invalid(
            "resolution",
            "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
        )
    );
    assert_eq!(with("resolution", "31").status, 204);
}

#[tokio::test]
async fn account_without_permission_has_no_transitions() {
    let jira = start().await;
    jira.patch(json!({"issues": {"PAY-7": {"transitionable": false}}}))
        .unwrap();
    assert_eq!(transition_ids(&jira), [] as [&str; 0]);
    assert_eq!(transition(&jira, "PAY-7", "31").status, 400);
    assert_eq!(jira.issue("PAY-7").unwrap().status, "In Progress");
}

#[tokio::test]
async fn labels_are_added_and_removed_and_others_stay() {
    let jira = start().await;
    let both = json!([{"add": "security-approved"}, {"add": "a"}, {"remove": "never-there"}]);
    assert_eq!(label(&jira, &both).status, 204);
    assert_eq!(
        jira.issue("PAY-7").unwrap().labels,
        ["a", "backend", "security-approved"]
    );
    assert_eq!(label(&jira, &json!([{"add": "a"}, {"remove": "backend"}])).status, 204);
    assert_eq!(jira.issue("PAY-7").unwrap().labels, ["a", "security-approved"]);
}

#[tokio::test]
async fn label_with_a_space_changes_nothing() {
    let jira = start().await;
    assert_eq!(
        errors(&label(&jira, &json!([{"add": "fine"}, {"add": "not fine"}]))),
        invalid("labels", "The label 'not fine' contains spaces which is invalid.")
    );
    let long = "x".repeat(256);
    assert_eq!(label(&jira, &json!([{"add": long}])).status, 400);
    assert_eq!(label(&jira, &json!([{"append": "x"}])).status, 400);
    assert_eq!(
        errors(&call(&jira, "PUT", "issue/PAY-7", &json!({}))),
        refused(400, "one of 'fields' or 'update' required")
    );
    assert_eq!(jira.issue("PAY-7").unwrap().labels, ["backend"]);
}

#[tokio::test]
async fn edit_without_permission_reports_a_field_off_screen() {
    let jira = start().await;
    jira.patch(json!({"issues": {"PAY-7": {"editable": false}}})).unwrap();
    assert_eq!(
        errors(&label(&jira, &json!([{"add": "x"}]))),
        invalid(
            "labels",
            "Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."
        )
    );
}

#[tokio::test]
async fn comments_are_added_and_read_in_pages() {
    let jira = start().await;
    jira.world(|world| {
        let comments = &mut world.issues.get_mut("PAY-7").unwrap().comments;
        comments.extend((0..120).map(|n| Comment {
            body: format!("old {n}"),
            created: Some("2026-03-02T10:00:00Z".parse().unwrap()),
            ..Comment::default()
        }));
    });
    let added = comment(&jira, "h3. Approved");
    assert_eq!((added.status, &added.json()["body"]), (201, &json!("h3. Approved")));
    assert_eq!(added.json()["author"]["displayName"], "Countersign");
    let page = |query: &str| get(&jira, &format!("issue/PAY-7/comment?{query}")).json();
    let whole = page("maxResults=5000");
    assert_eq!(
        (&whole["total"], &whole["maxResults"], &whole["startAt"]),
        (&json!(121), &json!(100), &json!(0))
    );
    assert_eq!(whole["comments"].as_array().unwrap().len(), 100);
    assert_eq!(whole["comments"][0]["created"], "2026-03-02T10:00:00.000+0000");
    let last = page("startAt=119&maxResults=50");
    assert_eq!(last["comments"][1]["id"], added.json()["id"]);
    assert_eq!(last["comments"].as_array().unwrap().len(), 2);
    assert_eq!(
        page("orderBy=-created&maxResults=1")["comments"][0]["body"],
        "h3. Approved"
    );
    assert_eq!(get(&jira, "issue/PAY-7/comment?orderBy=author").status, 400);
    assert_eq!(jira.issue("PAY-7").unwrap().comments.len(), 121);
}

#[tokio::test]
async fn empty_long_and_forbidden_comments_are_refused() {
    let jira = start().await;
    let empty = invalid("comment", "Comment body can not be empty!");
    assert_eq!(errors(&comment(&jira, " \n")), empty);
    assert_eq!(errors(&call(&jira, "POST", "issue/PAY-7/comment", &json!({}))), empty);
    assert_eq!(comment(&jira, &"x".repeat(32_767)).status, 201);
    assert_eq!(comment(&jira, &"x".repeat(32_768)).status, 400);
    let document = json!({"body": {"type": "doc", "version": 1, "content": []}});
    assert_eq!(call(&jira, "POST", "issue/PAY-7/comment", &document).status, 400);
    jira.patch(json!({"issues": {"PAY-7": {"commentable": false}}}))
        .unwrap();
    assert_eq!(
        errors(&comment(&jira, "x")),
        refused(
            400,
            "Countersign, you do not have the permission to comment on this issue."
        )
    );
    assert_eq!(jira.issue("PAY-7").unwrap().comments.len(), 1);
}

#[tokio::test]
async fn remote_link_is_created_once_and_then_replaced() {
    let jira = start().await;
    let put = |body: &Value| call(&jira, "POST", "issue/PAY-7/remotelink", body);
    let object = json!({"url": "https://gitlab.example/mr/12", "title": "!12 open", "summary": "x"});
    let created = put(&json!({"globalId": "countersign:77:12", "object": object}));
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), created.json()["self"].as_str());
    let object = json!({"url": "https://gitlab.example/mr/12", "title": "!12 merged"});
    let updated = put(&json!({"globalId": "countersign:77:12", "object": object}));
    assert_eq!((updated.status, updated.json()), (200, created.json()));
    assert_eq!(put(&json!({"object": object})).status, 201);
    assert_eq!(
        put(&json!({"object": object})).status,
        201,
        "without globalId a new link is created"
    );
    let listed = get(&jira, "issue/PAY-7/remotelink").json();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(
        listed[0],
        get(&jira, "issue/PAY-7/remotelink?globalId=countersign:77:12").json()
    );
    assert_eq!(listed[0]["object"], object, "replaced as a whole");
    assert_eq!(get(&jira, "issue/PAY-7/remotelink?globalId=other").status, 404);
    assert_eq!(jira.issue("PAY-7").unwrap().remote_links[0].title(), "!12 merged");
    assert_eq!(
        errors(&put(&json!({"object": {"url": "https://gitlab.example"}}))),
        invalid("title", "'title' is required.")
    );
    jira.patch(json!({"issues": {"PAY-7": {"linkable": false}}})).unwrap();
    assert_eq!(put(&json!({"object": object})).status, 403);
}

#[tokio::test]
async fn cloud_uses_basic_and_data_center_bearer_credentials() {
    let jira = start().await;
    jira.patch(json!({"credentials": "bot@example.com:t0ken"})).unwrap();
    let me = |authorization: &str| call_as(&jira, authorization, "GET", "myself", &Value::Null);
    let right = basic("bot@example.com:t0ken");
    assert!(me(&right).json()["accountId"].is_string());
    for wrong in [&basic("bot@example.com:other"), "Bearer t0ken", "Basic ?", &basic("x")] {
        let reply = me(wrong);
        assert_eq!(
            (reply.status, reply.body.as_str(), reply.header("x-seraph-loginreason")),
            (
                401,
                "Client must be authenticated to access this resource.",
                Some("AUTHENTICATED_FAILED")
            ),
            "{wrong}"
        );
    }
    jira.patch(json!({"deployment": "data_center", "credentials": "pat"}))
        .unwrap();
    assert!(me("Bearer pat").json()["name"].is_string());
    assert_eq!(me(&right).json()["status-code"], 401);
    jira.patch(json!({"credentials": null})).unwrap();
    assert_eq!((me("Bearer any").status, me("Bearer ").status), (200, 401));
}

#[tokio::test]
async fn wrong_credentials_may_hide_issues_instead() {
    let jira = start().await;
    jira.patch(json!({"credentials": "a:b", "mask_unauthorized": true}))
        .unwrap();
    let hidden = get(&jira, "issue/PAY-7");
    assert_eq!(
        errors(&hidden),
        refused(404, "Issue does not exist or you do not have permission to see it.")
    );
    assert_eq!(hidden.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"));
    assert_eq!(get(&jira, "myself").status, 401);
}

#[tokio::test]
async fn rate_limit_has_a_reason_and_retry_after() {
    let jira = start().await;
    jira.patch(json!({"rate_limited": {"retry_after": 7, "times": 1}}))
        .unwrap();
    let reply = get(&jira, "myself");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
    assert_eq!(reply.header("ratelimit-reason"), Some("jira-burst-based"));
    assert!(reply.header("x-ratelimit-reset").unwrap().ends_with('Z'));
    assert_eq!(get(&jira, "myself").status, 200);
    jira.world(|world| {
        world.rate_limited = Some(RateLimited {
            retry_after: None,
            times: None,
            reason: "jira-per-issue-on-write".to_owned(),
        });
    });
    assert_eq!(get(&jira, "issue/PAY-7").status, 200, "reads are not limited by issue");
    let reply = comment(&jira, "x");
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    jira.patch(json!({"deployment": "data_center"})).unwrap();
    let reply = comment(&jira, "x");
    assert_eq!(
        (reply.header("x-ratelimit-fillrate"), reply.header("ratelimit-reason")),
        (Some("1"), None)
    );
    assert_eq!(jira.issue("PAY-7").unwrap().comments, []);
}

#[tokio::test]
async fn non_json_and_unknown_paths_are_refused() {
    let jira = start().await;
    let authorization = basic("a:b");
    let post = |kind: &str, body: &str| {
        let headers = [("content-type", kind), ("authorization", &authorization)];
        send(&jira.url(), "POST", "/rest/api/2/issue/PAY-7/comment", &headers, body).status
    };
    assert_eq!((post("text/plain", "{}"), post("application/json", "{")), (415, 400));
    assert_eq!(call(&jira, "DELETE", "issue/PAY-7", &Value::Null).status, 405);
    assert_eq!(get(&jira, "issue/PAY-7/watchers").status, 404);
    assert_eq!(send(&jira.url(), "GET", "/browse/PAY-7", &[], "").status, 404);
}
