//! Protects GitLab from our requests, and verdicts from holders of a hook's token.

use doubles::payload::MergeRequest;
use doubles::{Fault, Stub};
use jiff::SignedDuration;
use serde_json::json;

use super::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at};

fn path(mr: &MergeRequest) -> String {
    format!("/api/v4/projects/{}/merge_requests/{}", mr.project, mr.iid)
}

fn requests(world: &World) -> usize {
    world.gitlab.requests().len()
}

#[tokio::test]
async fn lagging_replica_is_reread_within_the_delivery() {
    let world = World::new().await;
    for (iid, status, body) in [
        (
            1,
            200,
            json!({"id": 1, "iid": 1, "state": "opened", "author": {"id": AUTHOR, "username": "a"}}),
        ),
        (2, 404, json!({"message": "404 Not found"})),
    ] {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        world.merged(&mr, |_| ());
        let lagging = Stub::answering("GET", &path(&mr), status, body).times(2);
        world.gitlab.stub(lagging).unwrap();
        let report = world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
        assert_eq!(report.outcome.as_str(), "exception", "{status}");
        assert!(world.decision(&mr).await.unwrap().confirmed, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |_| ());
    let limited = Stub::answering("GET", &path(&mr), 429, "Retry later\n").header("retry-after", "240");
    world.gitlab.stub(limited).unwrap();
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    world.gitlab.clear_stubs();
    let before = requests(&world);
    for _ in 0..3 {
        world.clock.pass(SignedDuration::from_mins(1));
        assert!(world.maintain().await.is_empty());
    }
    assert_eq!(requests(&world), before, "GitLab asked us to wait");
    world.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(world.maintain().await, ["exception"]);
}

#[tokio::test]
async fn silent_gitlab_is_not_asked_for_every_delivery() {
    let world = World::new().await;
    let (one, two) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    world.merged(&two, |_| ());
    world
        .gitlab
        .stub(Stub::failing("GET", &path(&one), Fault::Reset))
        .unwrap();
    world.deliver(&one.event("merge", AUTHOR, at("12:00:00"))).await;
    let before = requests(&world);
    let report = world.deliver(&two.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "pending");
    assert_eq!(requests(&world), before);
    // It is read again some seconds later.
    world.gitlab.clear_stubs();
    world.clock.pass(SignedDuration::from_secs(31));
    assert!(world.maintain().await.contains(&"exception".to_owned()));
}

#[tokio::test]
async fn one_broken_merge_request_holds_up_no_other() {
    let world = World::new().await;
    let (one, two) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    world.merged(&two, |_| ());
    world
        .gitlab
        .stub(Stub::answering("GET", &path(&one), 500, "boom"))
        .unwrap();
    world.deliver(&one.event("merge", AUTHOR, at("12:00:00"))).await;
    let report = world.deliver(&two.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(report.outcome.as_str(), "exception");
}

#[tokio::test]
async fn a_labelled_merge_takes_seven_requests() {
    let world = World::new().await;
    let mr = |iid| {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        world.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        mr
    };
    world.deliver(&mr(1).event("merge", AUTHOR, at("12:00:00"))).await;
    world.clock.pass(SignedDuration::from_secs(11));
    let before = requests(&world);
    world.deliver(&mr(2).event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(requests(&world) - before, 7, "the account of the approver is known");
    // Every environment has the information.
    world.clock.pass(SignedDuration::from_secs(11));
    let other = world.another();
    let before = requests(&world);
    let envelope = super::world::envelope(&mr(3).event("merge", AUTHOR, at("12:00:00")), "third");
    app::process_delivery(&other, &envelope).await.unwrap();
    assert_eq!(requests(&world) - before, 7);
}

#[tokio::test]
async fn forged_approvals_prove_nothing() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |_| ());
    for action in ["approval", "approved"] {
        world.deliver(&mr.event(action, ALICE, at("10:00:00"))).await;
    }
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(world.exception(&mr).await.unwrap().0, "unverified");
}

#[tokio::test]
async fn forged_revocations_put_off_no_reading() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    // Alice withdrew it before the merge; GitLab's replicas lag, and many further reports arrive.
    world.deliver(&mr.event("unapproved", ALICE, at("11:00:00"))).await;
    world
        .gitlab
        .world(|shown| shown.merge_request(mr.project, mr.iid).approved_by.clear());
    for second in 1..4 {
        world.clock.pass(SignedDuration::from_secs(20));
        let forged = mr.event("unapproved", ALICE, at(&format!("11:00:0{second}")));
        world.deliver(&forged).await;
    }
    world.clock.pass(SignedDuration::from_secs(2));
    world.maintain().await;
    assert_eq!(world.exception(&mr).await.unwrap().0, "approval_revoked");
}

#[tokio::test]
async fn forged_labels_cost_one_reading_a_minute() {
    let world = World::new().await;
    let bare = MergeRequest::new(PROJECT, 1, &[]);
    world.merged(&bare, |_| ());
    world.deliver(&bare.event("merge", AUTHOR, at("12:00:00"))).await;
    world
        .gitlab
        .stub(Stub::answering("GET", &path(&bare), 502, "down"))
        .unwrap();
    let before = requests(&world);
    for second in 1..9 {
        let forged = MergeRequest::new(PROJECT, 1, HIGH).event("update", AUTHOR, at(&format!("11:00:0{second}")));
        world.deliver(&forged).await;
        world.maintain().await;
    }
    assert!(requests(&world) - before <= 4, "{}", requests(&world) - before);
    assert_eq!(world.exception(&bare).await, None, "frozen until GitLab answers");
}
