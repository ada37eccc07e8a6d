//! `countersign ledger`: the state of reviews.

use clap::Args;
use model::{Clock, LedgerDecision, SystemClock};
use serde_json::Value;
use store::{DecisionFilter, LedgerFilter};

use crate::args::database::{Database, Login};
use crate::args::instant::Times;
use crate::output::listing::{Column, Listing, Output, between, decision, merge_request, text_cell, time};
use crate::output::table::Cell;
use crate::output::terminal::Style;
use crate::output::{CommandError, Ending};

const PAGE: u32 = 500;

const FIELDS: &str = "\
    instance project_id project_path mr_iid title web_url author_username decision decided_at deciding_reviewer_username risk_tier \
    labels labelled_at approved_at time_to_approval time_to_decision time_unknown_reason sla_target sla_elapsed sla_met \
    merged_by_username merge_method merged_at merge_commit_sha head_sha proof notes rules_hash evidence_id evidence_sha256 revision \
    updated_at reviewers correlation_id";

/// Show the review state of each merge request with a security label.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign ledger --decision open
  countersign ledger --project payments/ --tier critical --since 30d
  countersign ledger --reviewer sec-alice --since 2026-10-01 --until 2026-12-31 --format csv > alice.csv

--since and --until filter by decision time. All matching rows are shown, page by page.
Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 output error.")]
#[expect(clippy::doc_markdown, reason = "the text of --help, read on a terminal")]
pub(crate) struct Arguments {
    /// Only projects with this numeric id or path prefix: payments/ or payments/gateway
    #[arg(long, value_name = "ID|PATH")]
    project: Option<String>,
    /// Risk tier
    #[arg(long)]
    tier: Option<String>,
    /// Username of the reviewer
    #[arg(long, value_name = "USERNAME")]
    reviewer: Option<String>,
    /// approved, approval_revoked, merged, merged_without_approval, merged_unverified, closed, reopened; or open: awaiting review
    #[arg(long, value_parser = which)]
    decision: Option<Which>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    database: Database,
}

/// A decision on the command line.
#[derive(Debug, Clone, Copy)]
struct Which(DecisionFilter);

fn which(text: &str) -> Result<Which, String> {
    if text == "open" {
        return Ok(Which(DecisionFilter::Open));
    }
    let decision = text.parse::<LedgerDecision>();
    decision
        .map(|decision| Which(DecisionFilter::Is(decision)))
        .map_err(|expected| format!("{expected}, open"))
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        let period = self.times.period(SystemClock.now())?;
        let filter = LedgerFilter {
            project: self.project,
            tier: self.tier,
            reviewer: self.reviewer,
            decision: self.decision.map(|which| which.0),
            since: period.since,
            until: period.until,
        };
        let store = self.database.open(Login::Auditor).await?;
        let listing = Listing::new(&COLUMNS, FIELDS, self.output);
        let page = async |after| Ok(store.ledger_page(&filter, after, PAGE).await?.into_parts());
        listing.show(["review", "reviews"], page).await
    }
}

const COLUMNS: [Column; 9] = [
    ("MERGE REQUEST", merge_request),
    ("TIER", |row| text_cell(&row["risk_tier"])),
    ("DECISION", decision),
    ("DECIDED", |row| time(&row["decided_at"])),
    ("REVIEWER", |row| text_cell(&row["deciding_reviewer_username"])),
    ("TO APPROVAL", |row| between(row, "labelled_at", "approved_at")),
    ("TO DECISION", |row| between(row, "labelled_at", "decided_at")),
    ("SLA", service_level),
    ("TITLE", |row| text_cell(&row["title"])),
];

fn service_level(row: &Value) -> Cell {
    match row["sla_met"].as_bool() {
        Some(true) => Cell::new("met").style(Style::Green),
        Some(false) => Cell::new("missed").style(Style::Red),
        None => Cell::new(""),
    }
}
