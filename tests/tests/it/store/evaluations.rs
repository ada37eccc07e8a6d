//! Pending evaluations: kept until judged, whoever repeats what.

use tests::postgres::fresh_database;

use super::sample::{at, evaluation, key, seconds};

#[tokio::test]
async fn an_evaluation_is_pending_until_it_is_finished() {
    let database = fresh_database().await;
    let store = database.store();
    let pending = evaluation(&key(1));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.pending_evaluation(&key(1)).await.unwrap(), None);
    tx.upsert_evaluation(&pending, at(61)).await.unwrap();
    assert_eq!(tx.pending_evaluation(&key(1)).await.unwrap(), Some(pending));
    tx.finish_evaluation(&key(1), at(62)).await.unwrap();
    assert_eq!(tx.pending_evaluation(&key(1)).await.unwrap(), None);
    tx.finish_evaluation(&key(1), at(63)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.claim_due_evaluations(at(10_000), 10, seconds(60)).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_repeated_delivery_neither_moves_the_deadline_away_nor_forgets_attempts() {
    let database = fresh_database().await;
    let store = database.store();
    let mut first = evaluation(&key(1));
    first.attempts = 4;
    let mut again = evaluation(&key(1));
    again.attempts = 0;
    again.deadline_at = first.deadline_at + seconds(600);
    again.next_attempt_at = at(130);

    let mut tx = store.begin().await.unwrap();
    tx.upsert_evaluation(&first, at(61)).await.unwrap();
    tx.upsert_evaluation(&again, at(100)).await.unwrap();
    let kept = tx.pending_evaluation(&key(1)).await.unwrap().unwrap();
    assert_eq!(
        (kept.attempts, kept.deadline_at, kept.next_attempt_at),
        (4, first.deadline_at, at(130))
    );
}

#[tokio::test]
async fn one_that_was_done_starts_anew() {
    let database = fresh_database().await;
    let store = database.store();
    let mut again = evaluation(&key(1));
    again.attempts = 0;
    again.deadline_at = at(9_999);
    let mut tx = store.begin().await.unwrap();
    tx.upsert_evaluation(&evaluation(&key(1)), at(61)).await.unwrap();
    tx.finish_evaluation(&key(1), at(62)).await.unwrap();
    tx.upsert_evaluation(&again, at(100)).await.unwrap();
    assert_eq!(tx.pending_evaluation(&key(1)).await.unwrap(), Some(again));
}
