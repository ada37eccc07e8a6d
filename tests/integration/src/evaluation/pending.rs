//! GitLab unreadable at the merge: pending, retried, and finally unverified.

use std::sync::Arc;

use app::{App, DeliveryOutcome};
use doubles::Stub;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, api_path, at};

fn down(env: &TestEnv, mr: &MergeRequest) {
    let answer = Stub::answering("GET", &api_path(mr), 502, "down");
    env.gitlab().stub(answer).unwrap();
}

/// Retries everything that is due; returns each outcome.
async fn maintain(env: &TestEnv, evaluator: &Arc<App>) -> Vec<DeliveryOutcome> {
    let due = evaluator
        .store()
        .claim_due_evaluations(env.now(), 10, SignedDuration::from_mins(2))
        .await
        .unwrap();
    let mut outcomes = Vec::new();
    for pending in due {
        outcomes.push(
            Box::pin(app::read_merge_again(evaluator, &pending))
                .await
                .unwrap()
                .outcome,
        );
    }
    outcomes
}

#[tokio::test]
async fn merge_during_gitlab_outage_is_decided_after_recovery() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    down(&env, &mr);
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.outcome.as_str(), "pending");
    assert_eq!(env.count("merge_request_events WHERE action = 'merge'", &mr).await, 1);
    assert_eq!(env.count("evaluations WHERE state = 'pending'", &mr).await, 1);
    assert_eq!(maintain(&env, env.app()).await, [], "not due yet");

    env.clock.pass(SignedDuration::from_secs(31));
    assert!(matches!(
        maintain(&env, env.app()).await[..],
        [DeliveryOutcome::Pending { .. }]
    ));
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_mins(2));
    assert!(matches!(
        maintain(&env, env.app()).await[..],
        [DeliveryOutcome::Decided(_)]
    ));
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
    assert_eq!(env.count("evaluations WHERE state = 'pending'", &mr).await, 0);
    assert_eq!(env.count("effects WHERE state = 'pending'", &mr).await, 1);
}

#[tokio::test]
async fn gitlab_outage_does_not_invalidate_approved_merge() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 2, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    down(&env, &mr);
    env.deliver_merge(&mr).await;
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_mins(1));
    maintain(&env, env.app()).await;
    assert_eq!(
        env.decision(&mr).await.unwrap().decision,
        Some(model::LedgerDecision::Merged)
    );
    assert_eq!(env.exception(&mr).await, None);
}

#[tokio::test]
async fn unreadable_merge_is_unverified_after_the_deadline() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 3, HIGH);
    env.merged(&mr, |_| ());
    down(&env, &mr);
    env.deliver_merge(&mr).await;
    env.clock.pass(SignedDuration::from_mins(15));
    maintain(&env, env.app()).await;
    assert_eq!(
        env.exception(&mr).await,
        Some(("unverified".to_owned(), "open".to_owned()))
    );
}

#[tokio::test]
async fn concurrent_runs_reach_one_verdict() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 4, HIGH);
    env.merged(&mr, |_| ());
    down(&env, &mr);
    env.deliver_merge(&mr).await;
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_mins(1));
    // Both hold the same claim, as if a claim had expired while its holder was still working.
    let claimed = env
        .app()
        .store()
        .claim_due_evaluations(env.now(), 10, SignedDuration::ZERO)
        .await
        .unwrap();
    let other = env.another_app();
    let (one, two) = tokio::join!(
        app::read_merge_again(env.app(), &claimed[0]),
        app::read_merge_again(&other, &claimed[0])
    );
    let mut outcomes = [one.unwrap().outcome.as_str(), two.unwrap().outcome.as_str()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["exception", "unchanged"]);
    assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 1);
    assert_eq!(env.count("effects WHERE true", &mr).await, 1);
}

#[tokio::test]
async fn merge_not_yet_shown_is_waited_for() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 5, HIGH);
    env.merged(&mr, |shown| {
        shown.set("state", "opened").set("merged_at", serde_json::Value::Null);
    });
    let report = env.deliver_merge(&mr).await;
    assert_eq!(report.outcome.as_str(), "pending");
    env.gitlab().world(|shown| {
        shown
            .merge_request(mr.project, mr.iid)
            .merged(AUTHOR, "2026-03-02T12:00:00.000Z");
    });
    env.clock.pass(SignedDuration::from_mins(1));
    maintain(&env, env.app()).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
}

#[tokio::test]
async fn denied_merge_has_no_verdict_until_really_merged() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 6, HIGH);
    let open = |shown: &mut doubles::gitlab::MergeRequest| {
        shown.set("state", "opened").set("merged_at", serde_json::Value::Null);
    };
    env.merged(&mr, open);
    // A sender with a token or a custom webhook template reports a merge that did not happen, with invented labels and time.
    let mut forged = MergeRequest::new(PROJECT, 6, &[]).event("merge", AUTHOR, at("12:00:00"));
    forged["object_attributes"]["merged_at"] = serde_json::json!("2001-01-01 00:00:00 UTC");
    assert_eq!(env.deliver(&forged).await.outcome.as_str(), "pending");
    env.clock.pass(SignedDuration::from_mins(15));
    assert!(matches!(
        maintain(&env, env.app()).await[..],
        [DeliveryOutcome::NotMerged]
    ));
    assert_eq!(env.count("evaluations WHERE state = 'pending'", &mr).await, 0);
    assert!(env.decision(&mr).await.is_none());

    env.gitlab().world(|shown| {
        shown
            .merge_request(mr.project, mr.iid)
            .merged(AUTHOR, "2026-03-02T12:20:00.000Z");
    });
    env.deliver(&mr.event("merge", AUTHOR, at("12:20:00"))).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
}

#[tokio::test]
async fn decision_without_gitlab_does_not_block_real_merge() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 7, HIGH);
    // GitLab hides the merge request at the false report, and shows it at the real merge.
    let forged = MergeRequest::new(PROJECT, 7, &[]).event("merge", AUTHOR, at("11:00:00"));
    assert_eq!(env.deliver(&forged).await.outcome.as_str(), "not_carried");
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
    assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 2);
}

#[tokio::test]
async fn forged_merge_during_outage_hides_no_labels() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 8, HIGH);
    down(&env, &mr);
    env.deliver_merge(&mr).await;
    let mut forged = MergeRequest::new(PROJECT, 8, &[]).event("merge", AUTHOR, at("12:00:01"));
    forged["object_attributes"]["merged_at"] = serde_json::json!("2001-01-01 00:00:00 UTC");
    env.deliver(&forged).await;
    env.clock.pass(SignedDuration::from_mins(15));
    maintain(&env, env.app()).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "unverified");
}
