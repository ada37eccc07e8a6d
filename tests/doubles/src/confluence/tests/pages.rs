//! Pages and spaces that are created, found, listed, or missing.

use serde_json::json;

use super::{create, error, get, refused, titles, update};
use crate::confluence::{PageStatus, start};

/// The body is in the answer only on demand.
#[tokio::test]
async fn page_is_created_below_the_homepage() {
    let confluence = start().await;
    let created = create(&confluence, "Register", "<p>Hello&nbsp;you</p>");
    assert_eq!(created.status, 200, "{}", created.body);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(id, "98306");
    let page = get(&confluence, "pages/98306").json();
    assert_eq!(
        (&page["parentId"], &page["spaceId"]),
        (&json!("98305"), &json!("98304"))
    );
    assert_eq!(
        (&page["version"]["number"], &page["status"]),
        (&json!(1), &json!("current"))
    );
    assert_eq!(page["_links"]["webui"], "/spaces/SEC/pages/98306/Register");
    assert_eq!(page["_links"]["base"], format!("{}/wiki", confluence.url()));
    assert!(page.get("body").is_none());
    let page = get(&confluence, "pages/98306?body-format=storage").json();
    assert_eq!(
        page["body"],
        json!({"storage": {"representation": "storage", "value": "<p>Hello&nbsp;you</p>"}})
    );
    assert_eq!(get(&confluence, "pages/98306?body-format=wiki").status, 400);
    assert_eq!(confluence.page_titled("Register").unwrap().0, id);
    assert_eq!(confluence.pages().len(), 2);
}

#[tokio::test]
async fn pages_are_found_by_title_in_pages() {
    let confluence = start().await;
    for title in ["a", "b", "c", "Release notes"] {
        assert_eq!(create(&confluence, title, "").status, 200);
    }
    let found = get(
        &confluence,
        "pages?space-id=98304&title=Release+notes&status=current&body-format=storage",
    );
    assert_eq!(titles(&found), ["Release notes"]);
    assert_eq!(found.json()["results"][0]["body"]["storage"]["value"], "");
    assert_eq!(found.json()["_links"].get("next"), None);
    assert_eq!(
        titles(&get(&confluence, "pages?space-id=98304&title=release+notes")),
        [""; 0]
    );
    assert_eq!(titles(&get(&confluence, "pages?space-id=1")), [""; 0]);
    let first = get(&confluence, "pages?space-id=98304&limit=2");
    assert_eq!(titles(&first), ["Security Home", "a"]);
    let next = first.json()["_links"]["next"].as_str().unwrap().to_owned();
    assert!(
        next.starts_with("/wiki/api/v2/pages?space-id=98304&limit=2&cursor="),
        "{next}"
    );
    let second = get(&confluence, next.strip_prefix("/wiki/api/v2/").unwrap());
    assert_eq!(titles(&second), ["b", "c"]);
    for wrong in ["limit=0", "limit=251", "limit=x", "cursor=x", "space-id=SEC"] {
        assert_eq!(get(&confluence, &format!("pages?{wrong}")).status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn children_of_a_page_are_listed_in_pages() {
    let confluence = start().await;
    for title in ["a", "b", "c"] {
        create(&confluence, title, "");
    }
    let first = get(&confluence, "pages/98305/direct-children?limit=2");
    assert_eq!(titles(&first), ["a", "b"]);
    assert_eq!(
        first.json()["results"][0],
        json!({
            "id": "98306", "status": "current", "title": "a", "type": "page", "spaceId": "98304", "childPosition": 0,
        })
    );
    let next = first.json()["_links"]["next"].as_str().unwrap().to_owned();
    assert_eq!(first.header("link"), Some(format!("<{next}>; rel=\"next\"").as_str()));
    let second = get(&confluence, next.strip_prefix("/wiki/api/v2/").unwrap());
    assert_eq!(titles(&second), ["c"]);
    assert_eq!(
        error(&get(&confluence, "pages/1/direct-children")),
        refused(404, "NOT_FOUND", "Cannot find [page] entity with id [1]")
    );
}

#[tokio::test]
async fn spaces_are_found_by_key_and_by_id() {
    let confluence = start().await;
    let found = get(&confluence, "spaces?keys=SEC").json();
    let space = &found["results"][0];
    assert_eq!(
        (&space["id"], &space["homepageId"], &space["name"]),
        (&json!("98304"), &json!("98305"), &json!("Security"))
    );
    assert_eq!(get(&confluence, "spaces?keys=OPS").json()["results"], json!([]));
    assert_eq!(get(&confluence, "spaces/98304").json()["key"], "SEC");
    assert_eq!(
        error(&get(&confluence, "spaces/1")),
        refused(404, "NOT_FOUND", "Cannot find a space with id [1]")
    );
}

#[tokio::test]
async fn missing_or_trashed_page_is_not_found() {
    let confluence = start().await;
    create(&confluence, "Register", "");
    confluence.world(|world| {
        let page = world.pages.get_mut("98306").unwrap();
        page.status = PageStatus::Trashed;
    });
    let missing = refused(404, "NOT_FOUND", "Cannot find a page with id [98306]");
    assert_eq!(error(&get(&confluence, "pages/98306")), missing);
    assert_eq!(error(&update(&confluence, "98306", "Register", 2, "")), missing);
    assert_eq!(get(&confluence, "pages/98306?status=trashed").status, 200);
    assert_eq!(titles(&get(&confluence, "pages")), ["Security Home"]);
    assert_eq!(confluence.page_titled("Register"), None);
    assert_eq!(
        error(&get(&confluence, "pages/x1")),
        refused(
            400,
            "INVALID_REQUEST_PARAMETER",
            "Provided value {x1} for 'id' is not the correct type. Expected type is ContentId"
        )
    );
}
