//! The effects of a decision on a merge, and how a later decision changes them.

use doubles::payload::MergeRequest;
use model::EffectState;
use serde_json::json;

use super::stand::{Archive, KINDS, RULES, by_kind, labelled};
use crate::evaluation::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at, envelope};

fn kinds(report: app::DeliveryReport) -> Vec<&'static str> {
    by_kind(report.effects).into_keys().collect()
}

/// An exception also has the alert; a merge without a security label has no effect.
#[tokio::test]
async fn merge_has_one_effect_per_target() {
    let world = World::with_rules(RULES).await;
    let approved = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&approved, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let delivery = envelope(&approved.event("merge", AUTHOR, at("12:00:00")), "d-1");
    let report = app::process_delivery(&world.evaluator, &delivery).await.unwrap();
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
        app::process_delivery(&world.evaluator, &delivery)
            .await
            .unwrap()
            .effects
            .is_empty()
    );
    assert!(
        world
            .deliver(&approved.event("merge", AUTHOR, at("12:00:00")))
            .await
            .effects
            .is_empty()
    );

    let exception = MergeRequest::new(PROJECT, 2, HIGH);
    world.merged(&exception, |_| ());
    let created = kinds(world.deliver(&exception.event("merge", AUTHOR, at("12:00:00"))).await);
    assert_eq!(created, [&KINDS[..3], &["slack_exception_alert"], &KINDS[3..]].concat());

    let unlabelled = MergeRequest::new(PROJECT, 3, &["backend"]);
    world.merged(&unlabelled, |_| ());
    assert!(
        world
            .deliver(&unlabelled.event("merge", AUTHOR, at("12:00:00")))
            .await
            .effects
            .is_empty()
    );
}

#[tokio::test]
async fn pod_is_chosen_by_label_reviewer_project_fallback() {
    let world = World::with_rules(RULES).await;
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
        world
            .gitlab
            .world(|world| world.projects.entry(PROJECT).or_default().path_with_namespace = path.to_owned());
        world.merged(&mr, |shown| {
            if let Some(reviewer) = reviewer {
                shown.reviewer(reviewer);
            }
        });
        let effects = by_kind(world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await.effects);
        assert_eq!(effects["slack_pod_confirmation"].destination, channel, "{iid}");
    }
}

#[tokio::test]
async fn different_decision_supersedes_effects_not_yet_begun() {
    let archive = Archive::new().await;
    let world = &archive.stand.world;
    let first = archive.approved(1).await;
    let second = by_kind(world.taken_back(&world.evaluator, &labelled(1)).await.effects);
    assert_eq!(second.len(), 5, "{second:?}");
    for kind in KINDS {
        let row = archive.stand.row(first[kind].id).await;
        assert_eq!(row.state, EffectState::Superseded.as_str());
        let decision = second[kind].decision_id.unwrap().to_string();
        assert!(row.reason.as_ref().unwrap().contains(&decision), "{row:?}");
        assert_eq!(archive.stand.row(second[kind].id).await.state, "pending");
    }
    // The same again from another hook changes nothing.
    let late = labelled(1).event("unapproved", ALICE, at("11:00:00"));
    assert!(world.deliver(&late).await.effects.is_empty());
}

#[tokio::test]
async fn earlier_pod_and_current_pod_both_get_correction() {
    let archive = Archive::new().await;
    let world = &archive.stand.world;
    // GitLab does not show the merge yet: the delivery's path determines the team.
    let mr = labelled(1);
    let first = by_kind(world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await.effects);
    assert_eq!(first["slack_pod_confirmation"].destination, "slack:C0PODPAY");
    archive.shown(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let second = world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    let corrections = second
        .effects
        .iter()
        .filter(|effect| effect.kind.as_str() == "slack_pod_confirmation");
    let pods: Vec<_> = corrections.map(|effect| effect.destination.as_str()).collect();
    assert_eq!(pods, ["slack:C0PODREST", "slack:C0PODPAY"]);
}

#[tokio::test]
async fn second_proof_of_same_verdict_adds_no_effects() {
    let archive = Archive::new().await;
    let world = &archive.stand.world;
    let first = archive.approved(1).await;
    // The approval's own delivery arrives late: now both sources prove it.
    let report = world
        .deliver(&labelled(1).event("approved", ALICE, at("10:00:00")))
        .await;
    assert_eq!((report.outcome.as_str(), report.effects.len()), ("approved", 0));
    for kind in KINDS {
        assert_eq!(archive.stand.row(first[kind].id).await.state, "pending");
    }
}

#[tokio::test]
async fn auditor_view_shows_effects_of_merge_request() {
    let archive = Archive::new().await;
    let effects = archive.approved(1).await;
    let notifier = archive.notifier().await;
    archive.attempt(&notifier, &effects["linear_issue"]).await;
    let sql = "SELECT to_jsonb(v) FROM security_review_effects v WHERE project_id = 77 AND mr_iid = 1 ORDER BY kind";
    let rows = archive.stand.world.auditor.query_typed(sql, &[]).await.unwrap();
    let rows: Vec<serde_json::Value> = rows.iter().map(|row| row.get(0)).collect();
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
