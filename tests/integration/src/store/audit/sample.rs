//! Sample lines, parsed as the recorder parses them.

use audit::line_schema::{ParsedEntry, ParsedIntent, ParsedLine, parse_line};
use jiff::{SignedDuration, Timestamp};
use model::AuditLine;
use serde_json::{Value, json};
use store::{AuditBatch, BatchReport, Released, Store};
use tokio_postgres::Client;
use uuid::Uuid;

pub(super) use crate::store::sample::{at, seconds};

pub(super) const SOURCE: &str = "/aws/lambda/webhook:2026/03/02/[1]abc";

/// How long a line waits for its predecessors.
pub(super) const GAP_AFTER: SignedDuration = SignedDuration::from_secs(900);

/// Enough for everything that waits in a test.
pub(super) const ALL: i64 = 100_000;

/// An execution environment.
pub(super) fn stream(number: u8) -> Uuid {
    audit::entry_id(at(0), &format!("stream {number}"))
}

pub(super) fn line(number: u8, seq: u64) -> AuditLine {
    AuditLine {
        stream_id: stream(number),
        seq,
    }
}

/// The entry that an environment prints with this number.
pub(super) fn stream_entry(number: u8, seq: u64) -> ParsedEntry {
    keyed_entry(&format!("{number}/{seq}"), Some(line(number, seq)))
}

pub(super) fn entries(number: u8, seqs: impl IntoIterator<Item = u64>) -> Vec<ParsedEntry> {
    seqs.into_iter().map(|seq| stream_entry(number, seq)).collect()
}

/// The entry identified by `key`, printed on this line.
pub(super) fn keyed_entry(key: &str, line: Option<AuditLine>) -> ParsedEntry {
    at_time(at(0), key, line)
}

pub(super) fn at_time(timestamp: Timestamp, key: &str, line: Option<AuditLine>) -> ParsedEntry {
    changed(timestamp, key, line, |_| ())
}

/// An entry with a change in its line.
pub(super) fn changed(
    timestamp: Timestamp,
    key: &str,
    line: Option<AuditLine>,
    change: impl FnOnce(&mut Value),
) -> ParsedEntry {
    let mut value = json!({
        "timestamp": format!("{timestamp:.3}"), "event_type": "audit", "action": "gitlab.api.get_mr_details",
        "actor": {"type": "webhook_event", "id": "0195a000-0000-7000-8000-0000000000c1"},
        "target": {"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811},
        "outcome": "success", "error": null, "correlation_id": "0195a000-0000-7000-8000-0000000000c1", "service": "processor",
        "id": audit::entry_id(timestamp, key), "duration_ms": 12.5, "details": {"status": 200}, "trace_id": null,
    });
    if let Some(line) = line {
        value["stream"] = json!({"id": line.stream_id, "seq": line.seq});
    }
    change(&mut value);
    match parse_line(&value.to_string()) {
        Ok(ParsedLine::Entry(entry)) => *entry,
        other => panic!("{other:?}"),
    }
}

/// The announcement of the call whose entry is identified by `key`.
pub(super) fn intent(key: &str) -> ParsedIntent {
    let value = json!({
        "timestamp": format!("{:.3}", at(0)), "event_type": "audit_intent", "call": "slack.api.post_message",
        "actor": {"type": "webhook_event", "id": "0195a000-0000-7000-8000-0000000000c1"},
        "target": {"resource_type": "slack_channel", "id": "C0SECLEAD"},
        "correlation_id": "0195a000-0000-7000-8000-0000000000c1", "service": "notifier",
        "id": audit::entry_id(at(0), key), "stream_id": stream(1), "trace_id": null,
    });
    match parse_line(&value.to_string()) {
        Ok(ParsedLine::Intent(intent)) => *intent,
        other => panic!("{other:?}"),
    }
}

pub(super) fn batch(entries: Vec<ParsedEntry>) -> AuditBatch {
    AuditBatch {
        source: SOURCE.to_owned(),
        entries,
        ..AuditBatch::default()
    }
}

pub(super) async fn record(store: &Store, entries: Vec<ParsedEntry>, now: Timestamp) -> BatchReport {
    store.record_audit_batch(&batch(entries), now).await.unwrap()
}

pub(super) async fn release(store: &Store, now: Timestamp, limit: i64) -> Released {
    let mut tx = store.begin().await.unwrap();
    let released = tx.release_audit_lines(now, limit).await.unwrap();
    tx.commit().await.unwrap();
    released
}

/// The recorder's work each minute: records due gaps, and releases what they blocked.
pub(super) async fn minute(store: &Store, now: Timestamp) -> (Vec<store::AuditGap>, Released) {
    let mut tx = store.begin().await.unwrap();
    tx.lock_audit_sequence().await.unwrap();
    let due = tx.due_audit_gaps(now, GAP_AFTER).await.unwrap();
    for gap in &due {
        tx.record_audit_gap(gap, now).await.unwrap();
    }
    let released = tx.release_audit_lines(now, ALL).await.unwrap();
    tx.commit().await.unwrap();
    (due, released)
}

/// The ids in order. Their positions are dense from 1, and nothing stays outside the order permanently.
pub(super) async fn order(client: &Client) -> Vec<Uuid> {
    let rows = client
        .query_typed("SELECT position, event_id FROM audit_positions ORDER BY position", &[])
        .await
        .unwrap();
    let positions: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        positions,
        (1..).take(positions.len()).collect::<Vec<i64>>(),
        "dense from 1"
    );
    let last = number(client, "SELECT last_position FROM audit_sequence").await;
    assert_eq!(positions.last().copied().unwrap_or(0), last);
    assert_eq!(number(client, "SELECT count(*) FROM audit_unsequenced").await, 0);
    rows.iter().map(|row| row.get(1)).collect()
}

pub(super) async fn number(client: &Client, sql: &str) -> i64 {
    client.query_typed_one(sql, &[]).await.unwrap().get(0)
}

pub(super) fn ids(entries: &[ParsedEntry]) -> Vec<Uuid> {
    entries.iter().map(|entry| entry.id).collect()
}
