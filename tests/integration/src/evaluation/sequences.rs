//! Ordinary GitLab sequences whose verdict was wrong or could not be corrected: each ends correctly without a person.

use doubles::Stub;
use doubles::gitlab::LabelEvent;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, World, at};

fn mr() -> MergeRequest {
    MergeRequest::new(PROJECT, 1, HIGH)
}

fn path(mr: &MergeRequest) -> String {
    format!("/api/v4/projects/{}/merge_requests/{}", mr.project, mr.iid)
}

async fn kind(world: &World, mr: &MergeRequest) -> Option<String> {
    world.exception(mr).await.map(|(kind, _)| kind)
}

#[tokio::test]
async fn a_colleagues_reset_leaves_a_fresh_approval() {
    let (world, mr) = (World::new().await, mr());
    world.merged(&mr, |shown| {
        shown
            .version("9b2f", "p2", "2026-03-02T10:05:00.000Z")
            .set("sha", "9b2f");
        shown.approved(ALICE, "2026-03-02T10:05:05.000Z");
    });
    world.deliver(&mr.event("approved", OUTSIDER, at("10:00:00"))).await;
    world.deliver(&mr.event("approved", ALICE, at("10:05:05"))).await;
    world.deliver(&mr.reset_by_push(AUTHOR, at("10:05:10"))).await;
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(kind(&world, &mr).await, None);
    let decision = world.decision(&mr).await.unwrap();
    assert_eq!(decision.decision, Some(model::LedgerDecision::Merged));
    assert!(decision.confirmed);
}

#[tokio::test]
async fn a_lost_merge_delivery_is_decided() {
    for (iid, action, state) in [(1, "update", "merged"), (2, "update", "opened"), (3, "close", "opened")] {
        let world = World::new().await;
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        world.merged(&mr, |_| ());
        let mut event = mr.event(action, AUTHOR, at("12:00:01"));
        event["object_attributes"]["state"] = json!(state);
        assert_eq!(
            world.deliver(&event).await.outcome.as_str(),
            "pending",
            "{action} {state}"
        );
        assert_eq!(
            world
                .count("security_review_ledger WHERE merged_at IS NOT NULL", &mr)
                .await,
            0
        );
        assert_eq!(
            world
                .count("security_review_unjudged WHERE state = 'pending'", &mr)
                .await,
            1
        );
        assert!(world.maintain().await.is_empty(), "the merge's own delivery goes first");
        world.clock.pass(SignedDuration::from_secs(61));
        assert_eq!(world.maintain().await, ["exception"]);
        assert_eq!(kind(&world, &mr).await.as_deref(), Some("no_approval"));
        assert_eq!(world.count("security_review_unjudged WHERE true", &mr).await, 0);
    }
}

#[tokio::test]
async fn gitlab_recovers_and_a_redelivery_corrects() {
    let (world, mr) = (World::new().await, mr());
    world
        .gitlab
        .stub(Stub::answering("GET", &path(&mr), 404, "{}"))
        .unwrap();
    let merge = mr.event("merge", AUTHOR, at("12:00:00"));
    assert_eq!(world.deliver_as(&merge, "one").await.outcome.as_str(), "exception");
    assert_eq!(kind(&world, &mr).await.as_deref(), Some("unverified"));
    assert!(!world.decision(&mr).await.unwrap().confirmed);
    world.gitlab.clear_stubs();
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    assert_eq!(world.deliver_as(&merge, "one").await.outcome.as_str(), "approved");
    let decision = world.decision(&mr).await.unwrap();
    assert!(decision.confirmed && decision.supersedes.is_some());
    assert_eq!(
        world.exception(&mr).await,
        Some(("unverified".to_owned(), "withdrawn".to_owned()))
    );
    assert_eq!(
        world.count("effects WHERE kind = 'slack_exception_update'", &mr).await,
        1
    );
}

