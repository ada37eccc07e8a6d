//! Labels that were deleted, share a title, or have unusual titles.

use doubles::Stub;
use doubles::gitlab::{LabelEvent, Person};
use doubles::payload::MergeRequest;
use serde_json::{Value, json};

use super::fixtures::{self, IVO, NOOR, hook, kind, label, mr, row, shows};
use crate::env::{ALICE, HIGH, TestEnv, at};

fn event(label: Value, action: &str, user: u64, time: &str) -> LabelEvent {
    LabelEvent {
        id: None,
        label,
        action: action.to_owned(),
        user: Some(Person::Id(user)),
        created_at: format!("2026-03-02T{time}.000Z"),
    }
}

/// An update that adds the label, received while GitLab does not answer: only the stored event shows it.
async fn stored_only(env: &TestEnv, mr: &MergeRequest) {
    let labelled = fixtures::mr(mr.iid, HIGH);
    let mut update = hook(&labelled, "update", NOOR, "09:00:00");
    update["changes"] = json!({"labels": {"previous": [], "current": update["labels"]}});
    let down = Stub::answering("GET", "/api/v4/projects/4411/merge_requests/1", 502, "down");
    env.gitlab().stub(down).unwrap();
    env.clock.set(at("09:00:02"));
    assert_eq!(env.deliver(&update).await.outcome.as_str(), "pending");
    env.clock.set(at("12:00:02"));
    env.gitlab().clear_stubs();
}

/// Events of a label that was deleted from the project have `label: null`.
#[tokio::test]
async fn a_deleted_label_counts_and_declassifies_nothing() {
    for nameless_removal in [false, true] {
        let env = TestEnv::with_evaluator().await;
        let mr = mr(1, &["backend"]);
        stored_only(&env, &mr).await;
        shows(&env, &mr, |shown| {
            shown.label_events.push(event(Value::Null, "add", NOOR, "09:00:00"));
            if nameless_removal {
                shown.label_events.push(event(Value::Null, "remove", ALICE, "11:00:00"));
            }
        });
        env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
        assert_eq!(
            kind(&env, &mr).await.as_deref(),
            Some("label_removed_before_merge"),
            "{nameless_removal}"
        );
    }
}

#[tokio::test]
async fn a_deleted_label_without_stored_event_is_noted() {
    let env = TestEnv::with_evaluator().await;
    let mr = mr(2, &["backend"]);
    shows(&env, &mr, |shown| {
        shown.label_events.push(event(Value::Null, "add", NOOR, "09:00:00"));
    });
    let report = env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
    assert_eq!(
        (report.outcome.as_str(), report.counted()),
        ("not_carried", vec!["label_events_unreadable"])
    );
    let decision = row(&env, "security_review_decisions", &mr).await;
    assert_eq!(decision["notes"], json!(["label_events_unreadable"]));
}

/// A group label and a project label have one title; one of them is removed, and the title remains.
#[tokio::test]
async fn one_of_two_equal_titles_stays_on() {
    for (iid, remover) in [(1, NOOR), (6, ALICE)] {
        let env = TestEnv::with_evaluator().await;
        let mr = mr(iid, &["sec/high"]);
        let named = |id: u64| json!({"id": id, "name": "sec/high", "color": "#336699", "description": null});
        shows(&env, &mr, |shown| {
            shown.label_events = vec![
                event(named(701), "add", NOOR, "09:00:00"),
                event(named(702), "add", NOOR, "09:10:00"),
                event(named(702), "remove", remover, "11:00:00"),
            ];
        });
        env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
        assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"), "{iid}");
        // The delivery of the removal arrives late and changes nothing.
        let mut update = hook(&mr, "update", remover, "11:00:00");
        update["changes"] = json!({"labels": {
            "previous": [label(701, "sec/high"), label(702, "sec/high")], "current": [label(701, "sec/high")],
        }});
        env.deliver(&update).await;
        assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"), "{iid}");
    }
}

#[tokio::test]
async fn odd_titles_match_to_the_letter() {
    let env = TestEnv::with_evaluator().await;
    for (iid, delivered, answered, expected) in [
        (2, "security::app::high", "security::app::high", Some("unclassified")),
        (3, "security：：high", "security：：high", None),
        (4, "sec/", "sec/", Some("unclassified")),
        // GitLab's answer decides.
        (5, " security::high", "security::high", Some("high")),
        (7, " security::high", " security::high", None),
    ] {
        shows(&env, &mr(iid, &[answered]), |_| ());
        let mr = mr(iid, &[delivered]);
        let report = env.deliver(&hook(&mr, "merge", IVO, "12:00:00")).await;
        let outcome = expected.map_or("not_carried", |_| "exception");
        assert_eq!(report.outcome.as_str(), outcome, "{delivered}");
        if let Some(tier) = expected {
            let exception = row(&env, "security_review_exceptions", &mr).await;
            assert_eq!(
                (&exception["kind"], &exception["risk_tier"]),
                (&json!("no_approval"), &json!(tier)),
                "{delivered}"
            );
        }
    }
}
