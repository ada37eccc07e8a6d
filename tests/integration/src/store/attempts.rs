//! Leases, attempts and outcomes: every crash and every late worker ends in one applied effect.

use doubles::postgres::{TestDatabase, connect, fresh_database};
use model::{Effect, EffectState};
use store::{AttemptOutcome, AttemptResult, Lease, Store};

use super::sample::{at, key, record_exception, seconds};

/// A database with one pending effect.
async fn with_effect() -> (TestDatabase, Store, Effect) {
    let database = fresh_database().await;
    let store = database.store();
    let (_, effect) = record_exception(&store, &key(1), "d-1").await;
    (database, store, effect.unwrap())
}

async fn lease(store: &Store, effect: &Effect, attempts: i32, now: i64) -> Lease {
    store
        .lease_effect(effect.id, attempts, at(now), seconds(30))
        .await
        .unwrap()
}

async fn finish(store: &Store, effect: &Effect, attempt: i32, outcome: AttemptOutcome, now: i64) -> AttemptResult {
    store
        .finish_attempt(effect.id, attempt, &outcome, None, at(now))
        .await
        .unwrap()
}

fn done() -> AttemptOutcome {
    AttemptOutcome::Done {
        external_id: "1772452867.000100".to_owned(),
    }
}

fn retry(at_seconds: i64) -> AttemptOutcome {
    AttemptOutcome::Retry {
        at: at(at_seconds),
        error_class: "rate_limit".to_owned(),
        error: "429".to_owned(),
    }
}

fn ambiguous(at_seconds: i64) -> AttemptOutcome {
    AttemptOutcome::Ambiguous {
        at: at(at_seconds),
        error_class: "timeout".to_owned(),
        error: "no answer".to_owned(),
    }
}