#[tokio::test]
async fn gitlab_recovers_without_user_action() {
    let (world, mr) = (World::new().await, mr());
    world
        .gitlab
        .stub(Stub::answering("GET", &path(&mr), 404, "{}"))
        .unwrap();
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    world.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(world.maintain().await, ["unconfirmed"], "still hidden");
    assert_eq!(
        world.count("security_review_decisions WHERE true", &mr).await,
        1,
        "nothing is appended"
    );
    world.gitlab.clear_stubs();
    world.merged(&mr, |_| ());
    world.clock.pass(SignedDuration::from_mins(5));
    assert_eq!(world.maintain().await, ["exception"]);
    assert_eq!(kind(&world, &mr).await.as_deref(), Some("no_approval"));
    world.clock.pass(SignedDuration::from_hours(48));
    assert!(world.maintain().await.is_empty(), "confirmed, so never read again");
}

#[tokio::test]
async fn removing_one_of_two_equal_labels_declassifies_nothing() {
    let (world, mr) = (World::new().await, mr());
    let label = |id: u64| json!({"id": id, "name": "security::high", "color": "#d9534f", "description": null});
    let event = |id: u64, action: &str, user: u64, time: &str| LabelEvent {
        id: None,
        label: label(id),
        action: action.to_owned(),
        user: Some(doubles::gitlab::Person::Id(user)),
        created_at: format!("2026-03-02T{time}.000Z"),
    };
    world.merged(&mr, |shown| {
        shown.label_events.push(event(7001, "add", AUTHOR, "08:00:00"));
        shown.label_events.push(event(7001, "remove", ALICE, "09:00:00"));
    });
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(kind(&world, &mr).await.as_deref(), Some("no_approval"));
}

#[tokio::test]
async fn a_merged_state_without_an_action_is_decided() {
    let (world, mr) = (World::new().await, mr());
    world.merged(&mr, |_| ());
    let mut event = mr.event("merge", AUTHOR, at("12:00:00"));
    event["object_attributes"].as_object_mut().unwrap().remove("action");
    assert_eq!(world.deliver(&event).await.outcome.as_str(), "pending");
    world.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(world.maintain().await, ["exception"]);
}

#[tokio::test]
async fn a_merge_without_its_time_is_unverified() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, &[]);
    world.merged(&mr, |shown| {
        shown.set("merged_at", Value::Null);
        shown.label_event("add", "security::high", AUTHOR, "2026-03-02T08:00:00.000Z");
        shown.label_event("remove", "security::high", AUTHOR, "2026-03-02T09:00:00.000Z");
    });
    assert_eq!(
        world
            .deliver(&mr.event("merge", AUTHOR, at("12:00:00")))
            .await
            .outcome
            .as_str(),
        "pending"
    );
    world.clock.pass(SignedDuration::from_mins(15));
    assert_eq!(world.maintain().await, ["exception"]);
    assert_eq!(kind(&world, &mr).await.as_deref(), Some("unverified"));
    assert!(!world.decision(&mr).await.unwrap().confirmed);
}

#[tokio::test]
async fn old_merge_first_seen_now_predates_the_watch() {
    let (world, mr) = (World::new().await, mr());
    world.merged(&mr, |shown| {
        shown.merged(AUTHOR, "2026-02-20T12:00:00.000Z");
    });
    let mut event = mr.event("update", AUTHOR, at("12:00:01"));
    event["object_attributes"]["state"] = json!("merged");
    world.deliver(&event).await;
    world.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(world.maintain().await, ["before_watch"]);
    assert!(world.decision(&mr).await.is_none());
    assert_eq!(
        world.deliver(&event).await.outcome.as_str(),
        "recorded",
        "it is not read again"
    );
    // The merge's own delivery is always decided.
    let merge = mr.event("merge", AUTHOR, at("12:00:00"));
    assert_eq!(world.deliver(&merge).await.outcome.as_str(), "exception");
}
