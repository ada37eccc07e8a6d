//! GitLab's audit events: recorded once, never proof; members are read again, alarms are raised, `explain` lists claims.

use app::DeliveryOutcome;
use doubles::payload::MergeRequest;
use model::{Content, Envelope, GitLabAuditAuthor, GitLabAuditEvent, GitLabAuditObject};
use serde_json::Value;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};

/// The approver group of the rules of these tests.
const GROUP: &str = "4242";

fn audit_event(event_type: &str, group: &str, key: char) -> GitLabAuditEvent {
    let object = |kind: &str, id: &str, name: &str| GitLabAuditObject {
        object_type: Some(kind.to_owned()),
        id: Some(id.to_owned()),
        name: Some(name.to_owned()),
    };
    GitLabAuditEvent {
        event_key: key.to_string().repeat(64),
        event_id: Some(format!("attempt-{key}")),
        event_type: Some(event_type.to_owned()),
        created_at: Some(at("11:00:00")),
        author: GitLabAuditAuthor {
            id: Some(31),
            name: Some("Ana Example".to_owned()),
            class: Some("User".to_owned()),
        },
        entity: object("Group", group, "acme/security-team"),
        target: object("User", "501", "Alice Example"),
        details: serde_json::from_str(r#"{"remove": "user_access"}"#).unwrap(),
    }
}

async fn streamed(env: &TestEnv, events: Vec<GitLabAuditEvent>) -> DeliveryOutcome {
    let content = Content::GitlabAudit { events };
    let streamed = Envelope {
        version: content.envelope_version(),
        content,
        ..envelope(
            &MergeRequest::new(PROJECT, 8, &[]).event("open", AUTHOR, at("11:00:00")),
            "stream",
        )
    };
    app::process_delivery(env.app(), &streamed).await.unwrap().outcome
}

fn alarms(outcome: &DeliveryOutcome) -> Vec<&'static str> {
    match outcome {
        DeliveryOutcome::GitlabAudit { alarms } => alarms.iter().map(|alarm| alarm.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_are_stored_once_in_any_order() {
    let env = TestEnv::with_evaluator().await;
    let (first, second) = (
        audit_event("member_created", "1", 'a'),
        audit_event("member_destroyed", "1", 'b'),
    );
    let attempt = GitLabAuditEvent {
        event_id: Some("another attempt".to_owned()),
        ..first.clone()
    };
    for events in [
        vec![second.clone(), first.clone()],
        vec![attempt.clone(), second],
        vec![first, attempt],
    ] {
        assert_eq!(alarms(&streamed(&env, events).await), [] as [&str; 0]);
    }
    assert_eq!(env.value::<i64>("SELECT count(*) FROM gitlab_audit_events").await, 2);
    let entries = env.entries("gitlab.audit.received");
    let mut ids: Vec<&Value> = entries.iter().map(|entry| &entry["id"]).collect();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 2, "repeated events are the same entries");
    assert_eq!(entries[0]["timestamp"], "2026-03-02T11:00:00.000Z");
}

#[tokio::test]
async fn changes_that_weaken_the_record_raise_alarms() {
    let env = TestEnv::with_evaluator().await;
    let outcome = streamed(
        &env,
        vec![
            audit_event("webhook_destroyed", "1", 'a'),
            audit_event("group_share_with_group_link_created", GROUP, 'b'),
            audit_event("group_share_with_group_link_created", "1", 'c'),
            audit_event("deleted_group_audit_event_streaming_destination", "1", 'd'),
        ],
    )
    .await;
    assert_eq!(
        alarms(&outcome),
        ["webhook_destroyed", "approver_group_shared", "stream_destroyed"]
    );
}

/// The members that were read some seconds ago no longer count; GitLab itself is asked again.
#[tokio::test]
async fn change_of_members_causes_a_new_read() {
    let env = TestEnv::with_evaluator().await;
    let reads = || env.entries("gitlab.api.get_group_members").len();
    let approved = |iid| MergeRequest::new(PROJECT, iid, HIGH).event("approved", ALICE, at("10:00:00"));
    for iid in [1, 2] {
        env.deliver(&approved(iid)).await;
    }
    let before = reads();
    streamed(&env, vec![audit_event("member_destroyed", "1", 'a')]).await;
    env.deliver(&approved(3)).await;
    assert_eq!(reads(), before, "another group");
    streamed(&env, vec![audit_event("member_destroyed", GROUP, 'b')]).await;
    env.deliver(&approved(4)).await;
    assert_eq!(reads(), before + 1);
}

#[tokio::test]
async fn claims_are_explained_and_never_decide() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    let verdict = env.exception(&mr).await;
    streamed(
        &env,
        vec![
            audit_event("member_created", GROUP, 'a'),
            audit_event("member_created", "1", 'b'),
        ],
    )
    .await;
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await, verdict);
    let text = String::from_utf8(env.countersign(&["explain", "77!1"]).stdout).unwrap();
    assert!(
        text.contains("claims, not part of the verdict") && text.contains("Alice Example"),
        "{text}"
    );
    let json = env.countersign(&["explain", "77!1", "--format", "json"]).stdout;
    let document: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(document["membership_claims"].as_array().unwrap().len(), 1);
}
