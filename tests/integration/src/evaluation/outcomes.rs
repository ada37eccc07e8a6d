//! Results of one merge: rows, effects, audit entries, and requests to GitLab.

use doubles::payload::MergeRequest;
use model::{Content, Envelope, ExceptionKind, VerdictOutcome};
use serde_json::{Value, json};

use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, at, envelope, key};

#[tokio::test]
async fn unapproved_merge_becomes_one_exception_with_one_effect() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.effects.len(), 1);
    assert_eq!(report.effects[0].destination, "slack:C0SECLEAD");

    let sql = "SELECT to_jsonb(e) FROM security_review_exceptions e";
    let row: Value = env.value(sql).await;
    for (field, expected) in [
        ("instance", json!("main")),
        ("project_id", json!(77)),
        ("project_path", json!("group/project-77")),
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
    let inserted = env.entries("exception.record.insert");
    assert_eq!(inserted.len(), 1);
    assert_eq!(inserted[0]["details"]["exception_id"], row["id"]);
}

#[tokio::test]
async fn approved_merge_has_decision_and_no_exception() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 2, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.250Z");
    });
    env.clock.set(at("10:00:01"));
    env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await;
    env.clock.set(at("12:00:02"));
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.outcome.as_str(), "approved");
    assert!(report.effects.is_empty());
    assert_eq!(env.exception(&mr).await, None);
    assert_eq!(
        env.count(
            "security_review_decisions WHERE decision = 'merged' AND proof = 'both'",
            &mr
        )
        .await,
        1
    );
    // The membership at the arrival of the approval is stored with the event.
    assert_eq!(
        env.count("merge_request_events WHERE action = 'approved' AND eligible", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn merge_without_security_label_costs_two_requests() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 3, &["backend"]);
    env.merged(&mr, |_| ());
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.outcome.as_str(), "not_carried");
    assert_eq!(env.exception(&mr).await, None);
    let asked: Vec<String> = env
        .gitlab()
        .requests()
        .into_iter()
        .map(|request| request.path)
        .filter(|path| path.contains("merge_requests"))
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked.iter().any(|path| path.contains("resource_label_events")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn label_removed_before_merge_is_found_at_gitlab() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 4, &["backend"]);
    env.merged(&mr, |shown| {
        shown.label_event("add", "sec/critical", AUTHOR, "2026-03-02T09:00:00.000Z");
        shown.label_event("remove", "sec/critical", OUTSIDER, "2026-03-02T11:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    let exception = env.exception(&mr).await.unwrap();
    assert_eq!(exception.0, "label_removed_before_merge");
    assert_eq!(
        env.count("security_review_exceptions WHERE risk_tier = 'critical'", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn hidden_merge_request_is_unverified_immediately() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 5, HIGH);
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.outcome.as_str(), "exception");
    assert_eq!(env.exception(&mr).await.unwrap().0, "unverified");
    // The delivery's data fills the row.
    assert_eq!(
        env.count(
            "security_review_exceptions WHERE mr_title = 'Rotate the signing keys'",
            &mr
        )
        .await,
        1
    );
}

#[tokio::test]
async fn stale_delivery_is_trusted_only_for_ids() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 6, &["backend"]);
    env.merged(&MergeRequest::new(PROJECT, 6, HIGH), |_| ());
    // The old delivery shows no label; GitLab, read again, shows one.
    let mut old = envelope(&mr.event("merge", OUTSIDER, at("12:00:00")), "old");
    old.authentication.stale = true;
    app::process_delivery(env.app(), &old).await.unwrap();
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
    assert_eq!(
        env.count("security_review_exceptions WHERE merged_by_id = 601", &mr)
            .await,
        1
    );
    assert_eq!(
        env.count("merge_request_events WHERE stale AND eligible IS NULL", &mr)
            .await,
        1
    );
}

#[tokio::test]
async fn a_stale_revocation_disproves_nothing() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 7, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let mut old = envelope(&mr.event("unapproved", ALICE, at("11:00:00")), "old");
    old.authentication.stale = true;
    app::process_delivery(env.app(), &old).await.unwrap();
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await, None);
}

