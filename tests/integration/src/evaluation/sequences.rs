//! Ordinary GitLab sequences whose verdict was wrong or could not be corrected: each ends correctly without a person.

use doubles::Stub;
use doubles::gitlab::LabelEvent;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, api_path, at};

fn mr() -> MergeRequest {
    MergeRequest::new(PROJECT, 1, HIGH)
}

async fn kind(env: &TestEnv, mr: &MergeRequest) -> Option<String> {
    env.exception(mr).await.map(|(kind, _)| kind)
}

#[tokio::test]
async fn a_colleagues_reset_leaves_a_fresh_approval() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    env.merged(&mr, |shown| {
        shown
            .version("9b2f", "p2", "2026-03-02T10:05:00.000Z")
            .set("sha", "9b2f");
        shown.approved(ALICE, "2026-03-02T10:05:05.000Z");
    });
    env.deliver(&mr.event("approved", OUTSIDER, at("10:00:00"))).await;
    env.deliver(&mr.event("approved", ALICE, at("10:05:05"))).await;
    env.deliver(&mr.reset_by_push(AUTHOR, at("10:05:10"))).await;
    env.deliver_merge(&mr).await;
    assert_eq!(kind(&env, &mr).await, None);
    let decision = env.decision(&mr).await.unwrap();
    assert_eq!(decision.decision, Some(model::LedgerDecision::Merged));
    assert!(decision.confirmed);
}

#[tokio::test]
async fn a_lost_merge_delivery_is_decided() {
    for (iid, action, state) in [(1, "update", "merged"), (2, "update", "opened"), (3, "close", "opened")] {
        let env = TestEnv::with_evaluator().await;
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        env.merged(&mr, |_| ());
        let mut event = mr.event(action, AUTHOR, at("12:00:01"));
        event["object_attributes"]["state"] = json!(state);
        assert_eq!(
            env.deliver(&event).await.outcome.as_str(),
            "pending",
            "{action} {state}"
        );
        assert_eq!(
            env.count("security_review_ledger WHERE merged_at IS NOT NULL", &mr)
                .await,
            0
        );
        assert_eq!(
            env.count("security_review_unjudged WHERE state = 'pending'", &mr).await,
            1
        );
        assert!(env.maintain().await.is_empty(), "the merge's own delivery goes first");
        env.clock.pass(SignedDuration::from_secs(61));
        assert_eq!(env.maintain().await, ["exception"]);
        assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"));
        assert_eq!(env.count("security_review_unjudged WHERE true", &mr).await, 0);
    }
}

#[tokio::test]
async fn gitlab_recovers_and_a_redelivery_corrects() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&mr), 404, "{}"))
        .unwrap();
    let merge = mr.event("merge", AUTHOR, at("12:00:00"));
    assert_eq!(env.deliver_as(&merge, "one").await.outcome.as_str(), "exception");
    assert_eq!(kind(&env, &mr).await.as_deref(), Some("unverified"));
    assert!(!env.decision(&mr).await.unwrap().confirmed);
    env.gitlab().clear_stubs();
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    assert_eq!(env.deliver_as(&merge, "one").await.outcome.as_str(), "approved");
    let decision = env.decision(&mr).await.unwrap();
    assert!(decision.confirmed && decision.supersedes.is_some());
    assert_eq!(
        env.exception(&mr).await,
        Some(("unverified".to_owned(), "withdrawn".to_owned()))
    );
    assert_eq!(env.count("effects WHERE kind = 'slack_exception_update'", &mr).await, 1);
}

#[tokio::test]
async fn gitlab_recovers_without_user_action() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&mr), 404, "{}"))
        .unwrap();
    env.deliver_merge(&mr).await;
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["unconfirmed"], "still hidden");
    assert_eq!(
        env.count("security_review_decisions WHERE true", &mr).await,
        1,
        "nothing is appended"
    );
    env.gitlab().clear_stubs();
    env.merged(&mr, |_| ());
    env.clock.pass(SignedDuration::from_mins(5));
    assert_eq!(env.maintain().await, ["exception"]);
    assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"));
    env.clock.pass(SignedDuration::from_hours(48));
    assert!(env.maintain().await.is_empty(), "confirmed, so never read again");
}

#[tokio::test]
async fn removing_one_of_two_equal_labels_declassifies_nothing() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    let label = |id: u64| json!({"id": id, "name": "security::high", "color": "#d9534f", "description": null});
    let event = |id: u64, action: &str, user: u64, time: &str| LabelEvent {
        id: None,
        label: label(id),
        action: action.to_owned(),
        user: Some(doubles::gitlab::Person::Id(user)),
        created_at: format!("2026-03-02T{time}.000Z"),
    };
    env.merged(&mr, |shown| {
        shown.label_events.push(event(7001, "add", AUTHOR, "08:00:00"));
        shown.label_events.push(event(7001, "remove", ALICE, "09:00:00"));
    });
    env.deliver_merge(&mr).await;
    assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"));
}

#[tokio::test]
async fn a_merged_state_without_an_action_is_decided() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    env.merged(&mr, |_| ());
    let mut event = mr.event("merge", AUTHOR, at("12:00:00"));
    event["object_attributes"].as_object_mut().unwrap().remove("action");
    assert_eq!(env.deliver(&event).await.outcome.as_str(), "pending");
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["exception"]);
}

#[tokio::test]
async fn a_merge_without_its_time_is_unverified() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, &[]);
    env.merged(&mr, |shown| {
        shown.set("merged_at", Value::Null);
        shown.label_event("add", "security::high", AUTHOR, "2026-03-02T08:00:00.000Z");
        shown.label_event("remove", "security::high", AUTHOR, "2026-03-02T09:00:00.000Z");
    });
    assert_eq!(env.deliver_merge(&mr).await.outcome.as_str(), "pending");
    env.clock.pass(SignedDuration::from_mins(15));
    assert_eq!(env.maintain().await, ["exception"]);
    assert_eq!(kind(&env, &mr).await.as_deref(), Some("unverified"));
    assert!(!env.decision(&mr).await.unwrap().confirmed);
}

#[tokio::test]
async fn old_merge_first_seen_now_predates_the_watch() {
    let (env, mr) = (TestEnv::with_evaluator().await, mr());
    env.merged(&mr, |shown| {
        shown.merged(AUTHOR, "2026-02-20T12:00:00.000Z");
    });
    let mut event = mr.event("update", AUTHOR, at("12:00:01"));
    event["object_attributes"]["state"] = json!("merged");
    env.deliver(&event).await;
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["before_watch"]);
    assert!(env.decision(&mr).await.is_none());
    assert_eq!(
        env.deliver(&event).await.outcome.as_str(),
        "recorded",
        "it is not read again"
    );
    // The merge's own delivery is always decided.
    let merge = mr.event("merge", AUTHOR, at("12:00:00"));
    assert_eq!(env.deliver(&merge).await.outcome.as_str(), "exception");
}
