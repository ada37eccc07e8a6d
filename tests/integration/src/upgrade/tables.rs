//! Every row of every table, to compare before and after.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tokio_postgres::Client;

/// Rows by table.
pub(super) type Rows = BTreeMap<String, Vec<Map<String, Value>>>;

/// Tables that a migration itself writes.
const OF_MIGRATIONS: &str = "schema_history";

/// Every row; partitions count as their table.
pub(super) async fn rows(owner: &Client) -> Rows {
    let sql = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition";
    let mut rows = Rows::new();
    for row in owner.query_typed(sql, &[]).await.unwrap() {
        let table: String = row.get(0);
        let sql = format!("SELECT to_jsonb(t) FROM {table} AS t ORDER BY to_jsonb(t)::text");
        let found = owner.query_typed(&sql, &[]).await.unwrap();
        let found = found.iter().map(|row| match row.get(0) {
            Value::Object(columns) => columns,
            other => panic!("{table}: {other}"),
        });
        let found = found.collect();
        rows.insert(table, found);
    }
    rows.remove(OF_MIGRATIONS).unwrap();
    rows
}

/// Rows of `before` that are missing or changed in `after`, ignoring new columns.
pub(super) fn lost(before: &Rows, after: &Rows) -> Vec<String> {
    let mut lost = Vec::new();
    for (table, rows) in before {
        let kept = &after[table];
        let is_kept = |row: &Map<String, Value>| {
            let same = |other: &&Map<String, Value>| row.iter().all(|(column, value)| other.get(column) == Some(value));
            kept.iter().any(|other| same(&other))
        };
        let gone = rows.iter().filter(|row| !is_kept(row));
        lost.extend(gone.map(|row| format!("{table}: {}", Value::Object(row.clone()))));
    }
    lost
}
