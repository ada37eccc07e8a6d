//! The GitLab answer, built from all GitLab responses.

use std::collections::BTreeSet;

use doubles::Stub;
use doubles::gitlab::{Approval, ApprovalRule, Person};
use model::{GitLabAnswer, Reading, UserId};
use rules::Approvers;
use serde_json::json;

use super::env::{GitLabEnv, approvers, now, path};

fn users<const N: usize>(ids: [i64; N]) -> BTreeSet<UserId> {
    ids.map(UserId).into()
}

#[tokio::test]
async fn a_merge_with_everything_known() {
    let env = GitLabEnv::open().await;
    env.double.world(|world| {
        world.user(501, "sec-alice");
        world
            .merge_request(77, 12)
            .set("merge_commit_sha", "beef")
            .set("merge_when_pipeline_succeeds", true);
    });
    let answer = env.answer().await;
    assert_eq!(
        (answer.read_at, answer.title.as_str()),
        (now(), "Rotate the signing keys")
    );
    assert_eq!(answer.project_path.as_deref(), Some("payments/gateway"));
    assert_eq!(
        (answer.author.id, answer.merge.merge_user.as_ref().unwrap().id),
        (UserId(601), UserId(602))
    );
    assert_eq!(answer.merge.merged_at, "2026-03-02T10:15:00Z".parse().unwrap());
    assert_eq!(answer.merge.merge_commit_sha.as_deref(), Some("beef"));
    assert_eq!(answer.merge.head_sha.as_deref(), Some("5f1c"));
    assert_eq!(answer.merge.merge_method.as_deref(), Some("auto_merge"));
    assert_eq!(answer.labels_now, ["security::high"]);
    assert_eq!(answer.approvals[0].user.username, "sec-alice");
    assert_eq!(
        answer.approvals[0].approved_at,
        Some("2026-03-02T10:00:00.25Z".parse().unwrap())
    );
    let event = &answer.label_events.known().unwrap()[0];
    assert_eq!((event.label.as_deref(), event.added), (Some("security::high"), true));
    assert_eq!(event.actor.as_ref().unwrap().id, UserId(601));
    assert_eq!(answer.versions.known().unwrap()[0].patch_id.as_deref(), Some("77aa"));
    assert_eq!(answer.reviewers.known().unwrap()[0].user.id, UserId(502));
    assert_eq!(
        answer.eligible_now,
        Reading::Known(users([501, 502, 900])),
        "the team and the listed user"
    );
    assert_eq!(answer.bots.get(&UserId(501)), Some(&false));
    assert!(
        matches!(answer.rule_approvers, Reading::Unknown(_)),
        "no rule is named, so none counts"
    );
    assert_eq!(
        answer.approval_rules,
        Reading::Known(Vec::new()),
        "asked for as evidence"
    );
    the_merge_is_read_before_the_rest(&env);
}

fn the_merge_is_read_before_the_rest(env: &GitLabEnv) {
    let mut actions: Vec<_> = env
        .entries()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        actions.remove(0),
        "gitlab.api.get_mr_details",
        "nothing else is read before the merge is known"
    );
    assert_eq!(actions.pop().unwrap(), "gitlab.api.get_user");
    actions.sort();
    let together = ["approval_state", "approvals", "label_events", "reviewers", "versions"]
        .map(|part| format!("gitlab.api.get_mr_{part}"));
    assert_eq!(
        actions,
        [&["gitlab.api.get_group_members".to_owned()], together.as_slice()].concat()
    );
}

#[tokio::test]
async fn named_rule_provides_its_eligible_approvers() {
    let env = GitLabEnv::open().await;
    env.double.world(|world| {
        let rule = |name: &str, id| ApprovalRule {
            name: name.to_owned(),
            rule_type: "regular".to_owned(),
            approvals_required: 1,
            eligible_approvers: vec![Person::Id(id)],
        };
        let merge_request = world.merge_request(77, 12).approved(650, "2026-03-02T10:01:00.000Z");
        merge_request.approval_rules = vec![rule("Security", 501), rule("Docs", 650)];
    });
    let approvers = Approvers {
        approval_rule: Some("Security".to_owned()),
        ..approvers()
    };
    let GitLabAnswer::Full(answer) = env.facts_for(&approvers).await else {
        panic!("no answer")
    };
    assert_eq!(answer.rule_approvers, Reading::Known(users([501])));

    env.double.world(|world| world.old_gitlab = true);
    let GitLabAnswer::Full(answer) = env.facts_for(&approvers).await else {
        panic!("no answer")
    };
    assert!(
        matches!(answer.rule_approvers, Reading::Unknown(_)),
        "a tier without rules"
    );
    env.entries();
}

#[tokio::test]
async fn old_gitlab_gives_no_approval_time_or_diff() {
    let env = GitLabEnv::open().await;
    env.double.world(|world| world.old_gitlab = true);
    let answer = env.answer().await;
    assert_eq!((answer.approvals.len(), answer.approvals[0].approved_at), (1, None));
    assert_eq!(answer.versions.known().unwrap()[0].patch_id, None);
}

#[tokio::test]
async fn gitlab_identifies_bots_with_ordinary_names() {
    let env = GitLabEnv::open().await;
    env.double.world(|world| {
        world.user(701, "release-service").bot = true;
        world.user(702, "project_77_bot_0a1b2c").bot = true;
        let merge_request = world.merge_request(77, 12);
        merge_request
            .approved(701, "2026-03-02T10:01:00.000Z")
            .approved(702, "2026-03-02T10:02:00.000Z");
        let stranger = json!({"id": 999, "username": "gone"}).as_object().unwrap().clone();
        merge_request.approved_by.push(Approval {
            user: Person::Whole(stranger),
            approved_at: None,
        });
    });
    env.double
        .stub(Stub::answering("GET", "/api/v4/users/999", 404, "{}"))
        .unwrap();
    let answer = env.answer().await;
    assert_eq!(answer.approvals.len(), 4);
    assert_eq!(
        answer.bots.into_iter().collect::<Vec<_>>(),
        [(UserId(501), false), (UserId(701), true)]
    );
    let asked = env
        .double
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/api/v4/users/"))
        .count();
    assert_eq!(asked, 3, "not for the one whose name shows that it is a bot");
}

#[tokio::test]
async fn events_without_label_or_user_are_kept() {
    let env = GitLabEnv::open().await;
    let events =
        json!([{"id": 1, "action": "remove", "created_at": "2026-03-01T09:00:00.000Z", "label": null, "user": null}]);
    env.double
        .stub(Stub::answering("GET", &path("/resource_label_events"), 200, events))
        .unwrap();
    let answer = env.answer().await;
    let event = &answer.label_events.known().unwrap()[0];
    assert_eq!(
        (event.label.as_deref(), event.added, event.actor.as_ref()),
        (None, false, None)
    );
}
