//! What maintenance claims: due items, oldest first, by one run only.

use std::collections::BTreeSet;

use doubles::postgres::fresh_database;
use store::{AttemptOutcome, Backlog, Lease};

use super::sample::{at, evaluation, key, record_exception, seconds};

#[tokio::test]
async fn claimed_evaluation_is_unavailable_until_lease_expires() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    for iid in 1..=3 {
        let mut pending = evaluation(&key(iid));
        pending.next_attempt_at = Some(at(120 - iid));
        tx.keep_evaluation(&pending, at(61)).await.unwrap();
    }
    tx.commit().await.unwrap();

    assert_eq!(store.claim_due_evaluations(at(116), 10, seconds(60)).await.unwrap(), []);
    let claimed = store.claim_due_evaluations(at(120), 2, seconds(60)).await.unwrap();
    let oldest: BTreeSet<_> = claimed.iter().map(|claimed| claimed.merge_request.mr_iid.0).collect();
    assert_eq!(oldest, [2, 3].into(), "the oldest come first");
    assert!(claimed.iter().all(|claimed| claimed.next_attempt_at == Some(at(180))));
    assert_eq!(
        store
            .claim_due_evaluations(at(121), 10, seconds(60))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.claim_due_evaluations(at(122), 10, seconds(60)).await.unwrap(), []);
    assert_eq!(
        store
            .claim_due_evaluations(at(500), 10, seconds(60))
            .await
            .unwrap()
            .len(),
        3,
        "rows of a dead run are due again"
    );
}

#[tokio::test]
async fn relay_picks_up_effect_with_lost_enqueueing() {
    let database = fresh_database().await;
    let store = database.store();
    let (_, effect) = record_exception(&store, &key(1), "d-1").await;
    assert_eq!(
        store.claim_due_effects(at(123), 10, seconds(60)).await.unwrap(),
        [],
        "the grace is not over"
    );
    assert_eq!(
        store.claim_due_effects(at(124), 10, seconds(60)).await.unwrap(),
        [effect.clone().unwrap()]
    );
    assert_eq!(store.claim_due_effects(at(125), 10, seconds(60)).await.unwrap(), []);
    let lease = store
        .lease_effect(effect.unwrap().id, 0, at(126), seconds(30))
        .await
        .unwrap();
    assert!(
        matches!(lease, Lease::Granted(_)),
        "being claimed by the relay does not make it wait"
    );
}

