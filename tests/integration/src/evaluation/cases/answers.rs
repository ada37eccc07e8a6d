//! REST answers without the head, the merge time or the merge itself.

use jiff::SignedDuration;
use model::LedgerDecision;
use serde_json::{Value, json};

use super::fixtures::{IVO, NOOR, hook, kind, mr, open, row, shows};
use crate::env::{ALICE, HIGH, TestEnv};

/// The source branch was removed: the delivery has no last commit, the answer `sha: null`.
#[tokio::test]
async fn an_unknown_head_is_decided_by_versions() {
    let env = TestEnv::with_evaluator().await;
    for (iid, pushed_later, expected) in [(1, false, None), (2, true, Some("approved_other_commit"))] {
        let mr = mr(iid, HIGH);
        shows(&env, &mr, |shown| {
            shown
                .approved(ALICE, "2026-03-02T10:00:00.000Z")
                .set("sha", Value::Null);
            if pushed_later {
                shown.version(&"9d".repeat(20), "p2", "2026-03-02T11:00:00.000Z");
            }
        });
        let mut merge = hook(&mr, "merge", IVO, "12:00:00");
        merge["object_attributes"]["last_commit"] = Value::Null;
        env.deliver(&merge).await;
        assert_eq!(kind(&env, &mr).await.as_deref(), expected);
        let ledger = row(&env, "security_review_ledger", &mr).await;
        assert_eq!(ledger["head_sha"], Value::Null);
    }
}

/// `state: merged` with `merged_at: null`: tools that relied on the time lost these merges.
#[tokio::test]
async fn a_merge_without_its_time_ends_unverified() {
    for (iid, taken_off) in [(1, false), (2, true)] {
        let env = TestEnv::with_evaluator().await;
        let mr = mr(iid, if taken_off { &[] } else { HIGH });
        shows(&env, &mr, |shown| {
            shown.set("merged_at", Value::Null).set("merge_user", Value::Null);
            if taken_off {
                shown.label_event("add", "security::high", NOOR, "2026-03-02T08:30:00.000Z");
                shown.label_event("remove", "security::high", NOOR, "2026-03-02T11:30:00.000Z");
            } else {
                shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
            }
        });
        let merge = hook(&mr, "merge", IVO, "12:00:00");
        assert_eq!(env.deliver(&merge).await.outcome.as_str(), "pending", "{iid}");
        env.clock.pass(SignedDuration::from_mins(15));
        assert_eq!(env.maintain().await, ["exception"], "{iid}");
        let exception = row(&env, "security_review_exceptions", &mr).await;
        assert_eq!(exception["kind"], "unverified");
        let detail = exception["reasons"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("shows it as merged, but not when"), "{detail}");
        assert!(!env.decision(&mr).await.unwrap().confirmed);

        // GitLab may repair it: then the facts decide.
        env.gitlab().world(|shown| {
            let shown = shown.merge_request(mr.project, mr.iid);
            shown.merged(IVO, "2026-03-02T12:00:00.000Z");
        });
        env.clock.pass(SignedDuration::from_mins(2));
        let expected = if taken_off { "exception" } else { "approved" };
        assert_eq!(env.maintain().await, [expected], "{iid}");
        assert!(env.decision(&mr).await.unwrap().confirmed);
        let removed = Some("label_removed_before_merge".to_owned()).filter(|_| taken_off);
        assert_eq!(kind(&env, &mr).await, removed);
    }
}

/// The commit was on the target branch and the merge request stayed `locked` for hours.
#[tokio::test]
async fn a_locked_merge_is_decided_once_healed() {
    let env = TestEnv::with_evaluator().await;
    let mr = mr(1, HIGH);
    shows(&env, &mr, |shown| {
        open(shown);
        shown.set("state", "locked").set("merge_commit_sha", "e2".repeat(20));
    });
    let merge = hook(&mr, "merge", IVO, "12:00:00");
    assert_eq!(env.deliver(&merge).await.outcome.as_str(), "pending");
    env.clock.pass(SignedDuration::from_mins(15));
    let store = env.app().store();
    let lease = SignedDuration::from_mins(2);
    let due = store.claim_due_evaluations(env.now(), 10, lease).await.unwrap();
    let denied = Box::pin(app::read_merge_again(env.app(), &due[0])).await.unwrap();
    assert_eq!(
        (denied.outcome.as_str(), denied.counted()),
        ("not_merged", vec!["merges_denied"])
    );
    assert!(env.decision(&mr).await.is_none());
    assert_eq!(
        row(&env, "security_review_unjudged", &mr).await["state"],
        json!("unconfirmed")
    );

    env.gitlab().world(|shown| {
        let shown = shown.merge_request(mr.project, mr.iid);
        shown.merged(IVO, "2026-03-02T12:00:00.000Z");
    });
    env.clock.pass(SignedDuration::from_mins(2));
    assert_eq!(env.maintain().await, ["exception"]);
    assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"));
    let decision = env.decision(&mr).await.unwrap();
    assert_eq!(decision.decision, Some(LedgerDecision::MergedWithoutApproval));
}
