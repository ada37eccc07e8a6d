//! The world: its first content, and changes by a merge patch.

use serde_json::{Value, json};

use super::{get, ids, with_merge_request};
use crate::gitlab::start;
use crate::loopback::send;

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
