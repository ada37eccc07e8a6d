//! What each step of a review changes in its row and its history.

use doubles::payload::MergeRequest;
use model::LedgerDecision;

use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER, PROJECT, TestEnv, at};

#[tokio::test]
async fn each_review_step_updates_row_and_history() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    env.deliver(&bare.event("open", AUTHOR, at("07:00:00"))).await;
    assert_eq!(env.ledger_row(&mr).await, None, "not labelled yet");
    assert_eq!(env.gitlab().requests().len(), 0, "and GitLab is not read");

    env.open(&mr, |_| ());
    env.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let row = env.ledger_row(&mr).await.unwrap();
    let review = row.row.review;
    assert_eq!((row.revision, review.decision), (1, None), "labelled, nothing decided");
    assert_eq!(review.labelled_at, Some("2026-03-02T08:00:00.250Z".parse().unwrap()));
    assert!(env.decisions(&mr).await.is_empty());

    env.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z").reviewer(ALICE);
    });
    env.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    let row = env.ledger_row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    assert_eq!(row.review.deciding_reviewer.as_ref().unwrap().username, "sec-alice");
    assert_eq!(row.reviewers.len(), 1);

    env.open(&mr, |shown| shown.approved_by.clear());
    env.deliver(&mr.reset_by_push(AUTHOR, at("10:00:00"))).await;
    let row = env.ledger_row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::ApprovalRevoked));
    assert_eq!(row.review.deciding_reviewer, None, "the pusher decided nothing");

    env.deliver(&mr.event("close", AUTHOR, at("10:30:00"))).await;
    env.deliver(&mr.event("reopen", AUTHOR, at("10:40:00"))).await;
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    let row = env.ledger_row(&mr).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::MergedWithoutApproval));
    assert_eq!(row.merge.as_ref().unwrap().at, at("12:00:00"));

    let recorded = env.decisions(&mr).await;
    let recorded: Vec<_> = recorded
        .iter()
        .map(|(stage, decision)| (stage.as_str(), decision.as_deref().unwrap()))
        .collect();
    let expected = [
        ("review", "approved"),
        ("review", "approval_revoked"),
        ("review", "closed"),
        ("review", "reopened"),
        ("merge", "merged_without_approval"),
    ];
    assert_eq!(recorded, expected);
}

#[tokio::test]
async fn an_approval_that_does_not_count_decides_nothing() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.open(&mr, |shown| {
        shown
            .approved(OUTSIDER, "2026-03-02T09:00:00.000Z")
            .approved(AUTHOR, "2026-03-02T09:10:00.000Z");
    });
    env.deliver(&mr.event("approved", OUTSIDER, at("09:00:00"))).await;
    env.deliver(&mr.event("approved", AUTHOR, at("09:10:00"))).await;
    let row = env.ledger_row(&mr).await.unwrap().row;
    assert_eq!((row.review.decision, row.review.approved_at), (None, None));
}

#[tokio::test]
async fn hidden_merge_request_is_in_ledger_without_decision() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    let row = env.ledger_row(&mr).await.unwrap().row;
    assert_eq!(
        (row.review.decision, row.merge),
        (None, None),
        "404 proves neither an approval nor a merge"
    );
    assert_eq!(row.title, "Rotate the signing keys", "as the delivery reported it");
    env.deliver(&mr.event("close", AUTHOR, at("10:00:00"))).await;
    assert_eq!(
        env.ledger_row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Closed)
    );
}

#[tokio::test]
async fn unlabelled_event_counts_once_review_is_known() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.open(&mr, |_| ());
    env.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    // The label was removed; the merge request stays in the ledger.
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    env.deliver(&bare.event("close", AUTHOR, at("10:00:00"))).await;
    assert_eq!(
        env.ledger_row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Closed)
    );
}
