//! GitLab reads for a review, failures to read, and which of several readings counts.

use doubles::Stub;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use model::LedgerDecision;
use store::StoredLedgerRow;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, api_path, at, envelope};

impl TestEnv {
    /// Runs maintenance for due reviews; returns the outcomes.
    async fn look_again(&self) -> Vec<&'static str> {
        let lease = SignedDuration::from_mins(2);
        let due = self
            .app()
            .store()
            .claim_due_reviews(self.now(), 10, lease)
            .await
            .unwrap();
        let mut outcomes = Vec::new();
        for pending in due {
            let report = Box::pin(app::read_review_again(self.app(), &pending)).await.unwrap();
            outcomes.push(report.outcome.as_str());
        }
        outcomes
    }

    /// GitLab does not answer requests about the merge request.
    fn down(&self, mr: &MergeRequest) {
        let path = api_path(mr);
        self.gitlab().stub(Stub::answering("GET", &path, 503, "")).unwrap();
    }
}

#[tokio::test]
async fn gitlab_outage_leaves_review_pending_and_unapproved() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    env.gitlab()
        .stub(Stub::answering(
            "GET",
            "/api/v4/projects/77/merge_requests/1/approvals",
            503,
            "",
        ))
        .unwrap();
    let report = env.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "pending");
    assert_eq!(env.ledger_row(&mr).await, None);

    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_secs(31));
    assert_eq!(env.look_again().await, ["reviewed"]);
    assert_eq!(
        env.ledger_row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Approved)
    );
    assert_eq!(env.count("pending_reviews WHERE state = 'pending'", &mr).await, 0);
}

#[tokio::test]
async fn review_waits_for_gitlab_or_a_merge_decision() {
    let env = TestEnv::with_evaluator().await;
    let (one, other) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    for mr in [&one, &other] {
        env.down(mr);
        env.deliver(&mr.event("update", AUTHOR, at("09:00:00"))).await;
    }
    for _ in 0..20 {
        env.clock.pass(SignedDuration::from_hours(1));
        assert_eq!(env.look_again().await, ["pending", "pending"]);
    }
    env.gitlab().clear_stubs();
    // GitLab failed a moment ago: it is not called for some seconds.
    env.clock.pass(SignedDuration::from_secs(6));
    env.open(&one, |_| ());
    env.merged(&other, |_| ());
    env.deliver_merge(&other).await;
    assert_eq!(env.count("pending_reviews WHERE state = 'pending'", &other).await, 0);
    env.clock.pass(SignedDuration::from_hours(1));
    assert_eq!(env.look_again().await, ["reviewed"]);
    let decision = |row: Option<StoredLedgerRow>| row.unwrap().row.review.decision;
    assert_eq!(decision(env.ledger_row(&one).await), None);
    assert_eq!(
        decision(env.ledger_row(&other).await),
        Some(LedgerDecision::MergedWithoutApproval)
    );
}

#[tokio::test]
async fn review_event_does_not_replace_a_pending_merge() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.down(&mr);
    env.deliver_merge(&mr).await;
    env.deliver(&mr.event("update", AUTHOR, at("11:59:00"))).await;
    env.gitlab().clear_stubs();
    env.merged(&mr, |_| ());
    env.deliver(&mr.event("update", AUTHOR, at("11:58:00"))).await;
    assert_eq!(env.exception(&mr).await, None, "the verdict is that of the merge");

    env.clock.pass(SignedDuration::from_secs(31));
    let due = env
        .app()
        .store()
        .claim_due_evaluations(env.now(), 10, SignedDuration::ZERO)
        .await
        .unwrap();
    assert_eq!(due.len(), 1, "the merge still waits");
    Box::pin(app::read_merge_again(env.app(), &due[0])).await.unwrap();
    assert_eq!(
        env.exception(&mr).await,
        Some(("no_approval".to_owned(), "open".to_owned()))
    );
    assert_eq!(env.look_again().await, [] as [&str; 0]);
}

#[tokio::test]
async fn stale_delivery_only_causes_a_gitlab_read() {
    let env = TestEnv::with_evaluator().await;
    let (known, hidden) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    env.open(&known, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    for (mr, outcome) in [(&known, "reviewed"), (&hidden, "recorded")] {
        let mut delivery = envelope(
            &mr.event("approved", ALICE, at("09:00:00")),
            &format!("stale {}", mr.iid),
        );
        delivery.authentication.stale = true;
        assert_eq!(
            app::process_delivery(env.app(), &delivery)
                .await
                .unwrap()
                .outcome
                .as_str(),
            outcome
        );
    }
    let row = env.ledger_row(&known).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    assert_eq!(row.title, "Rotate the signing keys");
    assert_eq!(env.ledger_row(&hidden).await, None);
}

#[tokio::test]
async fn values_gitlab_no_longer_shows_are_kept() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.open(&mr, |shown| {
        shown.reviewer(ALICE);
    });
    env.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let before = env.ledger_row(&mr).await.unwrap().row;
    for refused in ["merge_requests/1", "merge_requests/1/reviewers"] {
        env.gitlab()
            .stub(Stub::answering(
                "GET",
                &format!("/api/v4/projects/77/{refused}"),
                404,
                "",
            ))
            .unwrap();
        env.deliver(&mr.event("close", AUTHOR, at("09:00:00"))).await;
        let after = env.ledger_row(&mr).await.unwrap().row;
        assert_eq!(
            (&after.author, &after.reviewers),
            (&before.author, &before.reviewers),
            "{refused}"
        );
        assert_eq!(after.review.decision, Some(LedgerDecision::Closed));
    }
}

/// A newer reading with the same content also counts.
#[tokio::test]
async fn older_reading_never_replaces_a_newer_one() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.open(&mr, |_| ());
    env.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let first = env.ledger_row(&mr).await.unwrap();
    env.clock.pass(SignedDuration::from_mins(2));
    env.deliver(&mr.event("update", AUTHOR, at("08:30:00"))).await;
    let second = env.ledger_row(&mr).await.unwrap();
    assert_eq!(second.revision, first.revision, "nothing has changed");
    assert_eq!(second.row.read_at, Some(env.now()), "but it is confirmed now");

    // The environment that read between the two writes last.
    env.clock.pass(SignedDuration::from_mins(-1));
    env.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    let late = envelope(&mr.event("approved", ALICE, at("09:00:00")), "late");
    let error = app::process_delivery(env.app(), &late).await.unwrap_err();
    assert!(error.is_retryable(), "read again later: {error}");
    assert_eq!(env.ledger_row(&mr).await.unwrap(), second);
    env.clock.pass(SignedDuration::from_mins(2));
    assert_eq!(
        app::process_delivery(env.app(), &late).await.unwrap().outcome.as_str(),
        "reviewed"
    );
}
