//! `countersign unconfirmed`: decisions that GitLab has not confirmed, and merges without a decision.

use clap::Args;
use jiff::Timestamp;
use model::{Clock, MergeRequestKey, SystemClock};
use serde_json::Value;
use store::UnconfirmedFilter;

use crate::args::database::{Database, Login};
use crate::args::instant::{Instant, Period};
use crate::output::listing::{Column, Listing, Output, known_merge_request, span, text_cell, time};
use crate::output::table::Cell;
use crate::output::terminal::Style;
use crate::output::{CommandError, Ending};

const PAGE: u32 = 500;

const FIELDS: &str = "\
    state instance project_id project_path mr_iid decision_id outcome kind decided_at merged_at reason since age_seconds \
    last_read_at next_attempt_at give_up_at";

/// List decisions for which GitLab did not answer a needed read, and merges without a decision.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign unconfirmed
  countersign unconfirmed --instance main --since 7d --format csv

Each is read again automatically at the time shown; without a time, only at an event of the merge request or by `countersign reevaluate`.
--since and the age refer to the time when the merge was first seen, or decided if that is unknown.
Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct Arguments {
    /// Only this GitLab instance
    #[arg(long)]
    instance: Option<String>,
    /// First seen since this time: 2026-11-23T12:00:00Z, 2026-11-23, or a duration before now: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        let now = SystemClock.now();
        let filter = UnconfirmedFilter {
            instance: self.instance,
            since: Period::of(self.since, None, now)?.since,
        };
        let store = self.database.open(Login::Auditor).await?;
        let listing = Listing::new(&COLUMNS, FIELDS, self.output);
        let page = async |after: Option<MergeRequestKey>| {
            let page = store.unconfirmed(&filter, after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            let next = page.last().filter(|_| !is_last).map(|last| last.merge_request.clone());
            Ok((page.into_iter().map(|listed| aged(listed.row, now)).collect(), next))
        };
        listing.show(["merge request", "merge requests"], page).await
    }
}

fn aged(mut row: Value, now: Timestamp) -> Value {
    let since = row["since"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    row["age_seconds"] = since.map(|since| now.duration_since(since).as_secs().max(0)).into();
    row
}

const COLUMNS: [Column; 7] = [
    ("MERGE REQUEST", known_merge_request),
    ("INSTANCE", |row| text_cell(&row["instance"])),
    ("STATE", |row| text_cell(&row["state"]).style(Style::Yellow)),
    ("OUTCOME", |row| {
        text_cell(if row["kind"].is_null() {
            &row["outcome"]
        } else {
            &row["kind"]
        })
    }),
    ("AGE", |row| {
        Cell::new(row["age_seconds"].as_f64().map(span).unwrap_or_default()).right()
    }),
    ("NEXT RE-READ", |row| {
        if row["next_attempt_at"].is_null() {
            Cell::new("none").style(Style::Red)
        } else {
            time(&row["next_attempt_at"])
        }
    }),
    ("REASON", |row| text_cell(&row["reason"])),
];
