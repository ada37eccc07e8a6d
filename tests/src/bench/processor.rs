//! The warm processor function: batches of ten deliveries, one transaction each, on an empty database and on full ones.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;

use super::binaries::Binaries;
use super::load::{self, BATCH, Kind};
use super::process::Process;
use super::report::{Row, Section};
use super::sample::{Sample, milliseconds};
use super::stage::Stage;
use super::{Effort, Result, prefill, progress};
use crate::postgres;

/// Deliveries a second of one environment.
const RATE_ABOVE: f64 = 300.0;
/// Time per delivery beside that on an empty table. Measured flat would be 1; this leaves room for the scatter between two runs.
const FLAT_BELOW: f64 = 1.25;
/// Rows of the ledger beside at most so many events.
const MOST_REVIEWS: u64 = 1_000_000;
/// Batches before the first that counts, of every kind.
const WARM_UP: u64 = 5;

const NOTE: &str = "\
One environment, batches of 10, each delivery of a merge request of its own, written in one transaction of its own; commits are as
durable as the Postgres above is set to make them. GitLab and SQS are doubles on this machine and share its cores. All databases in
turn, batch by batch; \"flat\" is the time of a batch beside that on the empty table.";

/// A processor at work on one database.
struct Site {
    rows: u64,
    stage: Stage,
    process: Process,
}

/// What one kind of delivery cost on one database.
struct Cost {
    rows: u64,
    /// Milliseconds of each batch.
    batches: Sample,
    deliveries_per_second: f64,
    /// Of the function, in milliseconds for each delivery.
    cpu: f64,
}

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    let mut sites = Vec::new();
    for rows in [0].into_iter().chain(effort.rows.iter().copied()) {
        let stage = Stage::new().await;
        if rows > 0 {
            progress(&format!("processor: filling a table with {rows} rows"));
            prefill::fill(&stage, rows).await?;
            prefill::fill_ledger(&stage.database, rows.min(MOST_REVIEWS)).await?;
        }
        let process = Process::start(&binaries.path("processor"), &stage.variables()).await?;
        process.started().await?;
        sites.push(Site { rows, stage, process });
    }

    let mut rows = Vec::new();
    let kinds = [
        (Kind::Update, "recorded only", effort.updates),
        (Kind::PlainMerge, "merge, no label", effort.plain_merges),
        (Kind::Exception, "merge, exception", effort.exceptions),
    ];
    let mut first = 0;
    for (kind, what, count) in kinds {
        progress(&format!("processor: {count} deliveries on each database: {what}"));
        let costs = work(&sites, kind, first, count).await?;
        rows.extend(figures(what, &costs));
        first += (count.div_ceil(BATCH) + WARM_UP) * BATCH;
    }
    for site in &sites {
        check(site, effort).await?;
    }
    Ok(Section {
        title: "Processor",
        note: NOTE.to_owned(),
        rows,
    })
}

/// The same deliveries to every processor, batch by batch in turn.
async fn work(sites: &[Site], kind: Kind, first: u64, count: u64) -> Result<Vec<Cost>> {
    let mut walls: Vec<Vec<Duration>> = vec![Vec::new(); sites.len()];
    let mut cpu_before = vec![Duration::ZERO; sites.len()];
    for batch in 0..WARM_UP + count.div_ceil(BATCH) {
        let begin = first + batch * BATCH;
        let numbers = begin..begin + BATCH;
        for (index, site) in sites.iter().enumerate() {
            if batch == WARM_UP {
                cpu_before[index] = site.process.cpu()?;
            }
            site.stage.wipe();
            site.stage
                .gitlab
                .world(|world| load::tell(world, kind, numbers.clone()));
            let event = load::batch(kind, numbers.clone())?;
            let (wall, answer) = site.process.invoke(event).await?;
            if answer["batchItemFailures"]
                .as_array()
                .is_none_or(|failures| !failures.is_empty())
            {
                return Err(format!("the processor did not take a batch: {answer}").into());
            }
            if batch >= WARM_UP {
                walls[index].push(wall);
            }
        }
    }
    let mut costs = Vec::new();
    for ((site, walls), before) in sites.iter().zip(walls).zip(cpu_before) {
        let deliveries = f64::from(u32::try_from(walls.len())?) * f64::from(u32::try_from(BATCH)?);
        let whole: Duration = walls.iter().sum();
        costs.push(Cost {
            rows: site.rows,
            batches: Sample::new(walls.into_iter().map(milliseconds).collect()).ok_or("there was no batch")?,
            deliveries_per_second: deliveries / whole.as_secs_f64(),
            cpu: milliseconds(site.process.cpu()?.saturating_sub(before)) / deliveries,
        });
    }
    Ok(costs)
}

fn figures(what: &str, costs: &[Cost]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut empty = None;
    for cost in costs {
        let row = |part: &str| format!("{what}, {} rows{part}", cost.rows);
        let rate = Row::single(row(""), "deliveries/s", cost.deliveries_per_second);
        rows.push(rate.above(RATE_ABOVE));
        rows.push(Row::of(row(": batch of 10"), "ms", &cost.batches));
        rows.push(Row::single(row(": processor"), "ms/delivery", cost.cpu));
        // Medians: a checkpoint or a vacuum in one of the two is no cost of the rows.
        let median = cost.batches.median();
        match empty {
            None => empty = Some(median),
            Some(empty) => rows.push(Row::single(row(": flat"), "x empty", median / empty).below(FLAT_BELOW)),
        }
    }
    rows
}

/// By the local stack's rules: the alert, Linear, Jira, Confluence and the pod.
const EFFECTS: u64 = 5;

/// That the deliveries became what they were meant to become.
async fn check(site: &Site, effort: &Effort) -> Result<()> {
    let warm_up = WARM_UP * BATCH;
    let of = |count: u64| count.div_ceil(BATCH) * BATCH + warm_up;
    let (updates, merges, exceptions) = (of(effort.updates), of(effort.plain_merges), of(effort.exceptions));
    let expected = json!({
        "merge_request_events": site.rows + updates + merges + exceptions,
        "security_review_decisions": merges + exceptions,
        "security_review_ledger WHERE instance <> 'prefilled'": exceptions,
        "security_review_exceptions WHERE instance <> 'prefilled'": exceptions,
        "effects": exceptions * EFFECTS,
    });
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
        Err(format!("the deliveries left {found} rows, not {expected}").into())
    }
}
