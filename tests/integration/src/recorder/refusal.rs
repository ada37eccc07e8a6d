//! Entries that the receiver rejects: isolated from the others, stored and reported, without affecting other entries.

use jiff::SignedDuration;
use recorder::TurnEnd;
use serde_json::{Value, json};

use super::completeness::compare;
use super::desk::Desk;
use super::producer::Producer;

#[tokio::test]
async fn refused_entry_is_isolated_in_the_third_run() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    let refused = producer.print(300).entries().remove(210);
    let id = refused["id"].as_str().unwrap().to_owned();
    desk.siem.world(|world| world.refused.insert(id.clone()));
    recorder.take(producer.log()).await;
    for _ in 0..2 {
        let turn = recorder.minute().await.destinations.remove("http").unwrap();
        assert_eq!((turn.refused, turn.end), (0, TurnEnd::Failed));
        desk.clock.pass(SignedDuration::from_mins(6));
    }
    assert!(
        desk.siem.requests().len() < 24,
        "halving: {}",
        desk.siem.requests().len()
    );
    let turn = recorder.minute().await.destinations.remove("http").unwrap();
    assert_eq!((turn.refused, turn.end), (1, TurnEnd::Done));
    assert_eq!(recorder.measured("audit_deliveries_refused").iter().sum::<u64>(), 1);

    let kept = desk.rows("SELECT to_jsonb(u) FROM audit_undelivered u").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&kept[0]["event_id"], &kept[0]["destination"]),
        (&json!(id), &json!("http"))
    );
    let rejections = desk
        .rows("SELECT entry::jsonb FROM audit_events WHERE action = 'audit.delivery_refused'")
        .await;
    assert_eq!((rejections.len(), &rejections[0]["target"]["id"]), (1, &json!(id)));

    // All but the rejected one: the comparison fails without it, and passes with it inserted at its position.
    let mut arrived = desk.taken();
    assert!(compare(&[&producer], &arrived).is_err());
    let next = &producer.entries()[211];
    let place = arrived.iter().position(|entry| entry == next).unwrap();
    arrived.insert(place, refused);
    assert_eq!(compare(&[&producer], &arrived), Ok(()));
}

/// At most one entry is given up in three runs.
#[tokio::test]
async fn refusing_receiver_causes_no_chain_of_reports() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    recorder.take(producer.print(5).log()).await;
    desk.siem.world(|world| world.refuses_everything = true);
    for _ in 0..12 {
        recorder.minute().await;
        desk.clock.pass(SignedDuration::from_mins(6));
    }
    let aside = desk.number("SELECT count(*) FROM audit_undelivered").await;
    assert!((1..=5).contains(&aside), "{aside}");
    desk.siem.world(|world| world.refuses_everything = false);
    recorder.minute().await;
    let refused = desk.rows("SELECT to_jsonb(event_id) FROM audit_undelivered").await;
    let taken: Vec<Value> = desk.taken().iter().map(|entry| entry["id"].clone()).collect();
    for entry in producer.entries() {
        let (taken, refused) = (taken.contains(&entry["id"]), refused.contains(&entry["id"]));
        assert!(taken != refused, "each is delivered or quarantined: {entry}");
    }
}

#[tokio::test]
async fn refusals_of_refusal_reports_are_not_reported() {
    let desk = Desk::new().await;
    let recorder = desk.recorder();
    let producer = Producer::new(&desk.clock);
    recorder.take(producer.print(1).log()).await;
    desk.siem.world(|world| world.refuses_everything = true);
    for _ in 0..40 {
        recorder.minute().await;
        desk.clock.pass(SignedDuration::from_mins(61));
    }
    let reports = "SELECT count(*) FROM audit_events WHERE action = 'audit.delivery_refused'";
    let about_reports = "SELECT count(*) FROM audit_undelivered JOIN audit_events ON id = event_id
        WHERE action IN ('audit.delivery_refused', 'siem.api.post_events')";
    let aside = desk.number("SELECT count(*) FROM audit_undelivered").await;
    let (reports, about) = (desk.number(reports).await, desk.number(about_reports).await);
    assert!(about > 0, "the case has come up");
    assert_eq!(reports, aside - about);
}
