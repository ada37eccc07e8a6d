//! Pending evaluations: stored until decided, despite repetition.

use doubles::postgres::fresh_database;

use super::sample::{at, evaluation, key, pending, pending_review, seconds};

#[tokio::test]
async fn an_evaluation_is_pending_until_it_is_finished() {
    let database = fresh_database().await;
    let store = database.store();
    let first = evaluation(&key(1));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(pending(&mut tx, &key(1)).await, None);
    tx.keep_evaluation(&first, at(61)).await.unwrap();
    assert_eq!(pending(&mut tx, &key(1)).await, Some(first));
    tx.finish_evaluation(&key(1), false, at(62)).await.unwrap();
    assert_eq!(pending(&mut tx, &key(1)).await, None);
    tx.finish_evaluation(&key(1), false, at(63)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.claim_due_evaluations(at(10_000), 10, seconds(60)).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn repeated_delivery_keeps_deadline_and_attempts() {
    let database = fresh_database().await;
    let store = database.store();
    let mut first = evaluation(&key(1));
    first.attempts = 4;
    let mut again = evaluation(&key(1));
    again.attempts = 0;
    again.deadline_at = first.deadline_at + seconds(600);
    again.next_attempt_at = Some(at(130));

    let mut tx = store.begin().await.unwrap();
    tx.keep_evaluation(&first, at(61)).await.unwrap();
    tx.keep_evaluation(&again, at(100)).await.unwrap();
    let kept = pending(&mut tx, &key(1)).await.unwrap();
    assert_eq!(
        (kept.attempts, kept.deadline_at, kept.next_attempt_at),
        (4, first.deadline_at, Some(at(130)))
    );
}

#[tokio::test]
async fn a_done_evaluation_starts_again() {
    let database = fresh_database().await;
    let store = database.store();
    let mut again = evaluation(&key(1));
    again.attempts = 0;
    again.deadline_at = at(9_999);
    let mut tx = store.begin().await.unwrap();
    tx.keep_evaluation(&evaluation(&key(1)), at(61)).await.unwrap();
    tx.finish_evaluation(&key(1), false, at(62)).await.unwrap();
    tx.keep_evaluation(&again, at(100)).await.unwrap();
    assert_eq!(pending(&mut tx, &key(1)).await, Some(again));
}

/// A pending merge evaluation of the same merge request stays pending.
#[tokio::test]
async fn pending_review_ends_by_a_later_reading() {
    let database = fresh_database().await;
    let store = database.store();
    let (merge, review) = (evaluation(&key(1)), pending_review(&key(1)));
    let mut tx = store.begin().await.unwrap();
    tx.keep_evaluation(&merge, at(61)).await.unwrap();
    tx.upsert_pending_review(&review, at(61)).await.unwrap();
    assert_eq!(pending(&mut tx, &key(1)).await, Some(merge.clone()));
    tx.finish_pending_review(&key(1), Some(at(60)), at(62)).await.unwrap();
    assert_eq!(
        tx.pending_review(&key(1)).await.unwrap(),
        Some(review),
        "the reading began before"
    );
    tx.finish_pending_review(&key(1), Some(at(61)), at(62)).await.unwrap();
    assert_eq!(tx.pending_review(&key(1)).await.unwrap(), None);
    assert_eq!(pending(&mut tx, &key(1)).await, Some(merge));
    tx.upsert_pending_review(&pending_review(&key(1)), at(63))
        .await
        .unwrap();
    tx.finish_pending_review(&key(1), None, at(62)).await.unwrap();
    assert_eq!(tx.pending_review(&key(1)).await.unwrap(), None, "the merge is decided");
}

/// A stale event does not change the review's trigger.
#[tokio::test]
async fn later_event_makes_pending_review_due_soon() {
    let database = fresh_database().await;
    let store = database.store();
    let mut first = pending_review(&key(1));
    (first.attempts, first.next_attempt_at) = (9, at(3_600));
    let mut stale = pending_review(&key(1));
    stale.trigger.trusted = false;
    stale.trigger.title = "untrue".to_owned();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_pending_review(&first, at(61)).await.unwrap();
    tx.upsert_pending_review(&stale, at(100)).await.unwrap();
    let kept = tx.pending_review(&key(1)).await.unwrap().unwrap();
    assert_eq!((kept.attempts, kept.next_attempt_at), (1, at(120)));
    assert_eq!(kept.trigger, first.trigger);
    tx.commit().await.unwrap();
    let claimed = store.claim_due_reviews(at(120), 10, seconds(60)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(store.claim_due_reviews(at(121), 10, seconds(60)).await.unwrap(), []);
}

#[tokio::test]
async fn a_flood_of_unknown_merges_gets_no_schedule() {
    let database = fresh_database().await;
    let owner = doubles::postgres::connect(&database.owner_url).await;
    let flood = "
        INSERT INTO evaluations (instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id,
            created_at, updated_at, first_seen_at, give_up_at)
        SELECT 'gitlab.example', 1, iid, 'unconfirmed', '{\"trusted\": true}', 'GitLab answers 404', 0, now(), now(), gen_random_uuid(), now(),
            now(), now(), now() + interval '7 days'
        FROM generate_series(1, 1000) AS iid";
    owner.batch_execute(flood).await.unwrap();
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    for (iid, shown, scheduled) in [(1, false, false), (2, true, true)] {
        let mut unconfirmed = evaluation(&key(iid));
        (unconfirmed.state, unconfirmed.shown) = (store::EvaluationState::Unconfirmed, shown);
        unconfirmed.give_up_at = Some(at(9_999));
        tx.keep_evaluation(&unconfirmed, at(61)).await.unwrap();
        let kept = tx.evaluation(&key(iid)).await.unwrap().unwrap();
        assert_eq!(kept.next_attempt_at.is_some(), scheduled, "shown: {shown}");
    }
    tx.commit().await.unwrap();
    assert_eq!(store.backlog(at(62)).await.unwrap().never_shown, 1);
}
