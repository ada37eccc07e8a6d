//! `countersign ledger`: where reviews stand.

use clap::Args;
use model::{Clock, LedgerDecision, SystemClock};
use serde_json::Value;
use store::{DecisionFilter, LedgerFilter};

use crate::audit::Format;
use crate::database::{Database, Login, runtime};
use crate::instant::{Instant, Period};
use crate::listing::{Column, Listing, between, decision, merge_request, time, told};
use crate::output::{Ending, Failure, counted, remark};
use crate::table::Cell;
use crate::terminal::{Color, Palette, Style};

const PAGE: u32 = 500;

const FIELDS: [&str; 34] = [
    "instance",
    "project_id",
    "project_path",
    "mr_iid",
    "title",
    "web_url",
    "author_username",
    "decision",
    "decided_at",
    "deciding_reviewer_username",
    "risk_tier",
    "labels",
    "labelled_at",
    "approved_at",
    "time_to_approval",
    "time_to_decision",
    "time_unknown_reason",
    "sla_target",
    "sla_elapsed",
    "sla_met",
    "merged_by_username",
    "merge_method",
    "merged_at",
    "merge_commit_sha",
    "head_sha",
    "proof",
    "notes",
    "rules_hash",
    "evidence_id",
    "evidence_sha256",
    "revision",
    "updated_at",
    "reviewers",
    "correlation_id",
];

/// Where the review of each merge request with a security label stands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign ledger --decision open
  countersign ledger --project payments/ --tier critical --since 30d
  countersign ledger --reviewer sec-alice --since 2026-10-01 --until 2026-12-31 --format csv > alice.csv

--since and --until are about the time of the decision. All rows found are shown, page by page.
Exit codes: 0 found, 1 nothing found, 2 the command line, 3 the database, 4 the output.")]
#[expect(clippy::doc_markdown, reason = "the text of --help, read on a terminal")]
pub(crate) struct Arguments {
    /// Projects: the numeric id, or the beginning of the path: payments/ or payments/gateway
    #[arg(long, value_name = "ID|PATH")]
    project: Option<String>,
    /// Risk tier
    #[arg(long)]
    tier: Option<String>,
    /// User name of whoever decided
    #[arg(long, value_name = "USERNAME")]
    reviewer: Option<String>,
    /// approved, approval_revoked, merged, merged_without_approval, merged_unverified, closed, reopened; or open: what waits for the team
    #[arg(long, value_parser = which)]
    decision: Option<Which>,
    /// Decided from then on: 2026-11-23T12:00:00Z, 2026-11-23, or how long ago: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    /// Decided before then; a day counts with all of it
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    until: Option<Instant>,
    /// table for people; json: one row a line; csv for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Colours of the table
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

/// A decision of the command line.
#[derive(Debug, Clone, Copy)]
struct Which(DecisionFilter);

fn which(text: &str) -> Result<Which, String> {
    if text == "open" {
        return Ok(Which(DecisionFilter::Open));
    }
    serde_json::from_value::<LedgerDecision>(Value::from(text))
        .map(|decision| Which(DecisionFilter::Is(decision)))
        .map_err(|_| "a decision is open, approved, approval_revoked, merged, merged_without_approval, merged_unverified, closed or reopened".to_owned())
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Ending, Failure> {
        runtime()?.block_on(self.show())
    }

    async fn show(self) -> Result<Ending, Failure> {
        let period = Period::of(self.since, self.until, SystemClock.now())?;
        let filter = LedgerFilter {
            project: self.project,
            tier: self.tier,
            reviewer: self.reviewer,
            decision: self.decision.map(|which| which.0),
            since: period.since,
            until: period.until,
        };
        let store = self.database.open(Login::Auditor).await?;
        let mut listing = Listing::new(columns(), &FIELDS, self.format, Palette::new(self.color));
        let shown = listing
            .pages(async |after| store.ledger_page(&filter, after, PAGE).await)
            .await?;
        remark(&counted(shown, "review", "reviews"));
        Ok(Ending::found(shown))
    }
}

fn columns() -> Vec<Column> {
    let sla = |row: &Value| match row["sla_met"].as_bool() {
        Some(true) => Cell::new("met").style(Style::Green),
        Some(false) => Cell::new("missed").style(Style::Red),
        None => Cell::new(""),
    };
    vec![
        Column {
            head: "MERGE REQUEST",
            cell: merge_request,
        },
        Column {
            head: "TIER",
            cell: |row| told(&row["risk_tier"]),
        },
        Column {
            head: "DECISION",
            cell: decision,
        },
        Column {
            head: "DECIDED",
            cell: |row| time(&row["decided_at"]),
        },
        Column {
            head: "REVIEWER",
            cell: |row| told(&row["deciding_reviewer_username"]),
        },
        Column {
            head: "TO APPROVAL",
            cell: |row| between(row, "labelled_at", "approved_at"),
        },
        Column {
            head: "TO DECISION",
            cell: |row| between(row, "labelled_at", "decided_at"),
        },
        Column { head: "SLA", cell: sla },
        Column {
            head: "TITLE",
            cell: |row| told(&row["title"]),
        },
    ]
}
