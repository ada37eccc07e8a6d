//! The same row in every order of arrival, and from concurrent writers.

use doubles::payload::MergeRequest;
use model::LedgerDecision;
use serde_json::{Value, json};

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};
use crate::evaluation::arrival::orders;

/// Runs every nth of the 5,040 orders, so that the test ends in seconds; `LEDGER_ORDERS=all` runs all of them.
const EVERY: usize = 24;

fn labelled_at_last(mr: &MergeRequest) -> Value {
    let mut payload = mr.event("update", AUTHOR, at("11:45:00"));
    let labels = payload["labels"].clone();
    payload["changes"] = json!({"labels": {"previous": [], "current": labels}});
    payload
}

/// A realistic life: approved, reset by a push, closed and reopened, approved again, labelled at last, merged.
fn life(mr: &MergeRequest) -> [Value; 7] {
    let bare = MergeRequest {
        labels: Vec::new(),
        ..mr.clone()
    };
    [
        bare.event("approved", ALICE, at("09:00:00")),
        bare.reset_by_push(AUTHOR, at("09:30:00")),
        bare.event("close", AUTHOR, at("10:00:00")),
        bare.event("reopen", AUTHOR, at("10:10:00")),
        bare.event("approved", ALICE, at("11:00:00")),
        labelled_at_last(mr),
        mr.event("merge", AUTHOR, at("12:00:00")),
    ]
}

fn shown_merged(env: &TestEnv, mr: &MergeRequest) {
    env.open(mr, |shown| {
        shown.label_events.clear();
        shown
            .label_event("add", "security::high", AUTHOR, "2026-03-02T11:45:00.100Z")
            .approved(ALICE, "2026-03-02T11:00:00.500Z")
            .merged(AUTHOR, "2026-03-02T12:00:00.000Z")
            .set("merge_commit_sha", "b186370e62e2ae348df64fb187c13aff4008457b");
    });
}

#[expect(clippy::disallowed_methods, reason = "the test run's own setting")]
fn chosen_orders() -> Vec<Vec<usize>> {
    let all = std::env::var("LEDGER_ORDERS").is_ok_and(|chosen| chosen == "all");
    orders(7).into_iter().step_by(if all { 1 } else { EVERY }).collect()
}

#[tokio::test]
async fn seven_events_give_same_row_in_every_order() {
    let env = TestEnv::with_evaluator().await;
    let mut rows: Vec<Value> = Vec::new();
    for (index, order) in chosen_orders().into_iter().enumerate() {
        let mr = MergeRequest::new(PROJECT, index as u64 + 1, HIGH);
        shown_merged(&env, &mr);
        let events = life(&mr);
        for event in &order {
            let delivery = envelope(&events[*event], &format!("{index}/{event}"));
            app::process_delivery(env.app(), &delivery).await.unwrap();
        }
        let again = envelope(&events[order[index % 7]], &format!("{index}/{}", order[index % 7]));
        assert_eq!(
            app::process_delivery(env.app(), &again).await.unwrap().outcome.as_str(),
            "duplicate"
        );
        rows.push(env.row_content(&mr).await);
    }
    assert!(rows.len() >= 5_040 / EVERY);
    rows.sort_by_key(Value::to_string);
    rows.dedup();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    let row = &rows[0];
    assert_eq!(
        (&row["decision"], &row["deciding_reviewer_username"]),
        (&json!("merged"), &json!("sec-alice"))
    );
    assert_eq!(row["decided_at"], "2026-03-02T12:00:00+00:00");
    assert_eq!(row["labelled_at"], "2026-03-02T11:45:00.1+00:00");
    assert_eq!(row["time_to_decision"], "00:14:59.9");
    assert_eq!(
        (&row["time_to_approval"], &row["time_unknown_reason"]),
        (&Value::Null, &json!("approved_before_label"))
    );
}

#[tokio::test]
async fn eight_concurrent_writers_produce_the_row_of_one() {
    let env = TestEnv::with_evaluator().await;
    let (one, many) = (MergeRequest::new(PROJECT, 1, HIGH), MergeRequest::new(PROJECT, 2, HIGH));
    let events_of = |mr: &MergeRequest| {
        [
            mr.event("open", AUTHOR, at("07:00:00")),
            mr.event("approved", ALICE, at("09:00:00")),
            mr.event("unapproved", ALICE, at("09:30:00")),
            mr.event("approved", ALICE, at("10:00:00")),
        ]
    };
    for mr in [&one, &many] {
        env.open(mr, |shown| {
            shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        });
    }
    for event in events_of(&one) {
        env.deliver(&event).await;
    }
    let writers = (0..8_usize).map(|writer| {
        let (evaluator, events) = (env.another_app(), events_of(&many));
        async move {
            for step in 0..4 {
                let event = &events[(writer + step) % 4];
                // Two hooks report each event, so that half of the writers send the same delivery.
                let delivery = envelope(event, &format!("hook {} event {}", writer % 2, (writer + step) % 4));
                app::process_delivery(&evaluator, &delivery).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(env.row_content(&many).await, env.row_content(&one).await);
    let row = env.ledger_row(&many).await.unwrap().row;
    assert_eq!(row.review.decision, Some(LedgerDecision::Approved));
    // The chain has one root and one end, and the row matches its end.
    let decisions = env.decisions(&many).await;
    assert_eq!(
        env.count("security_review_decisions WHERE true", &many).await,
        i64::try_from(decisions.len()).unwrap()
    );
    assert_eq!(decisions.last().unwrap().1.as_deref(), Some("approved"));
}
