//! What the update of an exception's alert reads.

use doubles::postgres::fresh_database;
use model::{Effect, EffectKind, EffectState, ExceptionKind, Proof, VerdictOutcome};
use store::{NewEffect, Store};
use uuid::Uuid;

use super::sample::{alert, approved_verdict, at, decision, exception_verdict, key, record_exception};

/// An effect that reports this decision's change.
async fn update(store: &Store, exception_id: Uuid, decision: Uuid, created_at: i64) -> Effect {
    let update = NewEffect {
        kind: EffectKind::SlackExceptionUpdate,
        decision_id: Some(decision),
        created_at: at(created_at),
        ..alert(&key(1), exception_id)
    };
    let mut tx = store.begin().await.unwrap();
    let effect = tx
        .insert_effects(std::slice::from_ref(&update))
        .await
        .unwrap()
        .pop()
        .unwrap();
    tx.commit().await.unwrap();
    effect
}

#[tokio::test]
async fn an_update_knows_both_decisions_and_later_changes() {
    let database = fresh_database().await;
    let store = database.store();
    let (exception_id, _) = record_exception(&store, &key(1), "d-1").await;
    let mut tx = store.begin().await.unwrap();
    let head = tx.merge_request_state(&key(1)).await.unwrap().head.map(|head| head.id);
    let first = decision(&key(1), exception_verdict(ExceptionKind::NoApproval), head);
    let first = tx.append_decision(&first).await.unwrap();
    let second = decision(&key(1), approved_verdict(), Some(first));
    let second = tx.append_decision(&second).await.unwrap();
    tx.commit().await.unwrap();

    let earlier = update(&store, exception_id, first, 70).await;
    let later = update(&store, exception_id, second, 71).await;
    let read = store.exception_update(&later).await.unwrap().unwrap();
    assert_eq!((read.exception.id, read.decision.id), (exception_id, second));
    assert_eq!(
        read.decision.verdict.outcome,
        VerdictOutcome::Approved { proof: Proof::Both }
    );
    let before = read.before.unwrap();
    assert_eq!(
        (before.id, before.verdict.exception()),
        (first, Some(ExceptionKind::NoApproval))
    );
    assert!(!read.is_changed_again);
    let read = store.exception_update(&earlier).await.unwrap().unwrap();
    assert!(read.is_changed_again, "the later one");
}

#[tokio::test]
async fn the_alert_in_the_updates_channel_goes_first() {
    let database = fresh_database().await;
    let store = database.store();
    let (exception_id, first) = record_exception(&store, &key(1), "d-1").await;
    let mut tx = store.begin().await.unwrap();
    let elsewhere = NewEffect {
        destination: "slack:C0EARLIER".to_owned(),
        created_at: at(90),
        ..alert(&key(1), exception_id)
    };
    tx.insert_effects(std::slice::from_ref(&elsewhere))
        .await
        .unwrap()
        .pop()
        .unwrap();
    let head = tx.merge_request_state(&key(1)).await.unwrap().head.unwrap();
    tx.commit().await.unwrap();

    let effect = update(&store, exception_id, head.id, 91).await;
    let read = store.exception_update(&effect).await.unwrap().unwrap();
    let found = read.alert.unwrap();
    assert_eq!((found.key, found.state), (first.unwrap().key, EffectState::Pending));
    let moved = Effect {
        destination: "slack:C0NEW".to_owned(),
        ..effect.clone()
    };
    let read = store.exception_update(&moved).await.unwrap().unwrap();
    assert_eq!(read.alert.unwrap().destination, "slack:C0EARLIER", "else the newest");
    let lost = Effect {
        decision_id: None,
        ..effect
    };
    assert_eq!(store.exception_update(&lost).await.unwrap(), None);
}
