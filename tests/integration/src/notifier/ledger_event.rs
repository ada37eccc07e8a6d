//! Ledger rows on an EventBridge bus.

use doubles::Stub;
use model::Effect;
use serde_json::json;

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};
use crate::outbox::message;
use doubles::payload::MergeRequest;

const BUS: &[(&str, &str)] = &[("EVENT_BUS_NAME", "ledger")];

/// The only effect of a properly approved merge: the row's event.
async fn effect(env: &TestEnv) -> (MergeRequest, Effect) {
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let evaluator = env.app_with_event_bus("ledger");
    let delivery = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), "one");
    let mut report = app::process_delivery(&evaluator, &delivery).await.unwrap();
    assert_eq!(report.effects.len(), 1);
    (mr, report.effects.remove(0))
}

#[tokio::test]
async fn written_row_is_sent_as_one_event() {
    let env = TestEnv::with_functions().await;
    let (_, effect) = effect(&env).await;
    assert_eq!(
        (effect.destination.as_str(), effect.ledger_revision),
        ("eventbridge:ledger", Some(1))
    );
    let notifier = env.function_with("notifier", BUS).await;
    for _ in 0..3 {
        notifier.completes(message(&effect, 0)).await;
    }
    let [event] = &env.aws().events()[..] else {
        panic!("one event expected: {:?}", env.aws().events())
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
    let row = env.effect_row(effect.id).await;
    assert_eq!((row.state.as_str(), row.external_id), ("done", Some(event.id.clone())));
}

#[tokio::test]
async fn outage_delays_an_event_dry_run_suppresses_it() {
    let env = TestEnv::with_functions().await;
    let (_, effect) = effect(&env).await;
    let dry = env
        .function_with("notifier", &[("EVENT_BUS_NAME", "ledger"), ("DRY_RUN", "true")])
        .await;
    dry.completes(message(&effect, 0)).await;
    assert_eq!(env.effect_row(effect.id).await.state, "suppressed");
    assert!(env.aws().events().is_empty());

    let env = TestEnv::with_functions().await;
    let (_, effect) = self::effect(&env).await;
    let notifier = env.function_with("notifier", BUS).await;
    // Its secrets are read; from now on it calls only the bus at AWS.
    env.aws().stub(Stub::answering("POST", "/", 503, "").times(3)).unwrap();
    assert_eq!(env.attempt(&notifier, &effect).await.state, "pending");
    env.make_due(effect.id).await;
    assert_eq!(env.attempt(&notifier, &effect).await.state, "done");
    assert_eq!(env.aws().events().len(), 1);
}

#[tokio::test]
async fn later_revision_supersedes_an_unsent_one() {
    let env = TestEnv::with_functions().await;
    let (mr, first) = effect(&env).await;
    let evaluator = env.app_with_event_bus("ledger");
    let report = env.taken_back(&evaluator, &mr).await;
    let second = report
        .effects
        .iter()
        .find(|effect| effect.ledger_revision == Some(2))
        .unwrap();
    let notifier = env.function_with("notifier", BUS).await;
    notifier.completes(message(&first, 0)).await;
    assert_eq!(env.effect_row(first.id).await.state, "superseded");
    notifier.completes(message(second, 0)).await;
    let events = env.aws().events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].detail["decision"], "merged_without_approval");
}

#[tokio::test]
async fn without_a_bus_no_event_is_made() {
    let env = TestEnv::with_evaluator().await;
    let mr = MergeRequest::new(PROJECT, 1, HIGH);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let report = env.deliver_merge(&mr).await;
    assert!(report.effects.is_empty());
}
