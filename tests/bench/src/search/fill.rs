//! An audit log as after a year: written without the sequencer's queue, its indexes built afterwards.

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::super::{Result, progress};
use doubles::postgres::{self, TestDatabase};

const INSERT: &str = include_str!("fill.sql");
/// Rows per statement.
const CHUNK: u64 = 250_000;
/// The end of the thirteen months.
const UNTIL: &str = "2026-11-23T00:00:00Z";
/// The first of the monthly partitions.
const FIRST_MONTH: &str = "2025-10-01T00:00:00Z";

/// The time of the last entry.
pub(super) fn last() -> Timestamp {
    UNTIL.parse().unwrap_or_default()
}

/// The correlation id of a delivery.
pub(super) fn delivery(turn: usize) -> Uuid {
    Uuid::from_bytes(digest(&format!("delivery {}", even(turn))))
}

/// Its trace id.
pub(super) fn trace(turn: usize) -> String {
    Uuid::from_bytes(digest(&format!("trace {}", even(turn))))
        .simple()
        .to_string()
}

/// Every second delivery has a trace.
fn even(turn: usize) -> usize {
    turn * 1_234 % 900 * 2
}

fn digest(text: &str) -> [u8; 16] {
    Md5::digest(text.as_bytes()).into()
}

/// Fills the audit log, vacuums it and runs a checkpoint, as on a server in service.
pub(super) async fn fill(database: &TestDatabase, entries: u64) -> Result<()> {
    let owner = postgres::connect(&database.owner_url).await;
    let months = format!("SELECT countersign_make_audit_partitions(timestamptz '{FIRST_MONTH}', 14)");
    owner.batch_execute(&months).await?;
    owner
        .batch_execute("ALTER TABLE audit_events DISABLE TRIGGER enqueue")
        .await?;
    let indexes = take_indexes(&owner).await?;
    let mut first = 1;
    while first <= entries {
        let last = entries.min(first + CHUNK - 1);
        let sql = INSERT
            .replace("{until}", UNTIL)
            .replace("{total}", &entries.to_string())
            .replace("{first}", &first.to_string())
            .replace("{last}", &last.to_string());
        owner.batch_execute(&sql).await?;
        progress(&format!("  {last} of {entries} entries"));
        first = last + 1;
    }
    for definition in indexes {
        progress(&format!("  {definition}"));
        owner.batch_execute(&definition).await?;
    }
    owner.batch_execute("VACUUM (ANALYZE) audit_events").await?;
    let superuser = postgres::connect(&database.superuser_url).await;
    superuser.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// Drops the migration's indexes except the key's, and returns the statements that recreate them.
async fn take_indexes(owner: &Client) -> Result<Vec<String>> {
    let sql = "SELECT indexdef, indexname FROM pg_indexes WHERE tablename = 'audit_events' AND indexname <> 'audit_events_pkey'";
    let mut definitions = Vec::new();
    for message in owner.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            definitions.push(row.get(0).unwrap_or_default().replace(" ON ONLY ", " ON "));
            let name = row.get(1).unwrap_or_default();
            owner.batch_execute(&format!("DROP INDEX {name}")).await?;
        }
    }
    Ok(definitions)
}
