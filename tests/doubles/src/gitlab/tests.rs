//! GitLab's behaviour over HTTP.

use serde_json::{Value, json};

use super::{GitLabDouble, RateLimited, start};
use crate::loopback::{Reply, send};

const TOKEN: (&str, &str) = ("PRIVATE-TOKEN", "glpat-test");

fn get(gitlab: &GitLabDouble, path: &str) -> Reply {
    send(&gitlab.url(), "GET", &format!("/api/v4/{path}"), &[TOKEN], "")
}

fn ids(reply: &Reply) -> Vec<u64> {
    reply
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect()
}

/// A GitLab with the merged, approved, labelled merge request 77!12.
async fn with_merge_request() -> GitLabDouble {
    let gitlab = start().await;
    gitlab.world(|world| {
        world.user(601, "dev-dana");
        world.projects.entry(77).or_default().path_with_namespace = "payments/gateway".to_owned();
        world
            .merge_request(77, 12)
            .set("title", "Rotate the signing keys")
            .set("author", 601)
            .set("labels", json!(["security::high"]))
            .set("sha", "5f1c".repeat(10))
            .merged(602, "2026-03-02T10:15:00.000Z")
            .approved(501, "2026-03-02T10:00:00.000Z")
            .label_event("add", "security::high", 601, "2026-03-01T09:00:00.000Z")
            .version(&"a".repeat(40), &"1".repeat(40), "2026-03-01T08:00:00.000Z")
            .version(&"5f1c".repeat(10), &"2".repeat(40), "2026-03-01T10:00:00.000Z")
            .reviewer(501);
    });
    gitlab
}

#[tokio::test]
async fn the_first_world_has_the_security_team() {
    let gitlab = start().await;
    let members = get(&gitlab, "groups/4242/members").json();
    let rows: Vec<_> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| {
            (
                member["id"].clone(),
                member["username"].clone(),
                member["access_level"].clone(),
                member["state"].clone(),
            )
        })
        .collect();
    let row = |id: u64, name: &str, level: u8, state: &str| (json!(id), json!(name), json!(level), json!(state));
    assert_eq!(
        rows,
        [
            row(501, "sec-alice", 40, "active"),
            row(502, "sec-bob", 30, "active"),
            row(503, "sec-carol", 40, "blocked"),
            row(504, "sec-guest", 10, "active"),
        ]
    );
    assert_eq!(get(&gitlab, "groups/security-team/members").json(), members);
    let alice = get(&gitlab, "users/501").json();
    assert_eq!(
        (&alice["username"], &alice["bot"]),
        (&json!("sec-alice"), &json!(false))
    );
}

#[tokio::test]
async fn merge_request_shows_people_and_plain_labels() {
    let gitlab = with_merge_request().await;
    let answer = get(&gitlab, "projects/77/merge_requests/12").json();
    assert_eq!(
        (&answer["iid"], &answer["project_id"], &answer["state"]),
        (&json!(12), &json!(77), &json!("merged"))
    );
    assert_eq!(answer["labels"], json!(["security::high"]));
    assert_eq!(
        (&answer["author"]["username"], &answer["merge_user"]["username"]),
        (&json!("dev-dana"), &json!("user-602"))
    );
    assert_eq!(answer["merged_by"], answer["merge_user"]);
    assert_eq!(answer["merged_at"], "2026-03-02T10:15:00.000Z");
    assert_eq!(answer["reviewers"][0]["id"], 501);
    assert_eq!(answer["diff_refs"]["head_sha"], answer["sha"]);
    assert_eq!(
        answer["web_url"],
        "https://gitlab.example.com/payments/gateway/-/merge_requests/12"
    );
    assert_eq!(
        get(&gitlab, "projects/payments%2Fgateway/merge_requests/12").json(),
        answer
    );
    assert_eq!(
        get(&gitlab, "users/602").json()["username"],
        "user-602",
        "users who are only referenced exist"
    );
}

