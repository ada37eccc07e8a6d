//! Deliveries arrive late, twice, from two hooks and in any order; the final rows are the same.

use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use serde_json::Value;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};

/// Every permutation of the numbers below `count` (Heap's algorithm).
pub(super) fn orders(count: usize) -> Vec<Vec<usize>> {
    fn permute(size: usize, items: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        if size <= 1 {
            found.push(items.clone());
            return;
        }
        for index in 0..size {
            permute(size - 1, items, found);
            items.swap(if size.is_multiple_of(2) { index } else { 0 }, size - 1);
        }
    }
    let mut found = Vec::new();
    permute(count, &mut (0..count).collect(), &mut found);
    found
}

/// The final state, which must not depend on the order: the current verdict, the exception, open effects.
async fn end(env: &TestEnv, mr: &MergeRequest) -> (String, Option<(String, String)>, i64) {
    let verdict = env.decision(mr).await.unwrap().verdict;
    // A correction follows each change of the exception, so their number depends on the order.
    let effects = env
        .count(
            "effects WHERE state = 'pending' AND kind <> 'slack_exception_update'",
            mr,
        )
        .await;
    (
        serde_json::to_string(&verdict).unwrap(),
        env.exception(mr).await,
        effects,
    )
}

/// Delivers a life of five events in all 120 orders, each to its own merge request.
async fn every_order(
    life: impl Fn(&MergeRequest) -> [Value; 5],
    shown: impl Fn(&TestEnv, &MergeRequest),
) -> Vec<(String, Option<(String, String)>, i64)> {
    let env = TestEnv::with_evaluator().await;
    let mut ends = Vec::new();
    for (index, order) in orders(5).into_iter().enumerate() {
        let mr = MergeRequest::new(PROJECT, index as u64 + 1, HIGH);
        shown(&env, &mr);
        let events = life(&mr);
        for event in &order {
            env.deliver(&events[*event]).await;
        }
        ends.push(end(&env, &mr).await);
    }
    assert_eq!(ends.len(), 120);
    ends.sort();
    ends.dedup();
    ends
}

#[tokio::test]
async fn revoked_approval_ends_the_same_in_every_order() {
    let life = |mr: &MergeRequest| {
        [
            mr.event("open", AUTHOR, at("08:00:00")),
            mr.event("approved", ALICE, at("10:00:00")),
            mr.event("unapproved", ALICE, at("11:00:00")),
            mr.event("merge", AUTHOR, at("12:00:00")),
            mr.event("unapproval", ALICE, at("11:00:00")),
        ]
    };
    let ends = every_order(life, |env, mr| env.merged(mr, |_| ())).await;
    assert_eq!(ends.len(), 1, "{ends:#?}");
    assert_eq!(ends[0].1, Some(("approval_revoked".to_owned(), "open".to_owned())));
    assert_eq!(ends[0].2, 1);
}

#[tokio::test]
async fn valid_approval_ends_the_same_in_every_order() {
    let life = |mr: &MergeRequest| {
        [
            mr.event("open", AUTHOR, at("08:00:00")),
            mr.event("approval", ALICE, at("09:00:00")),
            mr.reset_by_push(AUTHOR, at("09:30:00")),
            mr.event("approved", ALICE, at("10:00:00")),
            mr.event("merge", AUTHOR, at("12:00:00")),
        ]
    };
    let approved = |env: &TestEnv, mr: &MergeRequest| {
        env.merged(mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.700Z");
        });
    };
    let ends = every_order(life, approved).await;
    assert_eq!(ends.len(), 1, "{ends:#?}");
    assert_eq!((&ends[0].1, ends[0].2), (&None, 0));
}

#[tokio::test]
async fn a_reset_takes_no_timed_approval() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:05:05.000Z");
    });
    env.deliver_merge(&mr).await;
    let reset = env.deliver(&mr.reset_by_push(AUTHOR, at("10:05:10"))).await;
    assert_eq!(reset.outcome.as_str(), "unchanged");
    assert_eq!(env.exception(&mr).await, None);
}