#[tokio::test]
async fn an_unreadable_shape_is_quarantined_once() {
    let env = TestEnv::with_evaluator().await;
    let odd = Envelope {
        content: Content::Unexpected {
            object_kind: "merge_request".to_owned(),
            problem: "object_attributes.iid is missing".to_owned(),
            body_base64: "e30=".to_owned(),
            truncated: false,
        },
        ..envelope(
            &MergeRequest::new(PROJECT, 8, &[]).event("merge", AUTHOR, at("12:00:00")),
            "odd",
        )
    };
    assert_eq!(
        app::process_delivery(env.app(), &odd).await.unwrap().outcome.as_str(),
        "quarantined"
    );
    assert_eq!(
        app::process_delivery(env.app(), &odd).await.unwrap().outcome.as_str(),
        "duplicate"
    );
    let rows = env
        .auditor()
        .query_typed("SELECT reason FROM quarantined_deliveries", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, String>(0), "object_attributes.iid is missing");
}

#[tokio::test]
async fn a_stored_verdict_recomputes_to_itself() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 9, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(AUTHOR, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    let stored = env.decision(&mr).await.unwrap();
    let rules = rules::Rules::parse(include_str!("../rules.yaml")).unwrap();
    assert_eq!(stored.rules_hash, rules.hash);
    assert_eq!(rules::evaluate(&stored.facts, &rules), stored.verdict);
    assert_eq!(
        stored.verdict.outcome,
        VerdictOutcome::Exception {
            kind: ExceptionKind::SelfApproved
        }
    );
    assert_eq!(stored.facts.merge_request, key(&mr));
}

#[tokio::test]
async fn kinds_that_only_stricter_rules_give() {
    let rules = include_str!("../rules.yaml");
    let stricter = rules.replace(
        "group_id: 4242",
        "group_id: 4242\n  minimum: 2\n  exclude_committers: true",
    );
    assert_ne!(rules, stricter);
    let env = TestEnv::with_rules(&stricter).await;
    let approved = |mr: &MergeRequest| {
        env.merged(mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
    };
    let one_of_two = MergeRequest::new(PROJECT, 1, HIGH);
    approved(&one_of_two);
    env.deliver(&one_of_two.event("open", AUTHOR, at("08:00:00"))).await;
    env.deliver_merge(&one_of_two).await;
    assert_eq!(env.exception(&one_of_two).await.unwrap().0, "insufficient_approvals");

    let by_committer = MergeRequest::new(PROJECT, 2, HIGH);
    approved(&by_committer);
    env.deliver(&by_committer.event("open", AUTHOR, at("08:00:00"))).await;
    let mut push = by_committer.event("update", ALICE, at("09:00:00"));
    push["object_attributes"]["oldrev"] = json!("e59094b8de0f2f91abbe4760a52d9137260252d8");
    env.deliver(&push).await;
    env.deliver_merge(&by_committer).await;
    assert_eq!(env.exception(&by_committer).await.unwrap().0, "committer_approved");
}

#[tokio::test]
async fn label_without_events_is_found_on_merge_request() {
    let env = TestEnv::with_evaluator().await;
    // Set at creation, so that no event reports it; and the delivery was cut, or written by a custom template.
    env.merged(&MergeRequest::new(PROJECT, 10, HIGH), |_| ());
    let delivered = MergeRequest::new(PROJECT, 10, &[]);
    env.deliver_merge(&delivered).await;
    assert_eq!(env.exception(&delivered).await.unwrap().0, "no_approval");
}

#[tokio::test]
async fn a_membership_is_stored_with_its_time() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 11, HIGH);
    env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await;
    assert_eq!(
        env.count(
            "merge_request_events WHERE action = 'approved' AND eligible AND eligible_read_at = '2026-03-02T12:00:02Z'",
            &mr
        )
        .await,
        1
    );
}