/// State, attempts, external id, error class: as the auditor sees them.
async fn row(database: &TestDatabase, effect: &Effect) -> (String, i32, Option<String>, Option<String>) {
    let rows = connect(&database.auditor_url).await;
    let sql = format!(
        "SELECT state, attempts, external_id, last_error_class FROM effects WHERE id = '{}'",
        effect.id
    );
    let row = rows.query_typed_one(&sql, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

async fn attempts(database: &TestDatabase) -> Vec<String> {
    let rows = connect(&database.auditor_url).await;
    let sql = "SELECT attempt || ' ' || phase || coalesce(' ' || outcome, '')
                   || CASE applied WHEN false THEN ' late' ELSE '' END
               FROM effect_attempts ORDER BY attempt, phase, at";
    rows.query_typed(sql, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[tokio::test]
async fn granted_attempt_is_recorded_before_sending() {
    let (database, store, effect) = with_effect().await;
    let Lease::Granted(leased) = lease(&store, &effect, 0, 65).await else {
        panic!("not granted")
    };
    assert_eq!(
        (leased.id, leased.state, leased.attempts),
        (effect.id, EffectState::Leased, 1)
    );
    assert_eq!(attempts(&database).await, ["1 begun"]);
    assert_eq!(finish(&store, &effect, 1, done(), 66).await, AttemptResult::Applied);
    assert_eq!(attempts(&database).await, ["1 begun", "1 ended done"]);
    assert_eq!(
        row(&database, &effect).await,
        ("done".to_owned(), 1, Some("1772452867.000100".to_owned()), None)
    );
    assert_eq!(lease(&store, &effect, 1, 67).await, Lease::Finished(EffectState::Done));
}

#[tokio::test]
async fn every_final_outcome_ends_the_effect() {
    let dead = AttemptOutcome::Dead {
        error_class: "not_found".to_owned(),
        error: "channel_not_found".to_owned(),
    };
    let cases = [
        (done(), EffectState::Done),
        (dead, EffectState::Dead),
        (AttemptOutcome::Suppressed, EffectState::Suppressed),
        (
            AttemptOutcome::Superseded {
                because: "the exception was withdrawn".to_owned(),
            },
            EffectState::Superseded,
        ),
    ];
    let database = fresh_database().await;
    let store = database.store();
    for (iid, (outcome, state)) in (1..).zip(cases) {
        let (_, effect) = record_exception(&store, &key(iid), &format!("d-{iid}")).await;
        let effect = effect.unwrap();
        assert!(matches!(lease(&store, &effect, 0, 65).await, Lease::Granted(_)));
        assert_eq!(finish(&store, &effect, 1, outcome, 66).await, AttemptResult::Applied);
        assert_eq!(lease(&store, &effect, 1, 9_999).await, Lease::Finished(state));
    }
    assert_eq!(
        store.claim_due_effects(at(9_999), 10, seconds(60)).await.unwrap(),
        [],
        "nothing comes back"
    );
}

#[tokio::test]
async fn retry_waits_for_the_requested_time() {
    let (database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    assert_eq!(finish(&store, &effect, 1, retry(100), 66).await, AttemptResult::Applied);
    assert_eq!(
        row(&database, &effect).await,
        ("pending".to_owned(), 1, None, Some("rate_limit".to_owned()))
    );
    assert_eq!(lease(&store, &effect, 1, 99).await, Lease::NotDue);
    let Lease::Granted(second) = lease(&store, &effect, 1, 100).await else {
        panic!("not granted")
    };
    assert_eq!(second.attempts, 2);
}

#[tokio::test]
async fn attempt_not_sent_may_be_repeated_immediately() {
    let (_database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    assert_eq!(
        finish(&store, &effect, 1, AttemptOutcome::NotSent, 66).await,
        AttemptResult::Applied
    );
    assert_eq!(
        store.claim_due_effects(at(66), 10, seconds(60)).await.unwrap().len(),
        1,
        "the relay has it immediately"
    );
    assert!(matches!(lease(&store, &effect, 1, 66).await, Lease::Granted(_)));
}

#[tokio::test]
async fn ambiguous_outcome_is_resolved_before_any_repeat() {
    let (_database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    assert_eq!(
        finish(&store, &effect, 1, ambiguous(70), 66).await,
        AttemptResult::Applied
    );
    assert_eq!(lease(&store, &effect, 1, 69).await, Lease::NotDue);
    let Lease::Resolve(found) = lease(&store, &effect, 1, 70).await else {
        panic!("not to be resolved")
    };
    assert_eq!(found.attempts, 2);
}

#[tokio::test]
async fn expired_lease_is_taken_over_and_resolved() {
    let (database, store, effect) = with_effect().await;
    assert!(matches!(lease(&store, &effect, 0, 65).await, Lease::Granted(_)));
    assert_eq!(
        lease(&store, &effect, 1, 94).await,
        Lease::NotDue,
        "another worker holds it"
    );
    let Lease::Resolve(second) = lease(&store, &effect, 1, 95).await else {
        panic!("not to be resolved")
    };
    assert_eq!(second.attempts, 2);

    // The first worker was not dead, only late: its result is recorded, the effect stays with the second.
    assert_eq!(finish(&store, &effect, 1, retry(96), 96).await, AttemptResult::Late);
    assert_eq!(row(&database, &effect).await.0, "leased");
    assert_eq!(finish(&store, &effect, 2, done(), 97).await, AttemptResult::Applied);
    assert_eq!(
        attempts(&database).await,
        ["1 begun", "1 ended retry late", "2 begun", "2 ended done"]
    );
}

#[tokio::test]
async fn a_late_worker_cannot_undo_what_was_done() {
    let (database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    lease(&store, &effect, 1, 95).await;
    assert_eq!(finish(&store, &effect, 2, done(), 96).await, AttemptResult::Applied);
    let dead = AttemptOutcome::Dead {
        error_class: "auth_failure".to_owned(),
        error: "invalid_auth".to_owned(),
    };
    assert_eq!(finish(&store, &effect, 1, dead, 97).await, AttemptResult::Late);
    assert_eq!(row(&database, &effect).await.0, "done");
}

#[tokio::test]
async fn an_outcome_reported_twice_is_one_outcome() {
    let (database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    for _ in 0..2 {
        assert_eq!(finish(&store, &effect, 1, done(), 66).await, AttemptResult::Applied);
    }
    assert_eq!(attempts(&database).await, ["1 begun", "1 ended done"]);
}

#[tokio::test]
async fn a_message_older_than_its_row_does_nothing() {
    let (database, store, effect) = with_effect().await;
    lease(&store, &effect, 0, 65).await;
    finish(&store, &effect, 1, retry(70), 66).await;
    assert_eq!(lease(&store, &effect, 0, 80).await, Lease::Lagging);
    assert_eq!(attempts(&database).await, ["1 begun", "1 ended retry"]);
}

#[tokio::test]
async fn an_effect_of_another_database_is_unknown() {
    let (_database, store, _) = with_effect().await;
    let stranger = uuid::Uuid::now_v7();
    assert_eq!(
        store.lease_effect(stranger, 0, at(65), seconds(30)).await.unwrap(),
        Lease::Unknown
    );
    assert!(store.finish_attempt(stranger, 1, &done(), None, at(66)).await.is_err());
}

#[tokio::test]
async fn two_workers_with_same_message_get_one_lease() {
    let (database, store, effect) = with_effect().await;
    let other = database.store();
    let (one, two) = tokio::join!(lease(&store, &effect, 0, 65), lease(&other, &effect, 0, 65));
    let granted = [&one, &two]
        .into_iter()
        .filter(|lease| matches!(lease, Lease::Granted(_)))
        .count();
    assert_eq!(granted, 1, "{one:?} {two:?}");
    assert_eq!(attempts(&database).await, ["1 begun"]);
}
