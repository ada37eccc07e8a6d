//! The cost of one kind of delivery at each processor, as rows of the report.

use std::time::Duration;

use super::super::Result;
use super::super::load::{BATCH, Kind};
use super::super::report::Row;
use super::super::sample::{Sample, milliseconds};
use super::site::{Used, Version};

/// Deliveries per second of one environment, recorded only or without a label.
const RATE_ABOVE: f64 = 300.0;
/// Exceptions per second compared with the baseline.
const EXCEPTIONS_AT_LEAST: f64 = 4.0;
/// Time of a batch compared with that on an empty table.
const FLAT_AT_MOST: f64 = 1.1;

/// The cost of one kind of delivery at one processor.
pub(super) struct Cost {
    version: Version,
    /// Milliseconds of each batch.
    batches: Sample,
    deliveries_per_second: f64,
    deliveries: f64,
    used: Used,
}

impl Cost {
    pub(super) fn new(version: Version, walls: Vec<Duration>, used: Used) -> Result<Self> {
        let deliveries = f64::from(u32::try_from(walls.len())?) * f64::from(u32::try_from(BATCH)?);
        let whole: Duration = walls.iter().sum();
        Ok(Self {
            version,
            batches: Sample::new(walls.into_iter().map(milliseconds).collect()).ok_or("there was no batch")?,
            deliveries_per_second: deliveries / whole.as_secs_f64(),
            deliveries,
            used,
        })
    }
}

/// The first cost is this version's on an empty table.
pub(super) fn rows(kind: Kind, what: &str, costs: &[Cost]) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(empty) = costs.first() else { return rows };
    for cost in costs {
        let whose = match &cost.version {
            Version::This { rows } => format!("{what}, {rows} rows"),
            Version::Baseline { commit } => format!("{what}, {commit}"),
        };
        let row = |part: &str| format!("{whose}{part}");
        let rate = Row::single(row(""), "deliveries/s", cost.deliveries_per_second);
        rows.push(match (&cost.version, kind) {
            (Version::This { .. }, Kind::Update | Kind::PlainMerge) => rate.above(RATE_ABOVE),
            _ => rate,
        });
        rows.push(Row::of(row(": batch of 10"), "ms", &cost.batches));
        for (part, used) in [
            (": processor", cost.used.processor),
            (": Postgres", cost.used.postgres),
            (": doubles", cost.used.doubles),
        ] {
            rows.push(Row::single(
                row(part),
                "ms/delivery",
                milliseconds(used) / cost.deliveries,
            ));
        }
        match &cost.version {
            Version::This { rows: 0 } => {}
            Version::This { .. } => {
                // Medians: a checkpoint or a vacuum in one of the two is not caused by the rows.
                let flat = cost.batches.median() / empty.batches.median();
                rows.push(Row::single(row(": flat"), "x empty", flat).at_most(FLAT_AT_MOST));
            }
            Version::Baseline { commit } => {
                let ratio = empty.deliveries_per_second / cost.deliveries_per_second;
                let row = Row::single(format!("{what}, 0 rows: compared with {commit}"), "x baseline", ratio);
                rows.push(match kind {
                    Kind::Exception => row.at_least(EXCEPTIONS_AT_LEAST),
                    Kind::Update | Kind::PlainMerge => row,
                });
            }
        }
    }
    rows
}
