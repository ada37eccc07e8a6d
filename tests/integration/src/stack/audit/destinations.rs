//! The destinations have every entry once, also after an outage of one; and forwarding comes to rest.

use crate::local_stack::{asked_for, eventually, now};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::env::HIGH;
use crate::stack::review::{SLACK, StackReview};
use crate::stack::stack_audit::{Lines, PATIENCE, SIEM, StackAudit, by_id, difference};

/// A delivery and the last position of its entries.
async fn delivered(audit: &StackAudit) -> (String, i64) {
    let _slack = SLACK.read().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let id = review.deliver_merge().await;
    audit.trace(&id, &["slack.api.post_message"]).await;
    let position = audit.position(&id).await;
    (id, position)
}

/// The entries that are in `recorded`; each must exist once.
fn only_recorded(recorded: &Lines, entries: Vec<Value>) -> Lines {
    let known = |entry: &Value| entry["id"].as_str().is_some_and(|id| recorded.contains_key(id));
    let entries: Vec<_> = entries.into_iter().filter(known).collect();
    let (count, lines) = (entries.len(), by_id(entries));
    assert_eq!(count, lines.len(), "an entry arrived twice");
    lines
}

#[tokio::test]
async fn recorded_entries_reach_every_destination_as_printed() {
    let _siem = SIEM.read().await;
    let audit = StackAudit::open().await;
    let before = audit.last_position().await;
    let (first, _) = delivered(&audit).await;
    let (_, last) = delivered(&audit).await;
    audit.forwarded(last).await;

    let recorded = audit.recorded(before, last).await;
    assert!(recorded.len() > 14, "only {}", recorded.len());
    let written = audit.in_file();
    for (name, entries) in [("file", written.clone()), ("SIEM", audit.at_siem().await)] {
        let mut arrived = only_recorded(&recorded, entries);
        assert_eq!(difference(&recorded, &arrived), (vec![], vec![]), "{name}");
        // A lost entry and a modified one would be detected.
        let (missing, _) = arrived.pop_first().unwrap();
        arrived.first_entry().unwrap().get_mut()["outcome"] = json!("unknown");
        let changed = arrived.keys().next().unwrap().clone();
        assert_eq!(
            difference(&recorded, &arrived),
            (vec![missing, changed.clone()], vec![changed]),
            "{name}"
        );
    }

    // In the order of each stream.
    let of_first = |entry: &&Value| entry["correlation_id"] == *first;
    for service in ["webhook", "processor", "notifier"] {
        let entries = written
            .iter()
            .filter(of_first)
            .filter(|entry| entry["service"] == service);
        let numbers: Vec<_> = entries.map(|entry| entry["stream"]["seq"].as_u64()).collect();
        assert!(!numbers.is_empty() && numbers.is_sorted(), "{service}: {numbers:?}");
    }
    // And nothing that is not recorded.
    let ids: Vec<Uuid> = by_id(written).keys().map(|id| id.parse().unwrap()).collect();
    let sql = "SELECT count(*) FROM audit_events WHERE id = ANY ($1)";
    let known: i64 = audit
        .auditor
        .query_typed(sql, &[(&ids, tokio_postgres::types::Type::UUID_ARRAY)])
        .await
        .unwrap()[0]
        .get(0);
    assert_eq!(usize::try_from(known).unwrap(), ids.len());
}

#[tokio::test]
async fn siem_outage_delays_only_the_siem() {
    let _alone = SIEM.write().await;
    let audit = StackAudit::open().await;
    let siem = audit.stack.siem_url.clone();
    let down = json!({"method": "POST", "path": "/audit", "status": 503, "body": "down"});
    audit.stack.control(&siem, "PUT", "/_double/stub", &down).await;
    let before = audit.last_position().await;
    let (_, last) = delivered(&audit).await;
    let delivered_to = |name: &str| format!("SELECT delivered FROM audit_destinations WHERE name = '{name}'");
    eventually(PATIENCE, "the file to have it", async || {
        audit.run(&["forward"]).await;
        (audit.number(&delivered_to("file")).await >= last).then_some(())
    })
    .await;
    assert!(audit.number(&delivered_to("http")).await < last);
    eventually(PATIENCE, "the failure to be known", async || {
        let failing = "SELECT count(*) FROM audit_destinations WHERE name = 'http' AND failing_since IS NOT NULL";
        (audit.number(failing).await == 1).then_some(())
    })
    .await;
    audit
        .stack
        .control(&siem, "DELETE", "/_double/stub", &Value::Null)
        .await;

    audit.forwarded(last).await;
    let recorded = audit.recorded(before, last).await;
    let taken = only_recorded(&recorded, audit.at_siem().await);
    assert_eq!(difference(&recorded, &taken), (vec![], vec![]));
    assert_eq!(
        audit
            .number("SELECT count(*) FROM audit_destinations WHERE failing_since IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn recorder_lines_never_return_through_a_log_group() {
    let _siem = SIEM.read().await;
    let audit = StackAudit::open().await;
    let (_, last) = delivered(&audit).await;
    audit.forwarded(last).await;
    let its_own = "SELECT count(*) FROM audit_events WHERE service = 'recorder'";
    assert!(audit.number(its_own).await > 0);
    let groups = &audit.stack.log_groups;
    for group in [
        &groups.webhook,
        &groups.processor,
        &groups.notifier,
        &groups.maintenance,
    ] {
        assert_eq!(
            audit.number(&format!("{its_own} AND source LIKE '{group}%'")).await,
            0,
            "{group}"
        );
    }
}

#[tokio::test]
async fn recorder_never_runs_for_its_own_lines() {
    let _siem = SIEM.read().await;
    let audit = StackAudit::open().await;
    let groups = &audit.stack.log_groups;
    let (began, asked) = (now(), asked_for());
    for _ in 0..3 {
        let (_, last) = delivered(&audit).await;
        audit.forwarded(last).await;
    }
    let ran = audit.stack.invocations(&groups.recorder, began).await;
    assert!(ran > 3, "{ran}");
    // Includes concurrent tests. A line printed just before is forwarded just after.
    let mut reasons = usize::try_from(asked_for() - asked).unwrap();
    for group in [
        &groups.webhook,
        &groups.processor,
        &groups.notifier,
        &groups.maintenance,
    ] {
        reasons += audit
            .stack
            .invocations(group, began - SignedDuration::from_secs(5))
            .await;
    }
    let minutes = usize::try_from((now() - began).get_seconds() / 60).unwrap() + 1;
    assert!(
        ran <= reasons + minutes,
        "{ran} runs for {reasons} reasons in {minutes} minutes"
    );
}
