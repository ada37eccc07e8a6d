//! `countersign stats`: the figures of a period.

use std::io::{self, Write};

use clap::Args;
use model::{Clock, SystemClock};
use serde_json::{Value, json};
use store::StatisticsFilter;

use crate::args::database::{Database, Login};
use crate::args::instant::Times;
use crate::output::csv;
use crate::output::listing::Format;
use crate::output::listing::{plain, span};
use crate::output::table::{Cell, Table};
use crate::output::terminal::{Color, Palette, Style, sanitize};
use crate::output::{CommandError, Ending, standard};

/// Show reviews, approval rate, times and targets by tier and reviewer, exceptions by kind, and open reviews.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are medians and 90th percentiles, from the label to the first valid approval and to the decision. SLA: against the targets of the
rules file. `--by` shows one table, by another dimension. Figures by week and dimension are views in the database: see docs/reference/ledger.md.
--since and --until filter by decision time, and exceptions by merge time.
Exit codes: 0 shown, 1 nothing found, 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct Arguments {
    /// Group by this, in one table; the team is the first group of the project's path, weeks are in UTC
    #[arg(long, value_parser = ["reviewer", "team", "project", "week", "tier"])]
    by: Option<String>,
    /// Only projects with this numeric id or path prefix: payments/ or payments/gateway
    #[arg(long, value_name = "ID|PATH")]
    project: Option<String>,
    #[command(flatten)]
    times: Times,
    /// table for people; json: one document; csv: one figure per line, for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// When to colour the table
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        let period = self.times.period(SystemClock.now())?;
        let filter = StatisticsFilter {
            project: self.project,
            since: period.since,
            until: period.until,
        };
        let store = self.database.open(Login::Auditor).await?;
        let groups: Groups<'_> = if let Some(by) = &self.by {
            vec![(by.as_str(), store.statistics_by(by, &filter).await?)]
        } else {
            let figures = store.statistics(&filter).await?;
            vec![
                ("tiers", figures.tiers),
                ("reviewers", figures.reviewers),
                ("exceptions", figures.exceptions),
                ("open", figures.open),
            ]
        };
        let mut out = standard();
        match self.format {
            Format::Json => {
                let groups: serde_json::Map<_, _> = groups
                    .iter()
                    .map(|(group, rows)| ((*group).to_owned(), json!(rows)))
                    .collect();
                writeln!(out, "{}", Value::from(groups))?;
            }
            Format::Csv => csv::records(&mut out, records(&groups))?,
            Format::Table => write_tables(&mut out, &groups, Palette::new(self.color))?,
        }
        out.flush()?;
        let empty = groups.iter().all(|(_, rows)| rows.is_empty());
        Ok(if empty { Ending::Nothing } else { Ending::Done })
    }
}

/// The tables by name; with `--by`, the dimension names the only one.
type Groups<'a> = Vec<(&'a str, Vec<Value>)>;

/// The column that names a row; it depends on the table.
const NAMES: [&str; 4] = ["tier", "reviewer", "kind", "name"];

/// One record per figure: table, row, name, value.
fn records(groups: &[(&str, Vec<Value>)]) -> impl Iterator<Item = Vec<String>> {
    let heads = ["group", "name", "figure", "value"].map(str::to_owned).to_vec();
    let figures = groups.iter().flat_map(|(group, rows)| {
        rows.iter().filter_map(Value::as_object).flat_map(move |row| {
            let name = NAMES
                .iter()
                .find_map(|name| row.get(*name))
                .map(plain)
                .unwrap_or_default();
            let figures = row.iter().filter(|(figure, _)| !NAMES.contains(&figure.as_str()));
            figures.map(move |(figure, value)| vec![(*group).to_owned(), name.clone(), figure.clone(), plain(value)])
        })
    });
    std::iter::once(heads).chain(figures)
}

fn write_tables(out: &mut impl Write, groups: &[(&str, Vec<Value>)], palette: Palette) -> io::Result<()> {
    for (group, rows) in groups {
        match *group {
            "tiers" => grouped(out, "tier", "tier", rows, palette)?,
            "reviewers" => grouped(out, "reviewer", "reviewer", rows, palette)?,
            "exceptions" => exceptions(out, rows, palette)?,
            "open" => open(out, rows, palette)?,
            dimension => grouped(out, dimension, "name", rows, palette)?,
        }
    }
    Ok(())
}

fn grouped(out: &mut impl Write, by: &str, name: &str, rows: &[Value], palette: Palette) -> io::Result<()> {
    section(out, &format!("By {by}"), palette)?;
    let first = by.to_uppercase();
    let heads = [
        first.as_str(),
        "REVIEWS",
        "APPROVED",
        "WITHOUT",
        "UNVERIFIED",
        "RATE",
        "APPROVAL P50",
        "P90",
        "DECISION P50",
        "P90",
        "SLA MET",
    ];
    let heads = heads.iter().enumerate().map(|(index, head)| {
        if index == 0 {
            Cell::new(*head)
        } else {
            Cell::new(*head).right()
        }
    });
    let mut table = Table::new(heads.collect(), palette);
    let cells: Vec<_> = rows.iter().map(|row| group(row, name)).collect();
    table.write(out, &cells)
}

fn exceptions(out: &mut impl Write, rows: &[Value], palette: Palette) -> io::Result<()> {
    section(out, "Exceptions", palette)?;
    let mut table = Table::new(
        vec![Cell::new("KIND"), Cell::new("COUNT").right(), Cell::new("OPEN").right()],
        palette,
    );
    let row = |row: &Value| vec![name_of(&row["kind"]), number(&row["exceptions"]), number(&row["open"])];
    table.write(out, &rows.iter().map(row).collect::<Vec<_>>())
}

fn open(out: &mut impl Write, rows: &[Value], palette: Palette) -> io::Result<()> {
    section(out, "Open reviews", palette)?;
    let mut table = Table::new(
        vec![
            Cell::new("TIER"),
            Cell::new("COUNT").right(),
            Cell::new("OLDEST").right(),
        ],
        palette,
    );
    let row = |row: &Value| vec![name_of(&row["tier"]), number(&row["open"]), seconds(&row["oldest_s"])];
    table.write(out, &rows.iter().map(row).collect::<Vec<_>>())
}

fn section(out: &mut impl Write, title: &str, palette: Palette) -> io::Result<()> {
    writeln!(out, "\n{}", palette.paint(Style::Bold, title))
}

fn group(row: &Value, name: &str) -> Vec<Cell> {
    let percent =
        |value: &Value| Cell::new(value.as_f64().map(|rate| format!("{rate:.1} %")).unwrap_or_default()).right();
    vec![
        name_of(&row[name]),
        number(&row["reviews"]),
        number(&row["approved"]),
        number(&row["without_approval"]),
        number(&row["unverified"]),
        percent(&row["approval_rate_percent"]),
        seconds(&row["approval_p50_s"]),
        seconds(&row["approval_p90_s"]),
        seconds(&row["decision_p50_s"]),
        seconds(&row["decision_p90_s"]),
        percent(&row["sla_adherence_percent"]),
    ]
}

fn name_of(value: &Value) -> Cell {
    Cell::new(sanitize(&plain(value)))
}

fn number(value: &Value) -> Cell {
    Cell::new(plain(value)).right()
}

fn seconds(value: &Value) -> Cell {
    Cell::new(value.as_f64().map(span).unwrap_or_default()).right()
}
