//! Entries that the receiver rejects: isolated from the others, stored and reported, without affecting other entries.

use jiff::SignedDuration;
use recorder::TurnEnd;
use serde_json::{Value, json};

use super::completeness::compare;
use super::producer::Producer;
use crate::env::TestEnv;

#[tokio::test]
async fn refused_entry_is_isolated_in_the_third_run() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let refused = producer.print(300).entries().remove(210);
    let id = refused["id"].as_str().unwrap().to_owned();
    env.siem().world(|world| world.refused.insert(id.clone()));
    recorder.take(producer.log()).await;
    for _ in 0..2 {
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.refused, turn.end), (0, TurnEnd::Failed));
        env.clock.pass(SignedDuration::from_mins(6));
    }
    assert!(
        env.siem().requests().len() < 24,
        "halving: {}",
        env.siem().requests().len()
    );
    let turn = recorder.minute().await.destinations.remove("http").unwrap();
    assert_eq!((turn.refused, turn.end), (1, TurnEnd::Done));
    assert_eq!(recorder.measured("audit_deliveries_refused").iter().sum::<u64>(), 1);

    let kept = env.rows("SELECT to_jsonb(u) FROM audit_undelivered u").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&kept[0]["event_id"], &kept[0]["destination"]),
        (&json!(id), &json!("http"))
    );
    let rejections = env
        .rows("SELECT entry::jsonb FROM audit_events WHERE action = 'audit.delivery_refused'")
        .await;
    assert_eq!((rejections.len(), &rejections[0]["target"]["id"]), (1, &json!(id)));

    // All but the rejected one: the comparison fails without it, and passes with it inserted at its position.
    let mut arrived = env.taken();
    assert!(compare(&[&producer], &arrived).is_err());
    let next = &producer.entries()[211];
    let place = arrived.iter().position(|entry| entry == next).unwrap();
    arrived.insert(place, refused);
    assert_eq!(compare(&[&producer], &arrived), Ok(()));
}

/// At most one entry is given up in three runs.
#[tokio::test]
async fn refusing_receiver_causes_no_chain_of_reports() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(5).log()).await;
    env.siem().world(|world| world.refuses_everything = true);
    for _ in 0..12 {
        recorder.minute().await;
        env.clock.pass(SignedDuration::from_mins(6));
    }
    let aside = env.value::<i64>("SELECT count(*) FROM audit_undelivered").await;
    assert!((1..=5).contains(&aside), "{aside}");
    env.siem().world(|world| world.refuses_everything = false);
    recorder.minute().await;
    let refused = env.rows("SELECT to_jsonb(event_id) FROM audit_undelivered").await;
    let taken: Vec<Value> = env.taken().iter().map(|entry| entry["id"].clone()).collect();
    for entry in producer.entries() {
        let (taken, refused) = (taken.contains(&entry["id"]), refused.contains(&entry["id"]));
        assert!(taken != refused, "each is delivered or quarantined: {entry}");
    }
}

#[tokio::test]
async fn refusals_of_refusal_reports_are_not_reported() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(1).log()).await;
    env.siem().world(|world| world.refuses_everything = true);
    for _ in 0..40 {
        recorder.minute().await;
        env.clock.pass(SignedDuration::from_mins(61));
    }
    let reports = "SELECT count(*) FROM audit_events WHERE action = 'audit.delivery_refused'";
    let about_reports = "SELECT count(*) FROM audit_undelivered JOIN audit_events ON id = event_id
        WHERE action IN ('audit.delivery_refused', 'siem.api.post_events')";
    let aside = env.value::<i64>("SELECT count(*) FROM audit_undelivered").await;
    let (reports, about) = (env.value::<i64>(reports).await, env.value::<i64>(about_reports).await);
    assert!(about > 0, "the case has come up");
    assert_eq!(reports, aside - about);
}