#[tokio::test]
async fn relay_picks_up_effect_of_dead_worker() {
    let database = fresh_database().await;
    let store = database.store();
    let (_, effect) = record_exception(&store, &key(1), "d-1").await;
    let effect = effect.unwrap();
    assert!(matches!(
        store.lease_effect(effect.id, 0, at(65), seconds(30)).await.unwrap(),
        Lease::Granted(_)
    ));
    assert_eq!(store.claim_due_effects(at(94), 10, seconds(60)).await.unwrap(), []);
    let claimed = store.claim_due_effects(at(95), 10, seconds(60)).await.unwrap();
    let [claimed] = claimed.as_slice() else {
        panic!("{claimed:?}")
    };
    let lease = store
        .lease_effect(claimed.id, claimed.attempts, at(96), seconds(30))
        .await
        .unwrap();
    assert!(matches!(lease, Lease::Resolve(_)), "{lease:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_runs_claim_all_work_without_overlap() {
    let database = fresh_database().await;
    let store = database.store();
    for iid in 1..=40 {
        record_exception(&store, &key(iid), &format!("d-{iid}")).await;
        let mut tx = store.begin().await.unwrap();
        tx.keep_evaluation(&evaluation(&key(iid)), at(61)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let runs = (0..4).map(|_| async {
        let store = database.store();
        let mut claimed = Vec::new();
        loop {
            let effects = store.claim_due_effects(at(500), 3, seconds(60)).await.unwrap();
            let evaluations = store.claim_due_evaluations(at(500), 3, seconds(60)).await.unwrap();
            if effects.is_empty() && evaluations.is_empty() {
                break claimed;
            }
            claimed.extend(effects.into_iter().map(|effect| effect.key));
            claimed.extend(
                evaluations
                    .into_iter()
                    .map(|evaluation| evaluation.merge_request.to_string()),
            );
        }
    });
    let claimed: Vec<String> = futures::future::join_all(runs).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 80);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 80);
}

#[tokio::test]
async fn work_locked_elsewhere_is_skipped_without_waiting() {
    let database = fresh_database().await;
    let store = database.store();
    for iid in 1..=2 {
        record_exception(&store, &key(iid), &format!("d-{iid}")).await;
    }
    let mut other = doubles::postgres::connect(&database.owner_url).await;
    let holding = other.transaction().await.unwrap();
    holding
        .batch_execute("SELECT FROM effects WHERE mr_iid = 1 FOR UPDATE")
        .await
        .unwrap();
    let claimed = store.claim_due_effects(at(500), 10, seconds(60)).await.unwrap();
    assert_eq!(
        claimed
            .iter()
            .map(|effect| effect.merge_request.mr_iid.0)
            .collect::<Vec<_>>(),
        [2]
    );
}

#[tokio::test]
async fn effect_of_unknown_kind_is_left_untouched() {
    let database = fresh_database().await;
    let store = database.store();
    let (_, effect) = record_exception(&store, &key(1), "d-1").await;
    let id = effect.unwrap().id;
    let owner = doubles::postgres::connect(&database.owner_url).await;
    let row = async || {
        let rows = owner
            .query_typed("SELECT effects::text FROM effects", &[])
            .await
            .unwrap();
        rows[0].get::<_, String>(0)
    };
    owner
        .batch_execute("UPDATE effects SET kind = 'kind_of_tomorrow'")
        .await
        .unwrap();
    let before = row().await;
    assert_eq!(store.claim_due_effects(at(500), 10, seconds(60)).await.unwrap(), []);
    let lease = store.lease_effect(id, 0, at(500), seconds(30)).await.unwrap();
    assert_eq!(lease, Lease::UnknownKind("kind_of_tomorrow".to_owned()));
    assert_eq!(row().await, before, "still due for a version that knows it");
}

#[tokio::test]
async fn backlog_counts_waiting_and_dead_work() {
    let database = fresh_database().await;
    let store = database.store();
    assert_eq!(store.backlog(at(0)).await.unwrap(), Backlog::default());
    // 1. Three exceptions with pending evaluations, due at different times.
    let mut effects = Vec::new();
    for iid in 1..=3 {
        effects.push(
            record_exception(&store, &key(iid), &format!("d-{iid}"))
                .await
                .1
                .unwrap(),
        );
        let mut pending = evaluation(&key(iid));
        pending.deadline_at = at(1000 * iid);
        let mut tx = store.begin().await.unwrap();
        tx.keep_evaluation(&pending, at(61)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let outcomes = [
        AttemptOutcome::Ambiguous {
            at: at(5000),
            error_class: "timeout".to_owned(),
            error: "no answer".to_owned(),
        },
        AttemptOutcome::Dead {
            error_class: "auth_failure".to_owned(),
            error: "invalid_auth".to_owned(),
        },
    ];
    // 2. One effect is ambiguous, one is dead.
    for (effect, outcome) in effects.iter().zip(&outcomes) {
        store.lease_effect(effect.id, 0, at(65), seconds(30)).await.unwrap();
        store.finish_attempt(effect.id, 1, outcome, None, at(66)).await.unwrap();
    }
    // 3. The counts, now and before the quarter of an hour.
    let expected = Backlog {
        pending_evaluations: 3,
        overdue_evaluations: 2,
        unconfirmed: 0,
        never_shown: 0,
        oldest_unconfirmed_seconds: 0,
        merges_unjudged: 0,
        open_effects: 2,
        due_effects: 1,
        ambiguous_effects: 1,
        dead_effects: 1,
        overdue_effects: 2,
    };
    assert_eq!(store.backlog(at(2000)).await.unwrap(), expected);
    assert_eq!(
        store.backlog(at(900)).await.unwrap().overdue_effects,
        0,
        "not yet a quarter of an hour old"
    );
}
