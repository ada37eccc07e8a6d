//! An incomplete GitLab answer: parts withheld, temporarily unreadable, or permanently rejected.

use doubles::{Fault, Stub};
use model::GitLabAnswer;
use serde_json::json;

use super::env::{GitLabEnv, path};

#[tokio::test]
async fn withheld_part_is_unknown_and_others_are_known() {
    for status in [403, 404] {
        for part in ["/resource_label_events", "/versions", "/reviewers", "members"] {
            let env = GitLabEnv::open().await;
            let path = if part == "members" {
                "/api/v4/groups/4242/members".to_owned()
            } else {
                path(part)
            };
            env.double
                .stub(Stub::answering("GET", &path, status, "{\"message\":\"no\"}"))
                .unwrap();
            let answer = env.answer().await;
            let unknown = [
                ("/resource_label_events", answer.label_events.known().is_none()),
                ("/versions", answer.versions.known().is_none()),
                ("/reviewers", answer.reviewers.known().is_none()),
                ("members", answer.eligible_now.known().is_none()),
            ];
            assert!(
                unknown.iter().all(|&(name, unknown)| unknown == (name == part)),
                "{status} {unknown:?}"
            );
            env.entries();
        }
    }
}

#[tokio::test]
async fn a_temporary_failure_anywhere_makes_the_answer_unavailable() {
    let parts = ["", "/approvals", "/resource_label_events", "/versions"].map(path);
    let others = ["/api/v4/groups/4242/members", "/api/v4/users/501"].map(str::to_owned);
    for path in parts.into_iter().chain(others) {
        for stub in [
            Stub::answering("GET", &path, 401, "{\"message\":\"401 Unauthorized\"}"),
            Stub::answering("GET", &path, 429, "Retry later\n"),
            Stub::answering("GET", &path, 503, "down"),
            Stub::answering("GET", &path, 200, "{\"id\":"),
            Stub::failing("GET", &path, Fault::Reset),
            Stub::failing("GET", &path, Fault::Half),
        ] {
            let env = GitLabEnv::with(&stub).await;
            let facts = env.facts().await;
            assert!(matches!(facts, GitLabAnswer::Unavailable(_)), "{stub:?} gave {facts:?}");
            env.entries();
        }
    }
}

#[tokio::test]
async fn optional_reads_neither_fail_nor_delay() {
    for part in ["/reviewers", "/approval_state"].map(path) {
        for stub in [
            Stub::answering("GET", &part, 401, "{\"message\":\"401 Unauthorized\"}"),
            Stub::answering("GET", &part, 429, "Retry later\n"),
            Stub::answering("GET", &part, 503, "down"),
            Stub::failing("GET", &part, Fault::Reset),
            Stub::failing("GET", &part, Fault::Hang),
        ] {
            let env = GitLabEnv::with(&stub).await;
            let answer = env.answer().await;
            let unknown = [
                answer.reviewers.known().is_none(),
                answer.approval_rules.known().is_none(),
            ];
            assert_eq!(unknown.iter().filter(|unknown| **unknown).count(), 1, "{stub:?}");
        }
    }
}

#[tokio::test]
async fn earlier_reads_are_kept_when_another_fails() {
    let members = Stub::answering("GET", "/api/v4/groups/4242/members", 503, "down");
    let GitLabAnswer::Unavailable(unread) = GitLabEnv::with(&members).await.facts().await else {
        panic!("members are needed")
    };
    assert_eq!(unread.labels.unwrap().labels_now, ["security::high"]);
    assert_eq!(unread.approvals.len(), 1);
    let limited = Stub::answering("GET", &path(""), 429, "Retry later\n").header("retry-after", "42");
    let GitLabAnswer::Unavailable(unread) = GitLabEnv::with(&limited).await.facts().await else {
        panic!("GitLab limits the rate")
    };
    assert_eq!(unread.retry_after_seconds, Some(42));
}

#[tokio::test]
async fn an_account_is_read_once() {
    let env = GitLabEnv::open().await;
    let asked = |env: &GitLabEnv| {
        env.double
            .requests()
            .iter()
            .filter(|request| request.path == "/api/v4/users/501")
            .count()
    };
    assert_eq!(env.answer().await.bots.get(&model::UserId(501)), Some(&false));
    assert_eq!(env.answer().await.bots.get(&model::UserId(501)), Some(&false));
    assert_eq!(asked(&env), 1);
    let withheld = GitLabEnv::with(&Stub::answering(
        "GET",
        "/api/v4/users/501",
        404,
        "{\"message\":\"no\"}",
    ))
    .await;
    let answer = withheld.answer().await;
    assert!(answer.bots.is_empty() && answer.bots_unknown.contains(&model::UserId(501)));
}

#[tokio::test]
async fn hanging_parts_time_out_and_make_answer_unavailable() {
    let hanging = |part: &str| Stub::failing("GET", &path(part), Fault::Hang);
    let env = GitLabEnv::with(&hanging("/approvals")).await;
    env.double.stub(hanging("/versions")).unwrap();
    env.double.stub(hanging("/reviewers")).unwrap();
    assert!(matches!(env.facts().await, GitLabAnswer::Unavailable(_)));
    let timeouts = env.entries().iter().filter(|entry| entry["error"] == "timeout").count();
    assert_eq!(timeouts, 3);
}

#[tokio::test]
async fn merge_not_yet_shown_stops_further_reads() {
    for fields in [
        json!({"state": "opened", "detailed_merge_status": "checking", "merged_at": null}),
        json!({"state": "opened", "detailed_merge_status": "approvals_syncing", "merged_at": null}),
        json!({"state": "locked", "merged_at": null}),
        json!({"state": "merged", "merged_at": null}),
    ] {
        let env = GitLabEnv::open().await;
        env.double.world(|world| {
            for (name, value) in fields.as_object().unwrap() {
                world.merge_request(77, 12).set(name, value.clone());
            }
        });
        let facts = env.facts().await;
        if fields["state"] == "merged" {
            assert!(matches!(facts, GitLabAnswer::Unavailable(_)), "{fields}");
        } else {
            assert!(matches!(facts, GitLabAnswer::NotMerged(_)), "{fields}");
        }
        assert_eq!(env.entries().len(), 2, "{fields}");
    }
}

/// Only status 403 on the merge request itself means a token without rights: unavailable, not denied.
#[tokio::test]
async fn withheld_merge_request_is_denied() {
    for (part, status, refused) in [
        ("", 404, true),
        ("", 403, false),
        ("/approvals", 404, true),
        ("/approvals", 403, true),
    ] {
        let env = GitLabEnv::with(&Stub::answering("GET", &path(part), status, "{\"message\":\"no\"}")).await;
        let facts = env.facts().await;
        assert_eq!(
            matches!(facts, GitLabAnswer::Denied(_)),
            refused,
            "{part} {status} {facts:?}"
        );
        assert_eq!(
            matches!(facts, GitLabAnswer::Unavailable(_)),
            !refused,
            "{part} {status} {facts:?}"
        );
    }
}

#[tokio::test]
async fn missing_approvals_list_is_not_an_empty_list() {
    for body in [json!({"approved": false}), json!({"approved_by": null}), json!([])] {
        let env = GitLabEnv::with(&Stub::answering("GET", &path("/approvals"), 200, body.clone())).await;
        assert!(matches!(env.facts().await, GitLabAnswer::Unavailable(_)), "{body}");
    }
    let env = GitLabEnv::with(&Stub::answering(
        "GET",
        &path("/approvals"),
        200,
        json!({"approved_by": []}),
    ))
    .await;
    assert!(env.answer().await.approvals.is_empty());
}