#[tokio::test]
async fn late_revocation_is_confirmed_by_a_reread() {
    for (iid, gone) in [(1, true), (2, false)] {
        let env = TestEnv::with_evaluator().await;
        let mr = MergeRequest::new(PROJECT, iid, HIGH);
        env.merged(&mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
        env.deliver_merge(&mr).await;
        let first = env.decision(&mr).await.unwrap();
        let late = env.deliver(&mr.event("unapproved", ALICE, at("11:00:00"))).await;
        assert_eq!(late.outcome.as_str(), "unconfirmed");
        assert_eq!(
            env.decision(&mr).await.unwrap().id,
            first.id,
            "frozen until it is read again"
        );
        if gone {
            env.gitlab()
                .world(|shown| shown.merge_request(mr.project, mr.iid).approved_by.clear());
        }
        // Not before GitLab's replicas have it.
        env.clock.pass(SignedDuration::from_secs(30));
        assert!(env.maintain().await.is_empty());
        env.clock.pass(SignedDuration::from_secs(31));
        let expected = if gone { "exception" } else { "approved" };
        assert_eq!(env.maintain().await, [expected]);
        let second = env.decision(&mr).await.unwrap();
        assert_eq!((second.supersedes, second.confirmed), (Some(first.id), true));
        let kind = env.exception(&mr).await.map(|(kind, _)| kind);
        assert_eq!(kind.as_deref(), gone.then_some("approval_revoked"));
        assert_eq!(
            second.verdict.notes.contains(&model::Note::RevocationNotConfirmed),
            !gone
        );
        env.clock.pass(SignedDuration::from_hours(2));
        assert!(env.maintain().await.is_empty(), "settled");
    }
}

#[tokio::test]
async fn late_proof_withdraws_exception_and_unsent_alert() {
    let env = TestEnv::with_evaluator().await;
    env.gitlab().patch(serde_json::json!({"old_gitlab": true})).unwrap();
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    // An older GitLab does not report approval times; only the delivery does.
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    assert_eq!(env.exception(&mr).await.unwrap().0, "unverified");
    env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await;
    assert_eq!(env.exception(&mr).await.unwrap().1, "withdrawn");
    assert_eq!(env.count("effects WHERE state = 'superseded'", &mr).await, 1);
    assert_eq!(
        env.decision(&mr).await.unwrap().decision,
        Some(model::LedgerDecision::Merged)
    );
}

#[tokio::test]
async fn repeated_delivery_and_second_hook_change_nothing() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    let payload = mr.event("merge", AUTHOR, at("12:00:00"));
    let delivery = envelope(&payload, "one");
    assert_eq!(
        app::process_delivery(env.app(), &delivery)
            .await
            .unwrap()
            .outcome
            .as_str(),
        "exception"
    );
    // 1. The same delivery again.
    let asked = env.gitlab().requests().len();
    for _ in 0..10 {
        let again = app::process_delivery(env.app(), &envelope(&payload, "one"))
            .await
            .unwrap();
        assert_eq!((again.outcome.as_str(), again.effects.len()), ("duplicate", 0));
    }
    // 2. The same merge from another hook.
    let other_hook = app::process_delivery(env.app(), &envelope(&payload, "two"))
        .await
        .unwrap();
    assert_eq!(
        (other_hook.outcome.as_str(), other_hook.effects.len()),
        ("unchanged", 0)
    );
    assert_eq!(
        env.gitlab().requests().len(),
        asked,
        "a decided merge is not read again"
    );
    for (what, expected) in [
        ("security_review_exceptions", 1),
        ("effects", 1),
        ("security_review_decisions", 1),
        ("merge_request_events", 2),
    ] {
        assert_eq!(env.count(&format!("{what} WHERE true"), &mr).await, expected, "{what}");
    }
    assert_eq!(env.entries("webhook.delivery.duplicate").len(), 10);
}

#[tokio::test]
async fn eight_concurrent_environments_write_a_merge_once() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |_| ());
    let payload = mr.event("merge", AUTHOR, at("12:00:00"));
    let deliveries = (0..8).map(|index| {
        let (evaluator, envelope) = (env.another_app(), envelope(&payload, &format!("key {index}")));
        async move {
            app::process_delivery(&evaluator, &envelope)
                .await
                .unwrap()
                .outcome
                .as_str()
        }
    });
    let mut outcomes = futures::future::join_all(deliveries).await;
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            "exception",
            "unchanged",
            "unchanged",
            "unchanged",
            "unchanged",
            "unchanged",
            "unchanged",
            "unchanged"
        ]
    );
    assert_eq!(env.count("security_review_exceptions WHERE true", &mr).await, 1);
    assert_eq!(env.count("effects WHERE true", &mr).await, 1);
}

#[tokio::test]
async fn event_after_the_merge_changes_nothing() {
    let after_merge = |mut payload: Value| {
        payload["object_attributes"]["state"] = "merged".into();
        payload
    };
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.deliver_merge(&mr).await;
    assert_eq!(
        env.deliver(&after_merge(mr.event("unapproved", ALICE, at("13:00:00"))))
            .await
            .outcome
            .as_str(),
        "unchanged"
    );
    assert_eq!(env.exception(&mr).await, None);
}