#[tokio::test]
async fn merge_request_resources_have_gitlab_shapes() {
    let gitlab = with_merge_request().await;
    let approvals = get(&gitlab, "projects/77/merge_requests/12/approvals").json();
    assert_eq!(approvals["approved_by"][0]["user"]["id"], 501);
    assert_eq!(approvals["approved_by"][0]["approved_at"], "2026-03-02T10:00:00.000Z");
    assert_eq!(
        (&approvals["title"], &approvals["approved"]),
        (&json!("Rotate the signing keys"), &json!(true))
    );
    let events = get(&gitlab, "projects/77/merge_requests/12/resource_label_events").json();
    assert_eq!(
        (&events[0]["label"]["name"], &events[0]["action"]),
        (&json!("security::high"), &json!("add"))
    );
    assert_eq!(
        (&events[0]["user"]["id"], &events[0]["resource_type"]),
        (&json!(601), &json!("MergeRequest"))
    );
    let versions = get(&gitlab, "projects/77/merge_requests/12/versions").json();
    let patches: Vec<_> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|version| &version["patch_id_sha"])
        .collect();
    assert_eq!(
        patches,
        [&json!("2".repeat(40)), &json!("1".repeat(40))],
        "newest first"
    );
    let reviewers = get(&gitlab, "projects/77/merge_requests/12/reviewers").json();
    assert_eq!(
        (&reviewers[0]["user"]["id"], &reviewers[0]["state"]),
        (&json!(501), &json!("unreviewed"))
    );
}

#[tokio::test]
async fn approval_state_counts_the_approvers_of_each_rule() {
    let gitlab = with_merge_request().await;
    let rules = json!([
        {"name": "Security", "approvals_required": 1, "eligible_approvers": [501, 502]},
        {"name": "Database", "approvals_required": 1, "eligible_approvers": [602]},
        {"name": "Anybody", "rule_type": "any_approver", "approvals_required": 0},
    ]);
    gitlab
        .patch(json!({"projects": {"77": {"merge_requests": {"12": {"approval_rules": rules}}}}}))
        .unwrap();
    let state = get(&gitlab, "projects/77/merge_requests/12/approval_state").json();
    let seen: Vec<_> = state["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            (
                rule["name"].as_str().unwrap(),
                rule["approved"].as_bool().unwrap(),
                rule["approved_by"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("Security", true, 1), ("Database", false, 0), ("Anybody", true, 1)]
    );
}

