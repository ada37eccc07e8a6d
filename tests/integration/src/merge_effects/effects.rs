//! The effects of a decision on a merge, and how a later decision changes them.

use doubles::payload::MergeRequest;
use model::EffectState;
use serde_json::json;

use super::env::{KINDS, RULES, by_kind, labelled};
use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};

fn kinds(report: app::DeliveryReport) -> Vec<&'static str> {
    by_kind(report.effects).into_keys().collect()
}

/// An exception also has the alert; a merge without a security label has no effect.
#[tokio::test]
async fn merge_has_one_effect_per_target() {
    let env = TestEnv::with_rules(RULES).await;
    let approved = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&approved, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let delivery = envelope(&approved.event("merge", AUTHOR, at("12:00:00")), "d-1");
    let report = app::process_delivery(env.app(), &delivery).await.unwrap();
    let destinations: Vec<_> = report.effects.iter().map(|effect| effect.destination.clone()).collect();
    assert_eq!(
        destinations,
        [
            "linear",
            "jira",
            "confluence:SEC/Security review audit",
            "slack:C0PODREST"
        ]
    );
    assert_eq!(kinds(report), KINDS);
    // Another delivery, by the same hook or by another, adds nothing.
    assert!(
        app::process_delivery(env.app(), &delivery)
            .await
            .unwrap()
            .effects
            .is_empty()
    );
    assert!(env.deliver_merge(&approved).await.effects.is_empty());

    let exception = MergeRequest::new(PROJECT, 2, HIGH);
    env.merged(&exception, |_| ());
    let created = kinds(env.deliver_merge(&exception).await);
    assert_eq!(created, [&KINDS[..3], &["slack_exception_alert"], &KINDS[3..]].concat());

    let unlabelled = MergeRequest::new(PROJECT, 3, &["backend"]);
    env.merged(&unlabelled, |_| ());
    assert!(env.deliver_merge(&unlabelled).await.effects.is_empty());
}

#[tokio::test]
async fn pod_is_chosen_by_label_reviewer_project_fallback() {
    let env = TestEnv::with_rules(RULES).await;
    // The team's path comes from GitLab.
    for (iid, path, labels, reviewer, channel) in [
        (
            1,
            "platform/core",
            vec!["security::high", "Pod::Payments"],
            Some(502),
            "slack:C0PODPAY",
        ),
        (
            2,
            "payments/gateway",
            vec!["security::high"],
            Some(502),
            "slack:C0PODPLAT",
        ),
        (3, "payments/gateway", vec!["security::high"], None, "slack:C0PODPAY"),
        (4, "docs/site", vec!["security::high"], Some(503), "slack:C0PODREST"),
    ] {
        let mr = MergeRequest::new(PROJECT, iid, &labels);
        env.gitlab()
            .world(|world| world.projects.entry(PROJECT).or_default().path_with_namespace = path.to_owned());
        env.merged(&mr, |shown| {
            if let Some(reviewer) = reviewer {
                shown.reviewer(reviewer);
            }
        });
        let effects = by_kind(env.deliver_merge(&mr).await.effects);
        assert_eq!(effects["slack_pod_confirmation"].destination, channel, "{iid}");
    }
}

#[tokio::test]
async fn different_decision_supersedes_effects_not_yet_begun() {
    let env = TestEnv::with_connectors().await;
    let first = env.approved(1).await;
    let second = by_kind(env.taken_back(env.app(), &labelled(1)).await.effects);
    assert_eq!(second.len(), 5, "{second:?}");
    for kind in KINDS {
        let row = env.effect_row(first[kind].id).await;
        assert_eq!(row.state, EffectState::Superseded.as_str());
        let decision = second[kind].decision_id.unwrap().to_string();
        assert!(row.reason.as_ref().unwrap().contains(&decision), "{row:?}");
        assert_eq!(env.effect_row(second[kind].id).await.state, "pending");
    }
    // The same again from another hook changes nothing.
    let late = labelled(1).event("unapproved", ALICE, at("11:00:00"));
    assert!(env.deliver(&late).await.effects.is_empty());
}

#[tokio::test]
async fn earlier_pod_and_current_pod_both_get_correction() {
    let env = TestEnv::with_connectors().await;
    // GitLab does not show the merge yet: the delivery's path determines the team.
    let mr = labelled(1);
    let first = by_kind(env.deliver_merge(&mr).await.effects);
    assert_eq!(first["slack_pod_confirmation"].destination, "slack:C0PODPAY");
    env.shown(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let second = env.deliver_merge(&mr).await;
    let corrections = second
        .effects
        .iter()
        .filter(|effect| effect.kind.as_str() == "slack_pod_confirmation");
    let pods: Vec<_> = corrections.map(|effect| effect.destination.as_str()).collect();
    assert_eq!(pods, ["slack:C0PODREST", "slack:C0PODPAY"]);
}

#[tokio::test]
async fn second_proof_of_same_verdict_adds_no_effects() {
    let env = TestEnv::with_connectors().await;
    let first = env.approved(1).await;
    // The approval's own delivery arrives late: now both sources prove it.
    let report = env.deliver(&labelled(1).event("approved", ALICE, at("10:00:00"))).await;
    assert_eq!((report.outcome.as_str(), report.effects.len()), ("approved", 0));
    for kind in KINDS {
        assert_eq!(env.effect_row(first[kind].id).await.state, "pending");
    }
}

#[tokio::test]
async fn auditor_view_shows_effects_of_merge_request() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let notifier = env.function("notifier").await;
    env.attempt(&notifier, &effects["linear_issue"]).await;
    let sql = "SELECT to_jsonb(v) FROM security_review_effects v WHERE project_id = 77 AND mr_iid = 1 ORDER BY kind";
    let rows: Vec<serde_json::Value> = env.column(sql).await;
    assert_eq!(rows.iter().map(|row| row["kind"].clone()).collect::<Vec<_>>(), KINDS);
    let linear = &rows[2];
    assert_eq!(
        (
            &linear["state"],
            &linear["attempts"],
            &linear["external_id"],
            &linear["title"]
        ),
        (
            &json!("done"),
            &json!(1),
            &json!("ENG-123"),
            &json!("Rotate the signing keys")
        )
    );
    assert!(linear["ended_at"].is_string() && linear["next_attempt_at"].is_null());
    assert!(rows[0]["ended_at"].is_null() && rows[0]["next_attempt_at"].is_string());
}
