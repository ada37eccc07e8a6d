//! The outbox: one effect per merge request, kind and destination.

use doubles::postgres::fresh_database;
use model::{Effect, EffectKind, EffectState};
use store::{AttemptOutcome, Lease};

use super::sample::{alert, at, exception, key, record_exception, seconds};

#[tokio::test]
async fn an_effect_is_added_once() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    let exception_id = tx.upsert_exception(&exception(&key(1))).await.unwrap();
    let new = alert(&key(1), exception_id);
    let effect = tx
        .insert_effects(std::slice::from_ref(&new))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(
        effect,
        Effect {
            id: effect.id,
            key: Effect::key_for(&key(1), EffectKind::SlackExceptionAlert, "slack:C0SECLEAD", None, None),
            kind: EffectKind::SlackExceptionAlert,
            destination: "slack:C0SECLEAD".to_owned(),
            exception_id: Some(exception_id),
            ledger_revision: None,
            decision_id: None,
            merge_request: key(1),
            state: EffectState::Pending,
            attempts: 0,
            correlation_id: new.correlation_id,
            traceparent: None,
            updated_at: new.created_at,
        }
    );
    assert_eq!(tx.insert_effects(std::slice::from_ref(&new)).await.unwrap().pop(), None);
    let elsewhere = store::NewEffect {
        destination: "slack:C0OTHER".to_owned(),
        ..new
    };
    assert!(
        tx.insert_effects(std::slice::from_ref(&elsewhere))
            .await
            .unwrap()
            .pop()
            .is_some(),
        "another destination is another effect"
    );
}

#[tokio::test]
async fn only_unstarted_effects_are_superseded() {
    let database = fresh_database().await;
    let store = database.store();
    let (exception_id, begun) = record_exception(&store, &key(1), "d-1").await;
    let begun = begun.unwrap();
    assert!(matches!(
        store.lease_effect(begun.id, 0, at(65), seconds(30)).await.unwrap(),
        Lease::Granted(_)
    ));
    let mut tx = store.begin().await.unwrap();
    let untouched = store::NewEffect {
        destination: "slack:C0OTHER".to_owned(),
        ..alert(&key(1), exception_id)
    };
    let untouched = tx
        .insert_effects(std::slice::from_ref(&untouched))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(
        tx.supersede_effects(exception_id, "a later decision", at(66))
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();

    let refused = store.lease_effect(untouched.id, 0, at(67), seconds(30)).await.unwrap();
    assert_eq!(refused, Lease::Finished(EffectState::Superseded));
    let done = AttemptOutcome::Done {
        external_id: "1772452867.000100".to_owned(),
    };
    assert_eq!(
        store.finish_attempt(begun.id, 1, &done, None, at(68)).await.unwrap(),
        store::AttemptResult::Applied
    );
}

#[tokio::test]
async fn a_superseded_effect_comes_back_with_its_reason() {
    let database = fresh_database().await;
    let store = database.store();
    let (exception_id, effect) = record_exception(&store, &key(1), "d-1").await;
    let effect = effect.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.supersede_effects(exception_id, "a later decision", at(66))
        .await
        .unwrap();
    let again = store::NewEffect {
        created_at: at(67),
        ..alert(&key(1), exception_id)
    };
    let revived = tx
        .insert_effects(std::slice::from_ref(&again))
        .await
        .unwrap()
        .pop()
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((revived.id, revived.state), (effect.id, EffectState::Pending));
    assert_eq!(revived.updated_at, at(67), "another message of the queue");
    assert!(matches!(
        store.lease_effect(effect.id, 0, at(67), seconds(30)).await.unwrap(),
        Lease::Granted(_)
    ));
}
