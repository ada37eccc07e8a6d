//! The audit log of the running stack: what is recorded, and what its destinations have.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::local_stack::{Stack, eventually};
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// The longest delay of a line when the database is unavailable: the retry queue's visibility timeout, twice.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// Tests that need the SIEM hold it for reading; a test that takes the SIEM down holds it exclusively.
pub(crate) static SIEM: RwLock<()> = RwLock::const_new(());

/// Tests that need lines stored immediately hold it for reading; a test that locks the table holds it exclusively.
static TABLE: RwLock<()> = RwLock::const_new(());

/// Held while it is used.
#[expect(dead_code, reason = "held, not read")]
enum Held {
    Together(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

pub(crate) struct StackAudit {
    pub(crate) stack: Stack,
    pub(crate) auditor: Client,
    _held: Held,
}

/// Lines by the id of their entries.
pub(crate) type Lines = BTreeMap<String, Value>;

impl StackAudit {
    pub(crate) async fn open() -> Self {
        Self::with(Held::Together(TABLE.read().await)).await
    }

    /// The same for a test that locks the table for a while.
    pub(crate) async fn alone() -> Self {
        Self::with(Held::Alone(TABLE.write().await)).await
    }

    async fn with(held: Held) -> Self {
        let stack = Stack::running();
        let auditor = stack.auditor().await;
        Self {
            stack,
            auditor,
            _held: held,
        }
    }

    /// Runs the recorder's jobs now instead of at the next minute.
    pub(crate) async fn run(&self, jobs: &[&str]) {
        self.stack
            .invoke(&self.stack.functions.recorder, &json!({ "jobs": jobs }))
            .await;
    }

    /// The entries under a correlation id, oldest first, once they include these actions, each as often as listed.
    pub(crate) async fn trace(&self, correlation_id: &str, actions: &[&str]) -> Vec<Value> {
        let what = format!("{actions:?} under {correlation_id}");
        eventually(PATIENCE, &what, async || {
            let entries = self.entries("correlation_id::text = $1", correlation_id).await;
            let enough = |action: &&str| {
                let wanted = actions.iter().filter(|known| *known == action).count();
                entries.iter().filter(|entry| entry["action"] == **action).count() >= wanted
            };
            actions.iter().all(enough).then_some(entries)
        })
        .await
    }

    /// The entries that match a condition with one argument, oldest first.
    pub(crate) async fn entries(&self, condition: &str, argument: &str) -> Vec<Value> {
        let sql = format!("SELECT entry FROM audit_events WHERE {condition} ORDER BY id");
        let rows = self
            .auditor
            .query_typed(&sql, &[(&argument, Type::TEXT)])
            .await
            .unwrap();
        rows.iter().map(|row| parsed(row.get(0))).collect()
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.auditor.query_typed(sql, &[]).await.unwrap()[0].get(0)
    }

    /// The last assigned position.
    pub(crate) async fn last_position(&self) -> i64 {
        self.number("SELECT last_position FROM audit_sequence").await
    }

    /// The position of the last entry under a correlation id, once all of them have one.
    pub(crate) async fn position(&self, correlation_id: &str) -> i64 {
        let sql = "SELECT max(position), count(*) = count(position) FROM audit_events e \
             LEFT JOIN audit_positions p ON p.event_id = e.id WHERE correlation_id::text = $1";
        eventually(PATIENCE, "a place in the order", async || {
            let row = &self
                .auditor
                .query_typed(sql, &[(&correlation_id, Type::TEXT)])
                .await
                .unwrap()[0];
            row.get::<_, bool>(1).then(|| row.get::<_, Option<i64>>(0)).flatten()
        })
        .await
    }

    /// What is recorded between two positions.
    pub(crate) async fn recorded(&self, after: i64, up_to: i64) -> Lines {
        let sql = "SELECT entry FROM audit_positions p JOIN audit_events e ON e.id = p.event_id \
             WHERE position > $1 AND position <= $2";
        let arguments: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&after, Type::INT8), (&up_to, Type::INT8)];
        let rows = self.auditor.query_typed(sql, &arguments).await.unwrap();
        by_id(rows.iter().map(|row| parsed(row.get(0))))
    }

    /// Waits until both destinations have acknowledged everything up to a position.
    pub(crate) async fn forwarded(&self, up_to: i64) {
        let sql = "SELECT coalesce(min(delivered), 0) FROM audit_destinations WHERE name IN ('file', 'http') HAVING count(*) = 2";
        eventually(PATIENCE, "the destinations", async || {
            self.run(&["forward"]).await;
            let rows = self.auditor.query_typed(sql, &[]).await.unwrap();
            rows.first()
                .is_some_and(|row| row.get::<_, i64>(0) >= up_to)
                .then_some(())
        })
        .await;
    }

    /// The entries in the file, in order.
    pub(crate) fn in_file(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.stack.audit_file).unwrap();
        assert!(text.ends_with('\n'), "a torn line");
        text.lines().map(parsed).collect()
    }

    /// The entries that the SIEM has acknowledged.
    pub(crate) async fn at_siem(&self) -> Vec<Value> {
        let world = self
            .stack
            .control(&self.stack.siem_url, "GET", "/_double/world", &Value::Null)
            .await;
        world["entries"].as_array().cloned().expect("entries")
    }
}

/// Entries by id, without duplicates.
pub(crate) fn by_id(entries: impl IntoIterator<Item = Value>) -> Lines {
    let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
    entries.into_iter().map(|entry| (id(&entry), entry)).collect()
}

/// The difference of two sets: entries only in the first, and entries of the second that are missing or different in the first.
pub(crate) fn difference(recorded: &Lines, found: &Lines) -> (Vec<String>, Vec<String>) {
    let only = |one: &Lines, other: &Lines| -> Vec<String> {
        let missing = one.iter().filter(|(id, entry)| other.get(*id) != Some(*entry));
        missing.map(|(id, _)| id.clone()).collect()
    };
    (only(recorded, found), only(found, recorded))
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}
