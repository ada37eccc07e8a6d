//! Versions of a page, and updates that conflict with another one.

use serde_json::json;

use super::{create, error, get, refused, update};
use crate::confluence::{HumanEdit, Page, start};

#[tokio::test]
async fn update_names_the_next_version_and_keeps_history() {
    let confluence = start().await;
    create(&confluence, "Register", "<p>1</p>");
    let updated = update(&confluence, "98306", "Register", 2, "<p>2</p>");
    assert_eq!(updated.status, 200, "{}", updated.body);
    assert_eq!(
        (
            &updated.json()["version"]["number"],
            &updated.json()["version"]["message"]
        ),
        (&json!(2), &json!("edit 2"))
    );
    let stale = update(&confluence, "98306", "Register", 2, "<p>3</p>");
    let title = "Version must be incremented when updating a page. Current Version: [2]. Provided version: [2]";
    assert_eq!(error(&stale), refused(409, "CONFLICT", title));
    assert_eq!(update(&confluence, "98306", "Register", 4, "").status, 409);
    let page = confluence.page("98306").unwrap();
    let history: Vec<_> = page
        .versions
        .iter()
        .map(|version| (version.number, version.body.as_str(), version.message.as_str()))
        .collect();
    assert_eq!(history, [(1, "<p>1</p>", ""), (2, "<p>2</p>", "edit 2")]);
    assert_eq!((page.version, page.body.as_str()), (2, "<p>2</p>"));
}

#[tokio::test]
async fn a_human_edit_comes_between_reading_and_writing() {
    let confluence = start().await;
    create(&confluence, "Register", "<p>1</p>");
    confluence.world(|world| {
        world.edit_before_next_put = vec![HumanEdit {
            page_id: "98306".to_owned(),
            body: "<p>human</p>".to_owned(),
        }];
    });
    assert_eq!(update(&confluence, "98305", "Security Home", 2, "").status, 200);
    assert_eq!(update(&confluence, "98306", "Register", 2, "<p>2</p>").status, 409);
    let page = get(&confluence, "pages/98306?body-format=storage").json();
    assert_eq!(
        (&page["version"]["number"], &page["body"]["storage"]["value"]),
        (&json!(2), &json!("<p>human</p>"))
    );
    assert_eq!(update(&confluence, "98306", "Register", 3, "<p>3</p>").status, 200);
    let bodies: Vec<_> = confluence
        .page("98306")
        .unwrap()
        .versions
        .into_iter()
        .map(|version| version.body)
        .collect();
    assert_eq!(bodies, ["<p>1</p>", "<p>human</p>", "<p>3</p>"]);
}

#[tokio::test]
async fn conflict_may_be_a_database_error_500() {
    let confluence = start().await;
    confluence.patch(json!({"conflict_as_500": true})).unwrap();
    let reply = update(&confluence, "98305", "Security Home", 1, "");
    let (status, code, title) = error(&reply);
    assert_eq!((status, code), (500, json!("INTERNAL_SERVER_ERROR")));
    for word in [
        "HibernateOptimisticLockingFailureException",
        "StaleObjectStateException",
    ] {
        assert!(title.as_str().unwrap().contains(word), "{title}");
    }
    assert_eq!(update(&confluence, "98305", "Security Home", 2, "").status, 200);
}

#[tokio::test]
async fn page_history_begins_at_its_given_version() {
    let confluence = start().await;
    confluence
        .patch(json!({"pages": {"100": {"body": "<p>7</p>", "version": 7, "parent_id": "98305"}}}))
        .unwrap();
    assert_eq!(get(&confluence, "pages/100").json()["title"], "Page 100");
    assert_eq!(update(&confluence, "100", "Register", 8, "<p>8</p>").status, 200);
    let page: Page = confluence.page("100").unwrap();
    assert_eq!(
        (page.title.as_str(), page.parent_id.as_deref()),
        ("Register", Some("98305"))
    );
    let numbers: Vec<_> = page.versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [7, 8]);
}
