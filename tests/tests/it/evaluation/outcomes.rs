//! What comes of one merge: rows, effects, the audit trail, and what GitLab is asked.

use model::{Content, Envelope, Kind, Outcome};
use serde_json::{Value, json};
use tests::payload::MergeRequest;

use super::world::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, World, at, envelope, key};

#[tokio::test]
async fn a_merge_without_approval_becomes_one_exception_with_its_context_and_one_effect() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |_| ());
    let report = world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.effects.len(), 1);
    assert_eq!(report.effects[0].destination, "slack:C0SECLEAD");

    let sql = "SELECT to_jsonb(e) FROM security_review_exceptions e";
    let row: Value = world.auditor.query_typed(sql, &[]).await.unwrap()[0].get(0);
    for (field, expected) in [
        ("instance", json!("main")),
        ("project_id", json!(77)),
        ("project_path", json!("payments/gateway-77")),
        ("mr_iid", json!(1)),
        ("mr_title", json!("Rotate the signing keys")),
        ("author_id", json!(601)),
        ("merged_by_id", json!(601)),
        ("labels", json!(["security::high"])),
        ("risk_tier", json!("high")),
        ("kind", json!("no_approval")),
        ("reason_codes", json!(["no_approval"])),
        ("approvals", json!([])),
        ("status", json!("open")),
        ("merged_at", json!("2026-03-02T12:00:00+00:00")),
    ] {
        assert_eq!(row[field], expected, "{field} in {row:#}");
    }
    let told: Vec<String> = world
        .audit
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.contains("exception.record.insert"))
        .cloned()
        .collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(row["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_properly_approved_merge_leaves_a_decision_and_no_exception() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 2, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.250Z");
    });
    world.deliver(&mr.told("approved", ALICE, at("10:00:00"))).await;
    let report = world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "approved");
    assert!(report.effects.is_empty());
    assert_eq!(world.exception(&mr).await, None);
    assert_eq!(
        world
            .count(
                "security_review_decisions WHERE decision = 'merged' AND proof = 'both'",
                &mr
            )
            .await,
        1
    );
    // Membership when the approval arrived is kept with the event.
    assert_eq!(
        world
            .count("merge_request_events WHERE action = 'approved' AND eligible", &mr)
            .await,
        1
    );
    assert_eq!(
        world
            .count("merge_request_events WHERE action = 'merge' AND NOT eligible", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn a_merge_that_never_carried_a_security_label_costs_one_look_at_its_label_events() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 3, &["backend"]);
    world.merged(&mr, |_| ());
    let report = world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "not_carried");
    assert_eq!(world.exception(&mr).await, None);
    let asked: Vec<String> = world
        .gitlab
        .requests()
        .into_iter()
        .map(|request| request.path)
        .filter(|path| path.contains("merge_requests"))
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("resource_label_events"), "{asked:?}");
}

#[tokio::test]
async fn a_label_taken_off_before_the_merge_is_found_in_gitlabs_label_events() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 4, &["backend"]);
    world.merged(&mr, |shown| {
        shown.label_event("add", "sec/critical", AUTHOR, "2026-03-02T09:00:00.000Z");
        shown.label_event("remove", "sec/critical", OUTSIDER, "2026-03-02T11:00:00.000Z");
    });
    world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    let exception = world.exception(&mr).await.unwrap();
    assert_eq!(exception.0, "label_removed_before_merge");
    assert_eq!(
        world
            .count("security_review_exceptions WHERE risk_tier = 'critical'", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn a_merge_request_that_gitlab_hides_is_unverified_at_once() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 5, HIGH);
    let report = world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "exception");
    assert_eq!(world.exception(&mr).await.unwrap().0, "unverified");
    // What the delivery said fills the row.
    assert_eq!(
        world
            .count(
                "security_review_exceptions WHERE mr_title = 'Rotate the signing keys'",
                &mr
            )
            .await,
        1
    );
}

#[tokio::test]
async fn of_a_stale_delivery_only_the_ids_are_trusted() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 6, &["backend"]);
    world.merged(&MergeRequest::new(PROJECT, 6, HIGH), |_| ());
    // The old delivery shows no label; GitLab, asked anew, shows one.
    let mut old = envelope(&mr.told("merge", OUTSIDER, at("12:00:00")), "old");
    old.authentication.stale = true;
    world.evaluator.deliver(&old).await.unwrap();
    assert_eq!(world.exception(&mr).await.unwrap().0, "no_approval");
    assert_eq!(
        world
            .count("security_review_exceptions WHERE merged_by_id = 601", &mr)
            .await,
        1
    );
    assert_eq!(
        world
            .count("merge_request_events WHERE stale AND eligible IS NULL", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn a_stale_revocation_disproves_nothing() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 7, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let mut old = envelope(&mr.told("unapproved", ALICE, at("11:00:00")), "old");
    old.authentication.stale = true;
    world.evaluator.deliver(&old).await.unwrap();
    world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(world.exception(&mr).await, None);
}

#[tokio::test]
async fn an_unreadable_shape_is_quarantined_once() {
    let world = World::new().await;
    let odd = Envelope {
        content: Content::Unexpected {
            object_kind: "merge_request".to_owned(),
            problem: "object_attributes.iid is missing".to_owned(),
            body_base64: "e30=".to_owned(),
            truncated: false,
        },
        ..envelope(
            &MergeRequest::new(PROJECT, 8, &[]).told("merge", AUTHOR, at("12:00:00")),
            "odd",
        )
    };
    assert_eq!(
        world.evaluator.deliver(&odd).await.unwrap().outcome.as_str(),
        "quarantined"
    );
    assert_eq!(
        world.evaluator.deliver(&odd).await.unwrap().outcome.as_str(),
        "duplicate"
    );
    let rows = world
        .auditor
        .query_typed("SELECT reason FROM quarantined_deliveries", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, String>(0), "object_attributes.iid is missing");
}

#[tokio::test]
async fn a_stored_verdict_recomputes_to_itself() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 9, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(AUTHOR, "2026-03-02T10:00:00.000Z");
    });
    world.deliver(&mr.told("merge", AUTHOR, at("12:00:00"))).await;
    let stored = world.decision(&mr).await.unwrap();
    let rules = rules::Rules::parse(include_str!("../../../local/rules.yaml")).unwrap();
    assert_eq!(stored.rules_hash, rules.hash);
    assert_eq!(rules::evaluate(&stored.facts, &rules), stored.verdict);
    assert_eq!(
        stored.verdict.outcome,
        Outcome::Exception {
            kind: Kind::SelfApproved
        }
    );
    assert_eq!(stored.facts.merge_request, key(&mr));
}
