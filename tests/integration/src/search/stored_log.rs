//! An audit log of five months with common and rare values, so that a search must use every strategy.

use std::ops::Range;

use audit::line_schema::{ParsedEntry, ParsedLine, parse_line};
use doubles::postgres::{TestDatabase, connect, fresh_database};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{AuditBatch, Store};
use uuid::Uuid;

/// Entries of Jira, none of them in the last two months: more than a search collects in one step.
pub(super) const LONG_AGO: u64 = 12_000;
/// Entries since then.
const SINCE: u64 = 12_000;
/// Entries of one delivery.
const STORY: u64 = 6;
const BATCH: usize = 2_000;

/// An audit log in a database, and the same entries as printed, by id.
pub(super) struct StoredLog {
    pub(super) database: TestDatabase,
    pub(super) entries: Vec<ParsedEntry>,
}

impl StoredLog {
    /// The whole log.
    pub(super) async fn stored() -> Self {
        Self::of(0..LONG_AGO + SINCE).await
    }

    /// The entries with these numbers.
    pub(super) async fn of(numbers: Range<u64>) -> Self {
        let database = fresh_database().await;
        let store = database.store();
        let mut entries: Vec<_> = numbers.map(sample_entry).collect();
        for some in entries.chunks(BATCH) {
            put(&store, some.to_vec()).await;
        }
        let client = connect(&database.owner_url).await;
        client.batch_execute("ANALYZE audit_events").await.unwrap();
        entries.sort_by_key(|entry| entry.id);
        Self { database, entries }
    }
}

/// Stores entries.
pub(super) async fn put(store: &Store, entries: Vec<ParsedEntry>) {
    let count = entries.len();
    let batch = AuditBatch {
        source: "tests".to_owned(),
        entries,
        ..AuditBatch::default()
    };
    let report = store.record_audit_batch(&batch, at("2026-03-03T00:00:00Z")).await;
    assert_eq!(report.unwrap().new.len(), count);
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The correlation id of the delivery that an entry belongs to.
pub(super) fn delivery(number: u64) -> Uuid {
    audit::entry_id(at("2025-11-01T00:00:00Z"), &format!("delivery {}", number / STORY))
}

pub(super) fn trace(number: u64) -> String {
    format!("{:032x}", 0xface + u128::from(number / STORY))
}

/// When an entry was printed: Jira's in November, December and January, all others in February and on the first days of March.
fn moment(number: u64) -> Timestamp {
    let (begin, seconds) = if number < LONG_AGO {
        ("2025-11-02T00:00:00Z", number * 640)
    } else {
        ("2026-02-01T00:00:00Z", (number - LONG_AGO) * 208)
    };
    // Some in the same millisecond: then the rest of the id decides.
    let millis = number % 3 / 2 * 250;
    at(begin)
        + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
        + SignedDuration::from_millis(i64::try_from(millis).unwrap())
}

fn action(number: u64) -> &'static str {
    match number {
        0..LONG_AGO => ["jira.api.get_issue", "jira.api.search_issues"][index(number, 2)],
        _ if number.is_multiple_of(997) => "audit.gap_detected",
        _ if number.is_multiple_of(101) => "slack.api.post_message",
        // Starts with the letters of another action, but not with its dots.
        _ if number.is_multiple_of(53) => "gitlab.apiary.read",
        _ => [
            "webhook.auth.verify",
            "sqs.api.send_message",
            "gitlab.api.get_mr_details",
            "gitlab.api.get_mr_approvals",
            "gitlab.api.get_mr_versions",
        ][index(number, 5)],
    }
}

fn target(number: u64) -> Value {
    let merge_request = |instance: &str, project: u64, iid: u64| json!({"resource_type": "merge_request", "instance": instance, "project_id": project, "mr_iid": iid});
    match number % 12 {
        0 => json!({"resource_type": "slack_channel", "id": "C0SECLEAD"}),
        1 => json!({"resource_type": "secret", "id": "countersign/webhook"}),
        // Characters that are special in a pattern.
        2 => json!({"resource_type": "queue", "id": "50%_off\\'; --"}),
        3 => json!({"resource_type": "queue", "id": "50 times"}),
        4 => merge_request("main", 73_010, number % 9 + 1),
        5 => merge_request("eu/west", 7_301, number % 9 + 1),
        6 => merge_request("main", 500, number % 400 + 1),
        7 => json!({"resource_type": "merge_request", "project_id": 7_301, "mr_iid": number % 9 + 1}),
        _ => merge_request("main", 7_301, number % 97 + 1),
    }
}

fn error(number: u64) -> Option<&'static str> {
    match number {
        _ if number.is_multiple_of(1_201) => Some("conflict"),
        _ if number.is_multiple_of(17) => Some(["rate_limit", "timeout", "server_error"][index(number / 17, 3)]),
        _ => None,
    }
}

fn actor(number: u64) -> &'static str {
    match number / STORY % 40 {
        0..30 => "webhook_event",
        30..39 => "poll_cycle",
        _ => "admin_action",
    }
}

fn index(number: u64, of: u64) -> usize {
    usize::try_from(number % of).unwrap()
}

/// The services that wrote it.
pub(super) const SERVICES: [&str; 3] = ["tests", "tests", "agent"];

/// The id that another service gave to every tenth entry.
pub(super) fn sent_id(number: u64, at: Timestamp) -> Uuid {
    audit::entry_id(at, &format!("sent {number}"))
}

/// One of its entries.
pub(super) fn sample_entry(number: u64) -> ParsedEntry {
    printed(&line(number, moment(number)))
}

/// The same printed at another time: another entry.
pub(super) fn line(number: u64, at: Timestamp) -> Value {
    let (id, error) = (audit::entry_id(at, &number.to_string()), error(number));
    let with_trace = (number / STORY).is_multiple_of(2);
    json!({
        "timestamp": format!("{at:.3}"), "event_type": "audit", "action": action(number),
        "actor": {"type": actor(number), "id": delivery(number)}, "target": target(number),
        "outcome": if error.is_some() { "failure" } else { "success" }, "error": error,
        "correlation_id": delivery(number), "service": SERVICES[index(number / STORY, 3)], "id": id, "duration_ms": null,
        "details": if number.is_multiple_of(10) { json!({"producer_entry_id": sent_id(number, at)}) } else { json!({}) },
        "trace_id": with_trace.then(|| trace(number)),
    })
}

/// Parsed as the recorder parses it.
pub(super) fn printed(line: &Value) -> ParsedEntry {
    match parse_line(&line.to_string()) {
        Ok(ParsedLine::Entry(entry)) => *entry,
        other => panic!("{other:?}"),
    }
}
