//! Ids and streams of producers: they name nothing of this system or of another producer.

use serde_json::{Value, json};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Work, sent, stored, verified};
use crate::local_stack::eventually;
use crate::stack::stack_audit::{PATIENCE, StackAudit};

#[tokio::test]
async fn ids_of_others_hide_and_replace_nothing() {
    let audit = StackAudit::open().await;
    let delivered = sent(&audit, &[Work::new(Uuid::now_v7()).entry("first", |_| ())]).await;
    let original = verified(&audit, &delivered).await;
    // 1. The id of an entry that the webhook function wrote.
    let work = Work::new(Uuid::now_v7());
    let stolen = |value: &mut Value| {
        value["id"] = original["id"].clone();
        value["timestamp"] = original["timestamp"].clone();
    };
    assert_eq!(sent(&audit, &[work.entry("stolen", stolen)]).await.status, 202);
    let own = stored(&audit, &work, 1).await.remove(0);
    assert_eq!(own["details"]["producer_entry_id"], original["id"]);
    assert_ne!(own["id"], original["id"]);
    let id = original["id"].as_str().unwrap();
    assert_eq!(
        audit.entries("id::text = $1", id).await,
        std::slice::from_ref(&original),
        "unchanged"
    );
    // 2. Both are found by that id.
    let found = audit
        .entries("id::text = $1 OR details ->> 'producer_entry_id' = $1", id)
        .await;
    assert_eq!(found.len(), 2);
    // 3. The same id of the same producer, with another action.
    let other = work.entry("stolen", |value| {
        stolen(value);
        value["action"] = "gitlab.api.push_branch".into();
    });
    assert_eq!(sent(&audit, &[other]).await.status, 202);
    let quarantined = "SELECT line FROM quarantined_audit_lines WHERE source = 'producer/agent' AND starts_with(reason, 'id_conflict')
        AND line LIKE '%' || $1 || '%'";
    eventually(PATIENCE, "the quarantined line", async || {
        let rows = audit
            .auditor
            .query_typed(quarantined, &[(&work.correlation_id.to_string(), Type::TEXT)])
            .await
            .unwrap();
        (rows.len() == 1).then_some(())
    })
    .await;
    assert_eq!(stored(&audit, &work, 1).await, [own]);
}

#[tokio::test]
async fn producers_stream_fills_no_gap_of_ours() {
    let audit = StackAudit::open().await;
    let delivered = sent(&audit, &[Work::new(Uuid::now_v7()).entry("first", |_| ())]).await;
    let original = verified(&audit, &delivered).await;
    let work = Work::new(Uuid::now_v7());
    let stream = json!({"id": original["stream"]["id"], "seq": 1});
    let entry = work.entry("1", |value| value["stream"] = stream.clone());
    assert_eq!(sent(&audit, &[entry]).await.status, 202);
    let line = stored(&audit, &work, 1).await.remove(0);
    assert_eq!(line["stream"], stream, "the line is as sent");
    let row = audit
        .auditor
        .query_typed_one(
            "SELECT stream_id::text, stream_seq FROM audit_events WHERE correlation_id::text = $1",
            &[(&work.correlation_id.to_string(), Type::TEXT)],
        )
        .await
        .unwrap();
    assert_ne!(row.get::<_, String>(0), stream["id"].as_str().unwrap());
    assert_eq!(row.get::<_, i64>(1), 1);
}
