//! The ledger with a million reviews: every view, the figures, and the lists of the operator's command.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use model::{Clock, SystemClock};
use store::{DecisionFilter, LedgerFilter, StatisticsFilter, Store};
use tokio_postgres::Client;

use super::report::{Row, Section};
use super::sample::{Sample, milliseconds};
use super::{Effort, Result, prefill, progress};
use doubles::postgres;

/// The goal of every query, in milliseconds.
const BELOW: f64 = 1_000.0;
/// The goal of the figures of all reviews, in milliseconds.
const STATISTICS_BELOW: f64 = 3_000.0;
/// How often each query runs.
const TURNS: usize = 5;

const VIEWS: [&str; 6] = [
    "security_review_volume",
    "security_review_approval_rate",
    "security_review_times",
    "security_review_sla",
    "security_review_open",
    "security_review_exception_counts",
];

const MEASURES: [&str; 4] = [
    "security_review_volume_by",
    "security_review_approval_rate_by",
    "security_review_times_by",
    "security_review_sla_by",
];
const DIMENSIONS: [&str; 5] = ["reviewer", "team", "project", "week", "tier"];
/// 91 days, 13 Mondays, in the middle of the two years.
const SINCE: &str = "current_date - 400";
const BEFORE: &str = "current_date - 309";

const NOTE: &str = "\
Whole views over two years, queried with an auditor's login; the measures of 13 weeks by each dimension; then the figures and the
lists that `countersign` shows. For the cost of writing a row at this size see the section on the processor: merge, exception.
Below: the steps of each view's plan, last step first.";

pub(super) async fn measure(effort: &Effort) -> Result<Section> {
    let database = postgres::fresh_database().await;
    let reviews = effort.reviews;
    progress(&format!("ledger: filling it with {reviews} reviews"));
    prefill::fill_ledger(&database, reviews).await?;
    let store = Store::new(postgres::config(&database.auditor_url))?;
    let mut rows = Vec::new();

    // 1. Whole views, and the measures by dimension, as an auditor queries them.
    let auditor = postgres::connect(&database.auditor_url).await;
    let mut note = format!("{reviews} reviews. {NOTE}");
    for view in VIEWS {
        progress(&format!("ledger: {view}"));
        let sql = format!("SELECT * FROM {view}");
        note = format!("{note}\n  {view}: {}", plan(&auditor, &sql).await?);
        rows.push(asked(&auditor, view, &sql).await?);
    }
    rows.extend(by_dimension(&auditor).await?);

    // 2. What `countersign` shows.
    progress("ledger: figures and lists");
    rows.extend(statistics(&store).await?);
    rows.extend(lists(&store).await?);
    Ok(Section {
        title: "Review ledger",
        note,
        rows,
    })
}

async fn statistics(store: &Store) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let month = SystemClock
        .now()
        .checked_sub(SignedDuration::from_hours(30 * 24))
        .unwrap_or(Timestamp::MIN);
    let periods = [
        ("stats of two years", None, STATISTICS_BELOW),
        ("stats of a month", Some(month), BELOW),
    ];
    for (name, since, below) in periods {
        let mut took = Vec::new();
        for _ in 0..TURNS {
            let filter = StatisticsFilter {
                since,
                ..StatisticsFilter::default()
            };
            let begun = Instant::now();
            let _ = store.statistics(&filter).await?;
            took.push(milliseconds(begun.elapsed()));
        }
        rows.push(row(name, took, below)?);
    }
    Ok(rows)
}

async fn lists(store: &Store) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let lists = [
        ("ledger: the first 500", LedgerFilter::default()),
        (
            "ledger: the first 500 of a project",
            LedgerFilter {
                project: Some("team-7/project-7".to_owned()),
                ..LedgerFilter::default()
            },
        ),
        (
            "ledger: open ones",
            LedgerFilter {
                decision: Some(DecisionFilter::Open),
                ..LedgerFilter::default()
            },
        ),
    ];
    for (name, filter) in lists {
        let mut took = Vec::new();
        for _ in 0..TURNS {
            let begun = Instant::now();
            let _ = store.ledger_page(&filter, None, 500).await?;
            took.push(milliseconds(begun.elapsed()));
        }
        rows.push(row(name, took, BELOW)?);
    }
    Ok(rows)
}

/// The measures of 13 weeks: from each view, and all of them from the function. As JSON: for one of our types, such as a dimension,
/// the driver runs a lookup on the connection that still streams the rows, and hangs if there are many.
async fn by_dimension(auditor: &Client) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for dimension in DIMENSIONS {
        progress(&format!("ledger: 13 weeks by {dimension}"));
        for view in MEASURES {
            let sql = format!(
                "SELECT to_jsonb(measured) FROM {view} AS measured WHERE dimension = '{dimension}' AND week >= {SINCE} AND week < {BEFORE}"
            );
            rows.push(asked(auditor, &format!("{view}, 13 weeks by {dimension}"), &sql).await?);
        }
        let sql = format!("SELECT * FROM security_review_measures({SINCE}, {BEFORE}, '{dimension}')");
        let name = format!("security_review_measures, 13 weeks by {dimension}");
        rows.push(asked(auditor, &name, &sql).await?);
    }
    Ok(rows)
}

/// How long a query takes.
async fn asked(auditor: &Client, name: &str, sql: &str) -> Result<Row> {
    let mut took = Vec::new();
    let mut count = 0;
    for _ in 0..TURNS {
        let begun = Instant::now();
        count = auditor.query_typed(sql, &[]).await?.len();
        took.push(milliseconds(begun.elapsed()));
    }
    row(&format!("{name}: {count} rows"), took, BELOW)
}

/// The steps of the plan, from the last to the first.
async fn plan(auditor: &Client, sql: &str) -> Result<String> {
    let lines = auditor.query_typed(&format!("EXPLAIN (COSTS OFF) {sql}"), &[]).await?;
    let steps = lines.iter().filter_map(|line| {
        let line: String = line.try_get(0).ok()?;
        let (before, step) = line.split_once("->").unwrap_or(("", &line));
        let is_step = line.contains("->") || !line.starts_with(' ');
        (before.trim().is_empty() && is_step).then(|| step.trim().replace("security_review_", ""))
    });
    Ok(steps.collect::<Vec<_>>().join("; "))
}

fn row(name: &str, took: Vec<f64>, below: f64) -> Result<Row> {
    let sample = Sample::new(took).ok_or("no query was measured")?;
    Ok(Row::of(name, "ms", &sample).below(below))
}
