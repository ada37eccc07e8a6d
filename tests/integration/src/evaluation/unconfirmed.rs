//! Unconfirmed decisions: re-read by schedule and by events, within a budget, without blocking a confirmed one.

use doubles::Stub;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, api_path, at};

/// How often the merge request itself was read at GitLab.
fn readings(env: &TestEnv, mr: &MergeRequest) -> usize {
    let path = api_path(mr);
    let requests = env.gitlab().requests();
    requests.iter().filter(|request| request.path == path).count()
}

async fn unconfirmed(env: &TestEnv) -> MergeRequest {
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&mr), 404, "{}"))
        .unwrap();
    env.deliver_merge(&mr).await;
    mr
}

#[tokio::test]
async fn unconfirmed_decision_does_not_replace_a_confirmed_one() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, &[]);
    env.merged(&mr, |_| ());
    env.deliver_merge(&mr).await;
    let first = env.decision(&mr).await.unwrap();
    assert!(first.confirmed);
    // A late event shows the label before the merge, and GitLab is unreadable past the deadline.
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&mr), 502, "down"))
        .unwrap();
    let labelled = MergeRequest::new(PROJECT, 1, HIGH).event("update", AUTHOR, at("11:00:00"));
    assert_eq!(env.deliver(&labelled).await.outcome.as_str(), "unconfirmed");
    for _ in 0..30 {
        env.clock.pass(SignedDuration::from_mins(31));
        env.maintain().await;
    }
    assert_eq!(env.decision(&mr).await.unwrap().id, first.id);
    assert_eq!(env.exception(&mr).await, None);
    let listed = env.count("security_review_unconfirmed WHERE true", &mr).await;
    assert_eq!(listed, 1, "the re-read that the event requested is still due");
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_hours(2));
    assert_eq!(env.maintain().await, ["exception"], "read as soon as GitLab answers");
    assert_eq!(env.count("security_review_unconfirmed WHERE true", &mr).await, 0);
}

#[tokio::test]
async fn events_cause_one_reread_a_minute() {
    let env = TestEnv::with_evaluator().await;
    let mr = unconfirmed(&env).await;
    let first = readings(&env, &mr);
    env.clock.pass(SignedDuration::from_secs(5));
    for second in 1..6 {
        env.deliver(&mr.event("update", AUTHOR, at(&format!("12:00:0{second}"))))
            .await;
    }
    assert_eq!(readings(&env, &mr), first + 1, "at most one in a minute");
    assert!(env.maintain().await.is_empty());
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["unconfirmed"], "the others are read at its end");
    assert_eq!(readings(&env, &mr), first + 2);
}

/// Merges with unconfirmed decisions: GitLab withholds their approvals, or does not show them at all.
async fn many_unconfirmed(env: &TestEnv, iids: std::ops::RangeInclusive<u64>, shown: bool) -> Vec<MergeRequest> {
    let mrs: Vec<_> = iids.map(|iid| MergeRequest::new(PROJECT, iid, HIGH)).collect();
    for mr in &mrs {
        env.merged(mr, |_| ());
        let (path, status) = if shown {
            (format!("{}/approvals", api_path(mr)), 403)
        } else {
            (api_path(mr), 404)
        };
        env.gitlab().stub(Stub::answering("GET", &path, status, "{}")).unwrap();
    }
    let merges = mrs.iter().map(|mr| async {
        env.deliver_merge(mr).await;
    });
    futures::future::join_all(merges).await;
    mrs
}

fn all_readings(env: &TestEnv, mrs: &[MergeRequest]) -> usize {
    mrs.iter().map(|mr| readings(env, mr)).sum()
}

#[tokio::test]
async fn rereads_share_a_budget() {
    let env = TestEnv::with_evaluator().await;
    let mrs = many_unconfirmed(&env, 1..=12, true).await;
    let before = all_readings(&env, &mrs);
    env.clock.pass(SignedDuration::from_secs(70));
    assert_eq!(env.maintain().await.len(), 12);
    let read = all_readings(&env, &mrs);
    assert_eq!(read - before, 7, "60 requests a minute are 7 re-reads of 8");
}

#[tokio::test]
async fn invented_merges_leave_the_budget_to_others() {
    let env = TestEnv::with_evaluator().await;
    let invented = many_unconfirmed(&env, 1..=8, false).await;
    let shown = many_unconfirmed(&env, 9..=9, true).await;
    // A whole minute of the budget; every merge request has an event in it, the invented ones first.
    env.clock.set(at("12:02:00"));
    let (before, before_shown) = (all_readings(&env, &invented), all_readings(&env, &shown));
    for mr in invented.iter().chain(&shown) {
        env.deliver(&mr.event("update", AUTHOR, at("12:01:59"))).await;
    }
    assert_eq!(all_readings(&env, &invented) - before, 2);
    assert_eq!(all_readings(&env, &shown) - before_shown, 1);
}

