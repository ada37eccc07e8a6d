//! The relay killed at work, and two concurrent relays.

use std::collections::BTreeSet;

use doubles::{Fault, Stub};
use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, SystemClock};
use serde_json::Value;
use store::NewEffect;
use uuid::Uuid;

use crate::env::TestEnv;
use crate::function::Function;
use crate::outbox::{is_send_message, relay};

/// A maintenance function that has read its secrets: from then on only SQS is called at the AWS address.
async fn warm(env: &TestEnv) -> Function {
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);
    maintenance
}

#[tokio::test]
async fn effect_claimed_by_a_killed_relay_becomes_due() {
    let env = TestEnv::with_functions().await;
    let mut killed = warm(&env).await;
    let effect = env.effect(1).await;
    env.queue_fails(Fault::Hang);
    env.kill_when(&mut killed, relay(), env.queue_asked()).await;
    env.aws().clear_stubs();
    assert_eq!(env.aws().messages(), []);
    let row = env.effect_row(effect.id).await;
    assert_eq!((row.state.as_str(), row.attempts), ("pending", 0));
    assert!(row.next_attempt_at > SystemClock.now(), "claimed");

    let fresh = warm(&env).await;
    assert_eq!(env.aws().messages(), [], "the claim still holds");
    env.make_due(effect.id).await;
    assert_eq!(fresh.invoke(relay()).await["effects_enqueued"], 1);
    assert_eq!(env.aws().messages().len(), 1);
    assert_eq!(fresh.invoke(relay()).await["effects_enqueued"], 0, "claimed again");
}

#[tokio::test]
async fn queue_outage_costs_one_claim_and_no_effect() {
    let env = TestEnv::with_functions().await;
    let maintenance = warm(&env).await;
    let effect = env.effect(1).await;
    env.queue_fails(Fault::Reset);
    let report = maintenance.invoke(relay()).await;
    assert_eq!(
        (&report["effects_enqueued"], &report["effects_failed"]),
        (&0.into(), &1.into())
    );
    env.aws().clear_stubs();
    env.make_due(effect.id).await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    let named = env.aws().messages()[0].deduplication_id.clone();
    let changed = effect.updated_at.as_microsecond();
    assert_eq!(named, Some(format!("{}-0-{changed}", effect.id)));
}

#[tokio::test]
async fn an_effect_pending_again_is_queued_again() {
    let env = TestEnv::with_functions().await;
    let maintenance = warm(&env).await;
    let effect = env.effect(1).await;
    for _ in 0..2 {
        assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
        env.make_due(effect.id).await;
    }
    assert_eq!(env.aws().messages().len(), 1, "SQS knows the deduplication id");

    let exception_id = effect.exception_id.unwrap();
    let again = NewEffect {
        kind: effect.kind,
        destination: effect.destination.clone(),
        exception_id: Some(exception_id),
        ledger_revision: effect.ledger_revision,
        decision_id: effect.decision_id,
        merge_request: effect.merge_request.clone(),
        correlation_id: effect.correlation_id,
        traceparent: None,
        created_at: SystemClock.now(),
        grace: SignedDuration::ZERO,
    };
    let mut tx = env.app().store().begin().await.unwrap();
    let superseded = tx
        .supersede_effects(exception_id, "a later decision", SystemClock.now())
        .await;
    assert_eq!(superseded.unwrap(), 1);
    assert_eq!(
        tx.insert_effects(std::slice::from_ref(&again))
            .await
            .unwrap()
            .pop()
            .unwrap()
            .id,
        effect.id
    );
    tx.commit().await.unwrap();
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    assert_eq!(env.aws().messages().len(), 2);
}

#[tokio::test]
async fn concurrent_relays_enqueue_each_due_effect_once() {
    let env = TestEnv::with_functions().await;
    let (one, other) = (warm(&env).await, warm(&env).await);
    // More than twice the size of a claim.
    let sql = "INSERT INTO effects (id, key, kind, destination, instance, project_id, mr_iid, state, attempts,
            next_attempt_at, correlation_id, created_at, updated_at)
        SELECT gen_random_uuid(), n::text, 'slack_exception_alert', 'slack:C0SECLEAD', 'main', 77, n, 'pending', n % 3,
            now() - interval '1 minute', gen_random_uuid(), now(), now()
        FROM generate_series(1, 250) AS n RETURNING id, attempts, updated_at";
    let due = env.owner().await.query_typed(sql, &[]).await.unwrap();
    let due: BTreeSet<String> = due
        .iter()
        .map(|row| {
            let changed = row.get::<_, Timestamp>(2).as_microsecond();
            format!("{}-{}-{changed}", row.get::<_, Uuid>(0), row.get::<_, i32>(1))
        })
        .collect();
    // A slow queue: neither relay ends before the other has begun.
    let slow = Stub {
        delay_ms: 5,
        ..Stub::on("POST", "/")
    };
    env.aws().stub(slow).unwrap();

    let reports: [Value; 2] = tokio::join!(one.invoke(relay()), other.invoke(relay())).into();
    let enqueued = reports.map(|report| report["effects_enqueued"].as_u64().unwrap());
    assert_eq!(enqueued.iter().sum::<u64>(), 250);
    assert!(
        enqueued.iter().all(|&some| some > 0),
        "both relays took part: {enqueued:?}"
    );
    let asked = env.aws().requests();
    assert_eq!(asked.iter().filter(|request| is_send_message(request)).count(), 250);
    let messages = env.aws().messages();
    let ids: BTreeSet<String> = messages
        .iter()
        .filter_map(|message| message.deduplication_id.clone())
        .collect();
    assert_eq!(ids, due);

    let claimed = "SELECT count(*) FROM effects WHERE state = 'pending' AND next_attempt_at > now()";
    let claimed = env.auditor().query_typed(claimed, &[]).await.unwrap();
    assert_eq!(claimed[0].get::<_, i64>(0), 250, "claimed, but not begun");
}
