//! Checks that the deliveries had the intended result: rejected ones cost little and would measure nothing.

use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;

use super::super::load::BATCH;
use super::super::{Effort, Result};
use super::WARM_UP;
use super::site::{Site, Version};
use doubles::postgres;

/// By the local stack's rules: the alert, Linear, Jira, Confluence and the pod.
const EFFECTS: u64 = 5;

pub(super) async fn check(site: &Site, effort: &Effort) -> Result<()> {
    let of = |count: u64| count.div_ceil(BATCH) * BATCH + WARM_UP * BATCH;
    let (updates, merges, exceptions) = (of(effort.updates), of(effort.plain_merges), of(effort.exceptions));
    let expected = match &site.version {
        Version::This { rows } => json!({
            "merge_request_events": rows + updates + merges + exceptions,
            "security_review_decisions": merges + exceptions,
            "security_review_ledger WHERE instance <> 'prefilled'": exceptions,
            "security_review_exceptions WHERE instance <> 'prefilled'": exceptions,
            "effects": exceptions * EFFECTS,
        }),
        // Only tables that every baseline has; the number of effects per exception differs between versions.
        Version::Baseline { .. } => json!({
            "merge_request_events": updates + merges + exceptions,
            "security_review_decisions": merges + exceptions,
            "security_review_exceptions": exceptions,
        }),
    };
    let server = postgres::connect(&site.stage.database.owner_url).await;
    let mut found = json!({});
    for table in expected.as_object().into_iter().flat_map(|tables| tables.keys()) {
        for message in server.simple_query(&format!("SELECT count(*) FROM {table}")).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let count: u64 = row.get(0).unwrap_or_default().parse()?;
                found[table] = Value::from(count);
            }
        }
    }
    if found == expected {
        Ok(())
    } else {
        let version = &site.version;
        Err(format!("{version:?}: the deliveries created {found} rows instead of {expected}").into())
    }
}
