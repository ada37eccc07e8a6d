//! Protects GitLab from our requests, and verdicts from holders of a hook's token.

use doubles::payload::MergeRequest;
use doubles::{Fault, Stub};
use jiff::SignedDuration;
use serde_json::json;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, api_path, at};

fn requests(env: &TestEnv) -> usize {
    env.gitlab().requests().len()
}

#[tokio::test]
async fn lagging_replica_is_reread_within_the_delivery() {
    let env = TestEnv::with_evaluator().await;
    for (iid, status, body) in [
        (
            1,
            200,
            json!({"id": 1, "iid": 1, "state": "opened", "author": {"id": AUTHOR, "username": "a"}}),
        ),
        (2, 404, json!({"message": "404 Not found"})),
    ] {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        env.merged(&mr, |_| ());
        let lagging = Stub::answering("GET", &api_path(&mr), status, body).times(2);
        env.gitlab().stub(lagging).unwrap();
        let report = env.deliver_merge(&mr).await;
        assert_eq!(report.outcome.as_str(), "exception", "{status}");
        assert!(env.decision(&mr).await.unwrap().confirmed, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    let limited = Stub::answering("GET", &api_path(&mr), 429, "Retry later\n").header("retry-after", "240");
    env.gitlab().stub(limited).unwrap();
    env.deliver_merge(&mr).await;
    env.gitlab().clear_stubs();
    let before = requests(&env);
    for _ in 0..3 {
        env.clock.pass(SignedDuration::from_mins(1));
        assert!(env.maintain().await.is_empty());
    }
    assert_eq!(requests(&env), before, "GitLab asked us to wait");
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["exception"]);
}

#[tokio::test]
async fn silent_gitlab_is_not_asked_for_every_delivery() {
    let env = TestEnv::with_evaluator().await;
    let (one, two) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    env.merged(&two, |_| ());
    env.gitlab()
        .stub(Stub::failing("GET", &api_path(&one), Fault::Reset))
        .unwrap();
    env.deliver_merge(&one).await;
    let before = requests(&env);
    let report = env.deliver_merge(&two).await;
    assert_eq!(report.outcome.as_str(), "pending");
    assert_eq!(requests(&env), before);
    // It is read again some seconds later.
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_secs(31));
    assert!(env.maintain().await.contains(&"exception".to_owned()));
}

#[tokio::test]
async fn one_broken_merge_request_holds_up_no_other() {
    let env = TestEnv::with_evaluator().await;
    let (one, two) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    env.merged(&two, |_| ());
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&one), 500, "boom"))
        .unwrap();
    env.deliver_merge(&one).await;
    let report = env.deliver_merge(&two).await;
    assert_eq!(report.outcome.as_str(), "exception");
}

#[tokio::test]
async fn a_labelled_merge_takes_seven_requests() {
    let env = TestEnv::with_evaluator().await;
    let mr = |iid| {
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        env.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        mr
    };
    env.deliver(&mr(1).event("merge", AUTHOR, at("12:00:00"))).await;
    env.clock.pass(SignedDuration::from_secs(11));
    let before = requests(&env);
    env.deliver(&mr(2).event("merge", AUTHOR, at("12:00:00"))).await;
    assert_eq!(requests(&env) - before, 7, "the account of the approver is known");
    // Every environment has the information.
    env.clock.pass(SignedDuration::from_secs(11));
    let other = env.another_app();
    let before = requests(&env);
    let envelope = crate::env::envelope(&mr(3).event("merge", AUTHOR, at("12:00:00")), "third");
    app::process_delivery(&other, &envelope).await.unwrap();
    assert_eq!(requests(&env) - before, 7);
}

#[tokio::test]
async fn forged_approvals_prove_nothing() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    for action in ["approval", "approved"] {
        env.deliver(&mr.event(action, ALICE, at("10:00:00"))).await;
    }
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "unverified");
}

#[tokio::test]
async fn forged_revocations_put_off_no_reading() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    // Alice withdrew it before the merge; GitLab's replicas lag, and many further reports arrive.
    env.deliver(&mr.event("unapproved", ALICE, at("11:00:00"))).await;
    env.gitlab()
        .world(|shown| shown.merge_request(mr.project, mr.iid).approved_by.clear());
    for second in 1..4 {
        env.clock.pass(SignedDuration::from_secs(20));
        let forged = mr.event("unapproved", ALICE, at(&format!("11:00:0{second}")));
        env.deliver(&forged).await;
    }
    env.clock.pass(SignedDuration::from_secs(2));
    env.maintain().await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "approval_revoked");
}

#[tokio::test]
async fn forged_labels_cost_one_reading_a_minute() {
    let env = TestEnv::with_evaluator().await;
    let bare = MergeRequest::new(PROJECT, 1, &[]);
    env.merged(&bare, |_| ());
    env.deliver_merge(&bare).await;
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&bare), 502, "down"))
        .unwrap();
    let before = requests(&env);
    for second in 1..9 {
        let forged = MergeRequest::new(PROJECT, 1, HIGH).event("update", AUTHOR, at(&format!("11:00:0{second}")));
        env.deliver(&forged).await;
        env.maintain().await;
    }
    assert!(requests(&env) - before <= 4, "{}", requests(&env) - before);
    assert_eq!(env.exception(&bare).await, None, "frozen until GitLab answers");
}
