//! Writes that Confluence refuses: a title in use, missing fields, read-only, too large.

use serde_json::{Value, json};

use super::{call, create, error, get, refused, update};
use crate::confluence::start;

const TITLE_TAKEN: &str =
    "A page with this title already exists: A page already exists with the same TITLE in this space";

#[tokio::test]
async fn title_is_unique_in_its_space_except_trash() {
    let confluence = start().await;
    create(&confluence, "Register", "");
    let taken = refused(400, "INVALID_REQUEST_PARAMETER", TITLE_TAKEN);
    assert_eq!(error(&create(&confluence, "register", "")), taken);
    assert_eq!(error(&update(&confluence, "98305", "Register", 2, "")), taken);
    confluence
        .patch(json!({"spaces": {"500": {"key": "OPS"}}, "pages": {"98306": {"status": "archived"}}}))
        .unwrap();
    assert_eq!(error(&create(&confluence, "Register", "")), taken);
    let elsewhere = json!({"spaceId": "500", "title": "Register"});
    assert_eq!(call(&confluence, "POST", "pages", &elsewhere).status, 200);
    confluence
        .patch(json!({"pages": {"98306": {"status": "trashed"}}}))
        .unwrap();
    assert_eq!(create(&confluence, "Register", "").status, 200);
}

#[tokio::test]
async fn writes_that_lack_something_are_refused() {
    let confluence = start().await;
    let whole = json!({
        "id": "98305", "status": "current", "title": "t", "version": {"number": 2},
        "body": {"representation": "storage", "value": ""},
    });
    for (name, value) in [
        ("id", json!("98306")),
        ("id", Value::Null),
        ("title", json!(" ")),
        ("title", json!("x".repeat(256))),
        ("status", json!("deleted")),
        ("version", json!({})),
        ("body", Value::Null),
        ("body", json!({"representation": "wiki", "value": ""})),
        ("spaceId", json!("500")),
    ] {
        let mut page = whole.clone();
        page[name] = value;
        let reply = call(&confluence, "PUT", "pages/98305", &page);
        assert_eq!(reply.status, 400, "{name}: {}", reply.body);
    }
    for (page, status) in [
        (json!({"title": "t"}), 400),
        (json!({"title": "t", "spaceId": "500"}), 404),
        (json!({"title": "t", "spaceId": "98304", "parentId": "1"}), 404),
    ] {
        assert_eq!(call(&confluence, "POST", "pages", &page).status, status, "{page}");
    }
    assert_eq!(call(&confluence, "DELETE", "pages/98305", &Value::Null).status, 405);
    assert_eq!(get(&confluence, "blogposts").status, 404);
    assert_eq!(confluence.page("98305").unwrap().version, 1);
    assert_eq!(call(&confluence, "PUT", "pages/98305", &whole).status, 200);
}

#[tokio::test]
async fn nothing_can_be_written_while_read_only() {
    let confluence = start().await;
    confluence.patch(json!({"read_only": true})).unwrap();
    assert_eq!(
        error(&create(&confluence, "Register", "")),
        refused(403, "FORBIDDEN", "Could not create content with type page")
    );
    assert_eq!(update(&confluence, "98305", "Security Home", 2, "").status, 403);
    assert_eq!(get(&confluence, "pages/98305").status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let confluence = start().await;
    confluence.patch(json!({"largest_body_bytes": 300})).unwrap();
    assert_eq!(create(&confluence, "Register", "x").status, 200);
    let reply = update(&confluence, "98306", "Register", 2, &"x".repeat(300));
    assert_eq!((reply.status, error(&reply).1), (413, json!("PAYLOAD_TOO_LARGE")));
}
