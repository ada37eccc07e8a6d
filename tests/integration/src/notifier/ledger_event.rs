//! Ledger rows on an EventBridge bus.

use doubles::Stub;
use model::Effect;
use serde_json::json;

use crate::evaluation::world::{ALICE, AUTHOR, HIGH, PROJECT, World, at, envelope};
use crate::outbox::{Stand, message};
use doubles::payload::MergeRequest;

const BUS: &[(&str, &str)] = &[("EVENT_BUS_NAME", "ledger")];

/// The only effect of a properly approved merge: the row's event.
async fn effect(stand: &Stand) -> (MergeRequest, Effect) {
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    stand.world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let evaluator = stand.world.with_event_bus("ledger");
    let delivery = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), "one");
    let mut report = app::process_delivery(&evaluator, &delivery).await.unwrap();
    assert_eq!(report.effects.len(), 1);
    (mr, report.effects.remove(0))
}

#[tokio::test]
async fn written_row_is_sent_as_one_event() {
    let stand = Stand::new().await;
    let (_, effect) = effect(&stand).await;
    assert_eq!(
        (effect.destination.as_str(), effect.ledger_revision),
        ("eventbridge:ledger", Some(1))
    );
    let notifier = stand.start("notifier", BUS).await;
    for _ in 0..3 {
        stand.done(&notifier, message(&effect, 0)).await;
    }
    let [event] = &stand.aws.events()[..] else {
        panic!("one event expected: {:?}", stand.aws.events())
    };
    assert_eq!(
        (event.bus.as_str(), event.detail_type.as_str()),
        ("ledger", "SecurityReviewLedgerRow")
    );
    assert_eq!(event.source, "countersign");
    assert_eq!(
        (
            &event.detail["decision"],
            &event.detail["mr_iid"],
            &event.detail["revision"]
        ),
        (&json!("merged"), &json!(1), &json!(1))
    );
    let row = stand.row(effect.id).await;
    assert_eq!((row.state.as_str(), row.external_id), ("done", Some(event.id.clone())));
}

#[tokio::test]
async fn outage_delays_an_event_dry_run_suppresses_it() {
    let stand = Stand::new().await;
    let (_, effect) = effect(&stand).await;
    let dry = stand
        .start("notifier", &[("EVENT_BUS_NAME", "ledger"), ("DRY_RUN", "true")])
        .await;
    stand.done(&dry, message(&effect, 0)).await;
    assert_eq!(stand.row(effect.id).await.state, "suppressed");
    assert!(stand.aws.events().is_empty());

    let stand = Stand::new().await;
    let (_, effect) = self::effect(&stand).await;
    let notifier = stand.start("notifier", BUS).await;
    // Its secrets are read; from now on it calls only the bus at AWS.
    stand.aws.stub(Stub::answering("POST", "/", 503, "").times(3)).unwrap();
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "pending");
    stand.make_due(effect.id).await;
    assert_eq!(stand.attempt(&notifier, &effect).await.state, "done");
    assert_eq!(stand.aws.events().len(), 1);
}

#[tokio::test]
async fn later_revision_supersedes_an_unsent_one() {
    let stand = Stand::new().await;
    let (mr, first) = effect(&stand).await;
    let evaluator = stand.world.with_event_bus("ledger");
    let report = stand.world.taken_back(&evaluator, &mr).await;
    let second = report
        .effects
        .iter()
        .find(|effect| effect.ledger_revision == Some(2))
        .unwrap();
    let notifier = stand.start("notifier", BUS).await;
    stand.done(&notifier, message(&first, 0)).await;
    assert_eq!(stand.row(first.id).await.state, "superseded");
    stand.done(&notifier, message(second, 0)).await;
    let events = stand.aws.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].detail["decision"], "merged_without_approval");
}

#[tokio::test]
async fn without_a_bus_no_event_is_made() {
    let world = World::new().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let report = world.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await;
    assert!(report.effects.is_empty());
}