/// A person reports the merge while the merge request is open; the budget is exhausted when it is really merged.
#[tokio::test]
async fn own_delivery_of_denied_merge_needs_no_budget() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 20, HIGH);
    env.merged(&mr, |shown| {
        shown.set("state", "opened").set("merged_at", Value::Null);
    });
    assert_eq!(env.deliver_merge(&mr).await.outcome.as_str(), "pending");
    env.clock.pass(SignedDuration::from_mins(16));
    assert_eq!(env.maintain().await, ["not_merged"]);
    let many = many_unconfirmed(&env, 1..=8, true).await;
    env.clock.set(at("12:20:00"));
    for mr in &many {
        env.deliver(&mr.event("update", AUTHOR, at("12:19:59"))).await;
    }
    env.merged(&mr, |_| ());
    let merged = env.deliver(&mr.event("merge", AUTHOR, at("12:20:00"))).await;
    assert_eq!(merged.outcome.as_str(), "exception");
}

#[tokio::test]
async fn what_gitlab_never_showed_ends_without_a_schedule() {
    let env = TestEnv::with_evaluator().await;
    let mr = unconfirmed(&env).await;
    for _ in 0..60 {
        env.clock.pass(SignedDuration::from_hours(6));
        env.maintain().await;
    }
    assert_eq!(
        env.count(
            "evaluations WHERE state = 'unconfirmed' AND next_attempt_at IS NULL",
            &mr
        )
        .await,
        1
    );
    assert_eq!(
        env.count("security_review_unconfirmed WHERE true", &mr).await,
        1,
        "it stays listed"
    );
    // Any event reads it.
    env.gitlab().clear_stubs();
    env.merged(&mr, |_| ());
    let late = env.deliver(&mr.event("update", AUTHOR, at("12:00:05"))).await;
    assert_eq!(late.outcome.as_str(), "exception");
}

#[tokio::test]
async fn a_denied_merge_is_read_again() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.set("state", "opened").set("merged_at", Value::Null);
    });
    env.deliver_merge(&mr).await;
    env.clock.pass(SignedDuration::from_mins(15));
    assert_eq!(env.maintain().await, ["not_merged"]);
    assert_eq!(env.count("evaluations WHERE state = 'unconfirmed'", &mr).await, 1);
    // GitLab down decides nothing either: the merge may be a false report.
    env.gitlab()
        .stub(Stub::answering("GET", &api_path(&mr), 404, "{}"))
        .unwrap();
    env.clock.pass(SignedDuration::from_mins(2));
    assert_eq!(env.maintain().await, ["unconfirmed"]);
    assert!(env.decision(&mr).await.is_none());
    env.gitlab().clear_stubs();
    env.gitlab().world(|shown| {
        shown
            .merge_request(mr.project, mr.iid)
            .merged(AUTHOR, "2026-03-02T12:10:00.000Z");
    });
    env.clock.pass(SignedDuration::from_mins(31));
    assert_eq!(env.maintain().await, ["exception"]);
}

/// An answer without the members lists an approval that GitLab then loses; a later complete answer does not list it.
async fn approval_lost(read_after: SignedDuration) -> Vec<String> {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    // Members are unreadable: the answer is partial, with labels and approvals.
    let members = "/api/v4/groups/4242/members";
    env.gitlab().stub(Stub::answering("GET", members, 503, "down")).unwrap();
    let merge = mr.event("merge", AUTHOR, at("12:00:00"));
    assert_eq!(env.deliver(&merge).await.outcome.as_str(), "pending");
    env.clock.pass(read_after);
    env.maintain().await;
    env.gitlab().clear_stubs();
    env.gitlab()
        .world(|shown| shown.merge_request(mr.project, mr.iid).approved_by.clear());
    env.clock.pass(SignedDuration::from_mins(5));
    env.maintain().await
}

#[tokio::test]
async fn what_an_earlier_answer_showed_stays_a_fact() {
    assert_eq!(approval_lost(SignedDuration::from_mins(2)).await, ["approved"]);
}

/// GitLab's replicas lag: within a minute of the merge one may list a withdrawn approval.
#[tokio::test]
async fn what_only_the_first_minute_showed_is_disputed() {
    assert_eq!(approval_lost(SignedDuration::ZERO).await, ["exception"]);
}

#[tokio::test]
async fn a_withheld_read_leaves_the_decision_unconfirmed() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.gitlab()
        .stub(Stub::answering(
            "GET",
            &format!("{}/versions", api_path(&mr)),
            403,
            json!({"message": "403 Forbidden"}),
        ))
        .unwrap();
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "unverified");
    env.gitlab().clear_stubs();
    env.clock.pass(SignedDuration::from_secs(61));
    assert_eq!(env.maintain().await, ["approved"]);
    assert_eq!(env.exception(&mr).await.unwrap().1, "withdrawn");
}
