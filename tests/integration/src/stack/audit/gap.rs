//! Lines that do not arrive: a deliberate gap is reported and closed; an unavailable database loses none.

use std::sync::Arc;

use crate::local_stack::eventually;
use audit::{Action, ActorType, Context, Entry, Outcome, Target, Writer};
use model::SystemClock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stack::stack_audit::{PATIENCE, StackAudit};

/// This many lines of an otherwise unknown execution environment, and their correlation id.
fn printed(count: usize) -> (Vec<String>, String) {
    let (writer, memory) = Writer::memory("processor", Arc::new(SystemClock));
    let id = Uuid::now_v7();
    let context = Context::new(ActorType::WebhookEvent, id);
    for _ in 0..count {
        let target = Target::other("test", "made on purpose");
        writer.write(&Entry::new(
            Action::WebhookDeliveryDuplicate,
            &context,
            target,
            Outcome::Success,
        ));
    }
    (memory.lines(), id.to_string())
}

/// The numbers of the recorded lines under a correlation id, in the order for destinations.
async fn order(audit: &StackAudit, id: &str) -> Vec<i64> {
    let sql = format!(
        "SELECT stream_seq FROM audit_positions p JOIN audit_events e ON e.id = p.event_id \
         WHERE correlation_id = '{id}' AND action = 'webhook.delivery.duplicate' ORDER BY position"
    );
    let rows = audit.auditor.query_typed(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The entry about a gap in a stream, once it exists.
async fn gap_entry(audit: &StackAudit, action: &str, stream: &str) -> Value {
    let condition = format!("action = '{action}' AND target ->> 'id' = $1");
    let mut entries = eventually(PATIENCE, action, async || {
        audit.run(&["sequence"]).await;
        let entries = audit.entries(&condition, stream).await;
        (!entries.is_empty()).then_some(entries)
    })
    .await;
    assert_eq!(entries.len(), 1, "{entries:#?}");
    entries.remove(0)
}

#[tokio::test]
async fn late_line_closes_its_reported_gap() {
    let audit = StackAudit::open().await;
    let (mut lines, id) = printed(5);
    let late: Vec<_> = lines.drain(2..4).collect();
    let stream = serde_json::from_str::<Value>(&lines[0]).unwrap()["stream"]["id"].clone();
    let stream = stream.as_str().unwrap();
    let group = audit.stack.log_groups.processor.clone();
    audit.stack.print(&group, &lines).await;

    let detected = gap_entry(&audit, "audit.gap_detected", stream).await;
    assert_eq!(
        (&detected["outcome"], &detected["error"]),
        (&json!("failure"), &json!("not_found"))
    );
    let details = &detected["details"];
    assert_eq!(
        [
            &details["first_seq"],
            &details["last_seq"],
            &details["missing"],
            &details["reason"]
        ],
        [&json!(3), &json!(4), &json!(2), &json!("missing")]
    );
    assert_eq!(detected["service"], "recorder");
    // The remaining lines continue.
    assert_eq!(order(&audit, &id).await, [1, 2, 5]);
    let open = format!("SELECT missing FROM audit_gaps WHERE stream_id = '{stream}' AND closed_at IS NULL");
    assert_eq!(audit.number(&open).await, 2);

    audit.stack.print(&group, &late).await;
    let closed = gap_entry(&audit, "audit.gap_closed", stream).await;
    assert_eq!(closed["outcome"], "success");
    assert_eq!(order(&audit, &id).await, [1, 2, 5, 3, 4]);
    let gaps = format!(
        "SELECT count(*) FROM audit_gaps WHERE stream_id = '{stream}' AND closed_at IS NOT NULL AND missing = 0"
    );
    assert_eq!(audit.number(&gaps).await, 1);
}

#[tokio::test]
async fn shuffled_and_repeated_lines_are_recorded_in_order() {
    let audit = StackAudit::open().await;
    let (mut lines, id) = printed(6);
    let group = audit.stack.log_groups.processor.clone();
    lines.rotate_left(3);
    for batch in [&lines[..3], &lines[3..], &lines[..]] {
        audit.stack.print(&group, batch).await;
    }
    eventually(PATIENCE, "six lines", async || {
        (order(&audit, &id).await.len() == 6).then_some(())
    })
    .await;
    assert_eq!(order(&audit, &id).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn database_outage_puts_lines_on_the_retry_queue() {
    let audit = StackAudit::alone().await;
    let mut owner = doubles::postgres::connect(&audit.stack.database_owner_url).await;
    let (lines, id) = printed(3);
    // The recorder cannot use the table; no other function needs it.
    let away = owner.transaction().await.unwrap();
    away.batch_execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    audit.stack.print(&audit.stack.log_groups.processor, &lines).await;
    eventually(PATIENCE, "lines on the retry queue", async || {
        (audit.stack.queued(&audit.stack.queues.audit_retry).await > 0).then_some(())
    })
    .await;
    away.rollback().await.unwrap();
    eventually(PATIENCE, "the lines", async || {
        (order(&audit, &id).await.len() == 3).then_some(())
    })
    .await;
    assert_eq!(order(&audit, &id).await, [1, 2, 3]);
}
