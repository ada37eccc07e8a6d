//! Queries: the fields of an answer, invalid queries, missing objects, partial answers.

use serde_json::json;

use super::{COMMENT, JSON, KEY, ask, data, error, input_error, post};
use crate::linear::start;
use crate::loopback::send;

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
