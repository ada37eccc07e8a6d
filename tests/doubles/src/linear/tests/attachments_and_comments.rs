//! Attachments and comments of an issue, each created once.

use serde_json::{Value, json};

use super::{COMMENT, ask, data, error, input_error};
use crate::linear::{Comment, LinearDouble, start};
use crate::loopback::Reply;
use crate::{Fault, Stub};

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
async fn post_then_reset_keeps_the_comment() {
    let linear = start().await;
    let fault = Stub::failing("POST", "/graphql", Fault::PostThenReset).times(1);
    linear.stub(fault).unwrap();
    let input = json!({"id": COMMENT, "issueId": "ENG-123", "body": "once"});
    assert_eq!(comment(&linear, &input).status, 0);
    assert_eq!(linear.issue("ENG-123").unwrap().comments.len(), 1);
    assert_eq!(error(&comment(&linear, &input)).1, "conflict on insert of Comment");
}
