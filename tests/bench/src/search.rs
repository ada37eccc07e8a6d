//! The search of the audit log, by every filter, in a table of many entries over thirteen months.

mod cases;
mod fill;

use std::time::Instant;

use store::{AuditOrder, SearchPlan, Store};

use self::cases::Case;
use super::report::{Row, Section};
use super::sample::{Sample, milliseconds};
use super::{Effort, Result, progress};
use doubles::postgres;

/// The first page of an interactive search.
const PAGE: u32 = 50;
/// The goal of each filter, in milliseconds.
const BELOW: f64 = 50.0;

const NOTE: &str = "\
The first page of 50 whole entries by each filter, alternately newest and oldest first, each time with another value if there are
several; from the call of the store to the last row. The goal applies to p99. Below each: the plan's key lines.";

pub(super) async fn measure(effort: &Effort) -> Result<Section> {
    let database = postgres::fresh_database().await;
    progress(&format!(
        "search: filling the audit log with {} entries",
        effort.entries
    ));
    fill::fill(&database, effort.entries).await?;
    measure_on(&database.auditor_url, effort).await
}

/// Measures on a prefilled database.
pub(super) async fn measure_on(url: &str, effort: &Effort) -> Result<Section> {
    let store = Store::new(postgres::config(url))?;
    store.connect().await?;
    let mut note = format!("{} entries. {NOTE}", effort.entries);
    let mut rows = Vec::new();
    for case in cases::all() {
        progress(&format!("search: {}", case.name));
        rows.push(repeat(&store, &case, effort).await?.p99_below(BELOW));
        let plans = store
            .explain_audit_search(&(case.filter)(0), AuditOrder::NewestFirst, PAGE)
            .await?;
        note = format!("{note}\n  {}: {}", case.name, key_lines(&plans));
    }
    Ok(Section {
        title: "Audit search",
        note,
        rows,
    })
}

async fn repeat(store: &Store, case: &Case, effort: &Effort) -> Result<Row> {
    let mut took = Vec::new();
    let mut found = 0;
    for turn in 0..effort.searches {
        let order = if turn % 2 == 0 {
            AuditOrder::NewestFirst
        } else {
            AuditOrder::OldestFirst
        };
        let filter = (case.filter)(turn / 2);
        let begun = Instant::now();
        let page = store.search_audit(&filter, None, order, PAGE).await?;
        took.push(milliseconds(begun.elapsed()));
        found = found.max(page.len());
    }
    // A quick run's table is too small to contain every value.
    if effort.entries >= 1_000_000 && (found > 0) != case.finds {
        return Err(format!(
            "{}: found {found} entries, which is not what the table holds",
            case.name
        )
        .into());
    }
    let sample = Sample::new(took).ok_or("no search was measured")?;
    Ok(Row::of(case.name, "ms", &sample))
}

/// The indexes and the duration of each step.
fn key_lines(plans: &[SearchPlan]) -> String {
    let steps = plans.iter().map(|plan| {
        let mut indexes: Vec<String> = plan.lines.iter().filter_map(|line| index(line)).collect();
        indexes.sort();
        indexes.dedup();
        let time = plan
            .lines
            .iter()
            .find_map(|line| line.trim().strip_prefix("Execution Time: "));
        format!("{} [{}] {}", plan.step, indexes.join(", "), time.unwrap_or("?"))
    });
    steps.collect::<Vec<_>>().join("; ")
}

/// `Index Only Scan target_key_id` from a plan's line, without the month.
fn index(line: &str) -> Option<String> {
    let (scan, rest) = line.trim().trim_start_matches("->").trim().split_once(" using ")?;
    let name = rest.split_whitespace().next()?;
    let column = name.strip_prefix("audit_events_").unwrap_or(name);
    let column = column.trim_start_matches(|character: char| character.is_ascii_digit() || character == '_');
    let executed = !line.contains("never executed");
    executed.then(|| {
        format!(
            "{} {}",
            scan.trim_end_matches(" Backward"),
            column.trim_end_matches("_idx")
        )
    })
}
