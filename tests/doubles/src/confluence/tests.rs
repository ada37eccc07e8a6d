//! Confluence's behaviour over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ConfluenceDouble, HumanEdit, Page, PageStatus, start, storage};
use crate::loopback::{Reply, send};

const JSON: (&str, &str) = ("content-type", "application/json");
const TITLE_TAKEN: &str =
    "A page with this title already exists: A page already exists with the same TITLE in this space";

fn call_as(confluence: &ConfluenceDouble, credentials: &str, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let authorization = format!("Basic {}", STANDARD.encode(credentials));
    let headers = [JSON, ("authorization", authorization.as_str())];
    send(
        &confluence.url(),
        method,
        &format!("/wiki/api/v2/{path}"),
        &headers,
        &body,
    )
}

fn call(confluence: &ConfluenceDouble, method: &str, path: &str, body: &Value) -> Reply {
    call_as(confluence, "bot@example.com:t0ken", method, path, body)
}

fn get(confluence: &ConfluenceDouble, path: &str) -> Reply {
    call(confluence, "GET", path, &Value::Null)
}

fn create(confluence: &ConfluenceDouble, title: &str, body: &str) -> Reply {
    let page = json!({
        "spaceId": "98304", "status": "current", "title": title,
        "body": {"representation": "storage", "value": body},
    });
    call(confluence, "POST", "pages", &page)
}

fn update(confluence: &ConfluenceDouble, id: &str, title: &str, number: u64, body: &str) -> Reply {
    let page = json!({
        "id": id, "status": "current", "title": title,
        "body": {"representation": "storage", "value": body},
        "version": {"number": number, "message": format!("edit {number}")},
    });
    call(confluence, "PUT", &format!("pages/{id}"), &page)
}

fn error(reply: &Reply) -> (u16, Value, Value) {
    let error = reply.json()["errors"][0].clone();
    assert_eq!(error["status"], reply.status);
    (reply.status, error["code"].clone(), error["title"].clone())
}

fn refused(status: u16, code: &str, title: &str) -> (u16, Value, Value) {
    (status, json!(code), json!(title))
}

fn titles(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let results = body["results"].as_array().unwrap();
    results
        .iter()
        .map(|one| one["title"].as_str().unwrap().to_owned())
        .collect()
}

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

#[tokio::test]
async fn malformed_body_is_refused() {
    let confluence = start().await;
    let reply = create(&confluence, "Register", "<p>This page<p>");
    assert_eq!(
        error(&reply),
        refused(
            400,
            "INVALID_REQUEST_PARAMETER",
            "Error parsing xhtml: Unexpected close tag </xml>; expected </p>.\n at [row,col {unknown-source}]: [1,16]"
        )
    );
    assert_eq!(update(&confluence, "98305", "Security Home", 2, "<br>").status, 400);
    assert_eq!(confluence.pages().len(), 1);
}

#[test]
fn storage_format_allows_undeclared_prefixes_and_html_entities() {
    for body in [
        "",
        "plain",
        "<p>a</p><p>b</p>",
        "<p>&nbsp;&rsquo;&mdash;&lt;&amp;&#8212;&#x2014;</p>",
        r#"<ac:structured-macro ac:name="info" ac:local-id="x"><ac:rich-text-body/></ac:structured-macro>"#,
        r#"<ac:link><ri:page ri:content-title="A &amp; B"/><ac:link-body><![CDATA[<b> & c]]></ac:link-body></ac:link>"#,
        "<!-- a comment --><hr/><table><tbody><tr><td colspan=\"2\"><br /></td></tr></tbody></table>",
        "<p>größer 🚀</p>",
    ] {
        assert_eq!(storage::check(body), Ok(()), "{body}");
    }
    for (body, problem) in [
        ("<p>", "Unexpected close tag </xml>; expected </p>."),
        ("<p><b></p></b>", "Unexpected close tag </p>; expected </b>."),
        ("</br>", "Unexpected close tag </br>; expected </xml>."),
        ("<p>a & b</p>", ""),
        ("<p>a &b</p>", ""),
        ("<p>&apples;</p>", "Undeclared general entity \"apples\""),
        ("<p title=\"&apples;\"/>", "Undeclared general entity \"apples\""),
        ("<p title=\"a & b\"/>", ""),
        ("<p title=\"a < b\"/>", "Unexpected character '<' (code 60)"),
        ("<p title=a/>", ""),
        ("<input checked>", "Unexpected character '>' (code 62) expected '='"),
        ("<p a=\"1\" a=\"2\"/>", ""),
        ("<x:p/>", "Undeclared namespace prefix \"x\""),
        ("<p x:a=\"1\"/>", "Undeclared namespace prefix \"x\""),
        ("<p>1 < 2</p>", ""),
        ("<1/>", ""),
        ("<p>a\u{1}</p>", "Illegal character ((CTRL-CHAR, code 1))"),
        ("<p>&#1;</p>", "Illegal character entity"),
        ("<p>]]></p>", "String ']]>' not allowed"),
        ("<!-- a -- b -->", ""),
        ("<![CDATA[a", ""),
        ("<?xml version=\"1.0\"?><p/>", ""),
        ("<!DOCTYPE p><p/>", ""),
    ] {
        let said = storage::check(body).expect_err(body);
        assert!(said.starts_with("Error parsing xhtml: "), "{body}: {said}");
        assert!(said.contains(problem), "{body}: {said}");
    }
    let said = storage::check("<p>\n<b>x</i>\n</p>").unwrap_err();
    assert!(said.ends_with(" at [row,col {unknown-source}]: [2,9]"), "{said}");
}

#[tokio::test]
async fn only_the_right_credentials_open_the_api() {
    let confluence = start().await;
    confluence
        .patch(json!({"credentials": "bot@example.com:t0ken"}))
        .unwrap();
    assert_eq!(get(&confluence, "pages/98305").status, 200);
    let wrong = || call_as(&confluence, "bot@example.com:x", "GET", "pages/98305", &Value::Null);
    assert_eq!(
        (wrong().status, wrong().json()),
        (401, json!({"code": 401, "message": "Unauthorized"}))
    );
    let anonymous = send(&confluence.url(), "GET", "/wiki/api/v2/pages", &[], "");
    assert_eq!(anonymous.status, 401);
    confluence.patch(json!({"mask_unauthorized": true})).unwrap();
    assert_eq!(error(&wrong()), refused(404, "NOT_FOUND", "Not Found"));
}

#[tokio::test]
async fn rate_limit_sets_retry_after() {
    let confluence = start().await;
    confluence
        .patch(json!({"rate_limited": {"retry_after": 3, "times": 1}}))
        .unwrap();
    let reply = get(&confluence, "pages/98305");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3")));
    assert_eq!(reply.header("ratelimit-reason"), Some("confluence-burst-based"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(get(&confluence, "pages/98305").status, 200);
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
