//! GitLab reads for a review, failures to read, and which of several readings counts.

use doubles::Stub;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use model::LedgerDecision;
use store::StoredLedgerRow;

use super::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at, envelope};

impl World {
    /// Runs maintenance for due reviews; returns the outcomes.
    async fn look_again(&self) -> Vec<&'static str> {
        let lease = SignedDuration::from_mins(2);
        let due = self
            .evaluator
            .store()
            .claim_due_reviews(self.now(), 10, lease)
            .await
            .unwrap();
        let mut outcomes = Vec::new();
        for pending in due {
            let report = Box::pin(app::read_review_again(&self.evaluator, &pending))
                .await
                .unwrap();
            outcomes.push(report.outcome.as_str());
        }
        outcomes
    }

    /// GitLab does not answer requests about the merge request.
    fn down(&self, mr: &MergeRequest) {
        let path = format!("/api/v4/projects/{}/merge_requests/{}", mr.project, mr.iid);
        self.gitlab.stub(Stub::answering("GET", &path, 503, "")).unwrap();
    }
}

#[tokio::test]
async fn gitlab_outage_leaves_review_pending_and_unapproved() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    world
        .gitlab
        .stub(Stub::answering(
            "GET",
            "/api/v4/projects/77/merge_requests/1/approvals",
            503,
            "",
        ))
        .unwrap();
    let report = world.deliver(&mr.event("approved", ALICE, at("09:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "pending");
    assert_eq!(world.row(&mr).await, None);

    world.gitlab.clear_stubs();
    world.clock.pass(SignedDuration::from_secs(31));
    assert_eq!(world.look_again().await, ["reviewed"]);
    assert_eq!(
        world.row(&mr).await.unwrap().row.review.decision,
        Some(LedgerDecision::Approved)
    );
    assert_eq!(world.count("pending_reviews WHERE state = 'pending'", &mr).await, 0);
}

#[tokio::test]
async fn review_waits_for_gitlab_or_a_merge_decision() {
    let world = World::new().await;
    let (one, other) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    for mr in [&one, &other] {
        world.down(mr);
        world.deliver(&mr.event("update", AUTHOR, at("09:00:00"))).await;
    }
    for _ in 0..20 {
        world.clock.pass(SignedDuration::from_hours(1));
        assert_eq!(world.look_again().await, ["pending", "pending"]);
    }
    world.gitlab.clear_stubs();
    // GitLab failed a moment ago: it is not called for some seconds.
    world.clock.pass(SignedDuration::from_secs(6));
    world.open(&one, |_| ());
    world.merged(&other, |_| ());
    world.deliver(&other.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(world.count("pending_reviews WHERE state = 'pending'", &other).await, 0);
    world.clock.pass(SignedDuration::from_hours(1));
    assert_eq!(world.look_again().await, ["reviewed"]);
    let decision = |row: Option<StoredLedgerRow>| row.unwrap().row.review.decision;
    assert_eq!(decision(world.row(&one).await), None);
    assert_eq!(
        decision(world.row(&other).await),
        Some(LedgerDecision::MergedWithoutApproval)
    );
}

#[tokio::test]
async fn review_event_does_not_replace_a_pending_merge() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.down(&mr);
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    world.deliver(&mr.event("update", AUTHOR, at("11:59:00"))).await;
    world.gitlab.clear_stubs();
    world.merged(&mr, |_| ());
    world.deliver(&mr.event("update", AUTHOR, at("11:58:00"))).await;
    assert_eq!(world.exception(&mr).await, None, "the verdict is that of the merge");

    world.clock.pass(SignedDuration::from_secs(31));
    let due = world
        .evaluator
        .store()
        .claim_due_evaluations(world.now(), 10, SignedDuration::ZERO)
        .await
        .unwrap();
    assert_eq!(due.len(), 1, "the merge still waits");
    Box::pin(app::read_merge_again(&world.evaluator, &due[0]))
        .await
        .unwrap();
    assert_eq!(
        world.exception(&mr).await,
        Some(("no_approval".to_owned(), "open".to_owned()))
    );
    assert_eq!(world.look_again().await, [] as [&str; 0]);
}

#[tokio::test]
async fn stale_delivery_only_causes_a_gitlab_read() {
    let world = World::new().await;
    let (known, hidden) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    world.open(&known, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    for (mr, outcome) in [(&known, "reviewed"), (&hidden, "recorded")] {
        let mut delivery = envelope(
            &mr.event("approved", ALICE, at("09:00:00")),
            &format!("stale {}", mr.iid),
        );
        delivery.authentication.stale = true;
        assert_eq!(
            app::process_delivery(&world.evaluator, &delivery)
                .await
                .unwrap()
                .outcome
                .as_str(),
            outcome
        );
    }
    let row = world.row(&known).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    assert_eq!(row.title, "Rotate the signing keys");
    assert_eq!(world.row(&hidden).await, None);
}

#[tokio::test]
async fn values_gitlab_no_longer_shows_are_kept() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.open(&mr, |shown| {
        shown.reviewer(ALICE);
    });
    world.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let before = world.row(&mr).await.unwrap().row;
    for refused in ["merge_requests/1", "merge_requests/1/reviewers"] {
        world
            .gitlab
            .stub(Stub::answering(
                "GET",
                &format!("/api/v4/projects/77/{refused}"),
                404,
                "",
            ))
            .unwrap();
        world.deliver(&mr.event("close", AUTHOR, at("09:00:00"))).await;
        let after = world.row(&mr).await.unwrap().row;
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
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.open(&mr, |_| ());
    world.deliver(&mr.event("update", AUTHOR, at("08:00:00"))).await;
    let first = world.row(&mr).await.unwrap();
    world.clock.pass(SignedDuration::from_mins(2));
    world.deliver(&mr.event("update", AUTHOR, at("08:30:00"))).await;
    let second = world.row(&mr).await.unwrap();
    assert_eq!(second.revision, first.revision, "nothing has changed");
    assert_eq!(second.row.read_at, Some(world.now()), "but it is confirmed now");

    // The environment that read between the two writes last.
    world.clock.pass(SignedDuration::from_mins(-1));
    world.open(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T09:00:00.000Z");
    });
    let late = envelope(&mr.event("approved", ALICE, at("09:00:00")), "late");
    let error = app::process_delivery(&world.evaluator, &late).await.unwrap_err();
    assert!(error.is_retryable(), "read again later: {error}");
    assert_eq!(world.row(&mr).await.unwrap(), second);
    world.clock.pass(SignedDuration::from_mins(2));
    assert_eq!(
        app::process_delivery(&world.evaluator, &late)
            .await
            .unwrap()
            .outcome
            .as_str(),
        "reviewed"
    );
}
