//! A merge request and its approvals, label events, versions and reviewers.

use serde_json::json;

use super::{get, with_merge_request};

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