#[tokio::test]
async fn old_gitlab_lacks_approval_times_and_patch_ids() {
    let gitlab = with_merge_request().await;
    gitlab.world(|world| world.old_gitlab = true);
    let approvals = get(&gitlab, "projects/77/merge_requests/12/approvals").json();
    assert_eq!(
        approvals["approved_by"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["user"]
    );
    assert!(
        get(&gitlab, "projects/77/merge_requests/12/versions").json()[0]
            .get("patch_id_sha")
            .is_none()
    );
    assert_eq!(get(&gitlab, "projects/77/merge_requests/12/approval_state").status, 404);
}

#[tokio::test]
async fn merge_patch_adds_one_merge_request() {
    let gitlab = with_merge_request().await;
    let patch = json!({"projects": {"77": {"merge_requests": {"13": {
        "state": "merged", "labels": ["sec/crypto"], "merge_user": {"id": 9, "username": "given-whole"},
        "label_events": [{"label": null, "action": "add", "user": null, "created_at": "2026-03-01T09:00:00.000Z"}],
        "approved_by": [{"user": 502}], "reviewers": [{"user": 501, "state": "approved"}],
    }}}}, "groups": {"4242": {"members": {"503": null, "505": {"access_level": 30}}}}});
    let reply = send(&gitlab.url(), "PUT", "/_double/world", &[], &patch.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let added = get(&gitlab, "projects/77/merge_requests/13").json();
    assert_eq!(added["merge_user"], json!({"id": 9, "username": "given-whole"}));
    assert!(added["merged_at"].is_string());
    let events = get(&gitlab, "projects/77/merge_requests/13/resource_label_events").json();
    assert_eq!((&events[0]["label"], &events[0]["user"]), (&Value::Null, &Value::Null));
    let approvals = get(&gitlab, "projects/77/merge_requests/13/approvals").json();
    assert_eq!(approvals["approved_by"][0]["approved_at"], Value::Null);
    assert_eq!(
        get(&gitlab, "projects/77/merge_requests/13/reviewers").json()[0]["state"],
        "approved"
    );
    assert_eq!(ids(&get(&gitlab, "groups/4242/members")), [501, 502, 504, 505]);
    assert_eq!(
        get(&gitlab, "projects/77/merge_requests/12").json()["title"],
        "Rotate the signing keys"
    );
    let broken = json!({"projects": {"77": {"merge_requests": {"13": {"approved_by": [{"usr": 1}]}}}}});
    let refused = send(&gitlab.url(), "PUT", "/_double/world", &[], &broken.to_string());
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("projects.77"),
        "the reason names the field: {}",
        refused.body
    );
}

#[tokio::test]
async fn a_world_read_can_be_written_back() {
    let gitlab = with_merge_request().await;
    let world = send(&gitlab.url(), "GET", "/_double/world", &[], "");
    assert_eq!(
        send(&gitlab.url(), "PUT", "/_double/world", &[], &world.body).status,
        200
    );
    assert_eq!(
        send(&gitlab.url(), "GET", "/_double/world", &[], "").json(),
        world.json()
    );
}

#[tokio::test]
async fn a_token_is_needed_in_either_header() {
    let gitlab = with_merge_request().await;
    let path = "/api/v4/projects/77/merge_requests/12";
    let status = |headers: &[(&str, &str)]| send(&gitlab.url(), "GET", path, headers, "").status;
    let refused = send(&gitlab.url(), "GET", path, &[], "");
    assert_eq!(
        (refused.status, refused.json()),
        (401, json!({"message": "401 Unauthorized"}))
    );
    assert_eq!(status(&[("private-token", "")]), 401);
    assert_eq!(status(&[("authorization", "Bearer t")]), 200);
    gitlab.world(|world| world.token = Some("glpat-only".to_owned()));
    assert_eq!(status(&[TOKEN]), 401);
    assert_eq!(status(&[("PRIVATE-TOKEN", "glpat-only")]), 200);
    assert_eq!(status(&[("authorization", "Bearer glpat-only")]), 200);
}

#[tokio::test]
async fn what_is_missing_is_answered_in_gitlabs_words() {
    let gitlab = with_merge_request().await;
    for (path, body) in [
        (
            "projects/78/merge_requests/12",
            json!({"message": "404 Project Not Found"}),
        ),
        (
            "projects/no%2Fsuch/merge_requests/12",
            json!({"message": "404 Project Not Found"}),
        ),
        (
            "projects/77/merge_requests/99/approvals",
            json!({"message": "404 Not found"}),
        ),
        ("projects/77/merge_requests/x", json!({"message": "404 Not found"})),
        ("groups/1/members", json!({"message": "404 Group Not Found"})),
        ("users/999", json!({"message": "404 User Not Found"})),
        ("projects/77/merge_requests/12/notes", json!({"error": "404 Not Found"})),
        ("projects/77", json!({"error": "404 Not Found"})),
    ] {
        let reply = get(&gitlab, path);
        assert_eq!((reply.status, reply.json()), (404, body), "{path}");
    }
    assert_eq!(
        send(&gitlab.url(), "POST", "/api/v4/users/501", &[TOKEN], "").status,
        405
    );
}

#[tokio::test]
async fn former_path_redirects_to_the_project_id() {
    let gitlab = with_merge_request().await;
    gitlab
        .patch(json!({"projects": {"77": {"previous_paths": ["old/gateway"]}}}))
        .unwrap();
    let reply = get(&gitlab, "projects/old%2Fgateway/merge_requests/12/approvals?per_page=5");
    let location = format!(
        "{}/api/v4/projects/77/merge_requests/12/approvals?per_page=5",
        gitlab.url()
    );
    assert_eq!((reply.status, reply.header("location")), (301, Some(location.as_str())));
    assert_eq!(
        reply.body,
        format!("This resource has been moved permanently to {location}")
    );
    let target = location.strip_prefix(&gitlab.url()).unwrap();
    assert_eq!(send(&gitlab.url(), "GET", target, &[TOKEN], "").status, 200);
}

#[tokio::test]
async fn lists_are_paged_with_headers_and_links() {
    let gitlab = start().await;
    gitlab.world(|world| (1000..1041).for_each(|user| world.member(9, user, 30)));
    let page = |query: &str| get(&gitlab, &format!("groups/9/members{query}"));
    let header = |reply: &Reply, name: &str| reply.header(name).unwrap_or("absent").to_owned();
    let first = page("");
    assert_eq!(ids(&first).len(), 20);
    for (name, value) in [
        ("x-page", "1"),
        ("x-per-page", "20"),
        ("x-next-page", "2"),
        ("x-prev-page", ""),
        ("x-total", "41"),
        ("x-total-pages", "3"),
    ] {
        assert_eq!(header(&first, name), value, "{name}");
    }
    let url = gitlab.url();
    let link = |n: u8, relation: &str| {
        format!("<{url}/api/v4/groups/9/members?query=a+b&page={n}&per_page=20>; rel=\"{relation}\"")
    };
    let second = page("?page=2&per_page=20&query=a+b");
    assert_eq!(
        header(&second, "link"),
        [link(1, "prev"), link(3, "next"), link(1, "first"), link(3, "last")].join(", ")
    );
    let last = page("?page=3");
    assert_eq!((ids(&last), header(&last, "x-next-page")), (vec![1040], String::new()));
    assert!(!header(&last, "link").contains("rel=\"next\""));
    assert_eq!(page("?page=4").json(), json!([]));
    assert_eq!(header(&page("?per_page=500"), "x-per-page"), "100");
    for query in ["?page=x", "?page=0", "?per_page=-1"] {
        assert_eq!(page(query).status, 400, "{query}");
    }
    gitlab.world(|world| world.omit_totals = true);
    let without = page("");
    assert_eq!(
        (without.header("x-total"), without.header("x-total-pages")),
        (None, None)
    );
    assert!(!header(&without, "link").contains("rel=\"last\""));
}

#[tokio::test]
async fn inherited_members_appear_under_all_only_and_once() {
    let gitlab = start().await;
    let group = json!({"members": {"501": {"access_level": 10}}, "inherited": {"501": {"access_level": 40}, "700": {"access_level": 50}}});
    gitlab.patch(json!({"groups": {"9": group}})).unwrap();
    assert_eq!(ids(&get(&gitlab, "groups/9/members")), [501]);
    let all = get(&gitlab, "groups/9/members/all").json();
    let levels: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (&member["id"], &member["access_level"]))
        .collect();
    assert_eq!(levels, [(&json!(501), &json!(40)), (&json!(700), &json!(50))]);
}

#[tokio::test]
async fn rate_limit_is_plain_text_with_retry_after() {
    let gitlab = start().await;
    gitlab.world(|world| {
        world.rate_limited = Some(RateLimited {
            retry_after: 7,
            times: Some(1),
        });
    });
    let refused = get(&gitlab, "users/501");
    assert_eq!((refused.status, refused.body.trim()), (429, "Retry later"));
    assert_eq!(
        (refused.header("retry-after"), refused.header("content-type")),
        (Some("7"), Some("text/plain"))
    );
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert!(refused.header("ratelimit-resettime").unwrap().ends_with(" GMT"));
    let served = get(&gitlab, "users/501");
    assert_eq!((served.status, served.header("retry-after")), (200, None));
    for name in ["limit", "name", "observed", "remaining", "reset"] {
        assert!(served.header(&format!("ratelimit-{name}")).is_some(), "{name}");
    }
}
