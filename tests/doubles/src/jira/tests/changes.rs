//! Labels, comments and remote links of an issue.

use serde_json::{Value, json};

use super::{call, comment, errors, get, invalid, refused};
use crate::jira::{Comment, JiraDouble, start};
use crate::loopback::Reply;

fn label(jira: &JiraDouble, operations: &Value) -> Reply {
    call(jira, "PUT", "issue/PAY-7", &json!({"update": {"labels": operations}}))
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
