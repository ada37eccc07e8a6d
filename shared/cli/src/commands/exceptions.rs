//! `countersign exceptions`: merges without a valid, proven approval.

use clap::Args;
use model::{Clock, ExceptionKind, ExceptionStatus, SystemClock};
use store::ExceptionFilter;

use crate::args::database::{Database, Login};
use crate::args::instant::Times;
use crate::output::listing::{Column, Listing, Output, merge_request, text_cell, time};
use crate::output::{CommandError, Ending};

const PAGE: u32 = 500;

const FIELDS: &str = "\
    id instance project_id project_path mr_iid mr_title mr_url author_username merged_by_username labels risk_tier kind reason_codes \
    reasons approvals merged_at merge_commit_sha head_sha rules_hash status recorded_at correlation_id";

/// List merges of security-labelled merge requests without a valid, proven approval.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign exceptions --since 7d
  countersign exceptions --kind self_approved --project payments/
  countersign exceptions --merger mlopez --format json

--since and --until filter by merge time. Withdrawn exceptions are shown only with --status withdrawn.
Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 output error.")]
#[expect(clippy::doc_markdown, reason = "the text of --help, read on a terminal")]
pub(crate) struct Arguments {
    /// Only projects with this numeric id or path prefix: payments/ or payments/gateway
    #[arg(long, value_name = "ID|PATH")]
    project: Option<String>,
    /// Risk tier
    #[arg(long)]
    tier: Option<String>,
    /// Any exception to which this kind applies: no_approval, self_approved, unverified ...
    #[arg(long)]
    kind: Option<ExceptionKind>,
    /// open, acknowledged, closed, withdrawn
    #[arg(long)]
    status: Option<ExceptionStatus>,
    /// Username of the merger
    #[arg(long, value_name = "USERNAME")]
    merger: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        let period = self.times.period(SystemClock.now())?;
        let filter = ExceptionFilter {
            project: self.project,
            tier: self.tier,
            kind: self.kind.map(|kind| kind.as_str().to_owned()),
            status: self.status.map(|status| status.as_str().to_owned()),
            merger: self.merger,
            since: period.since,
            until: period.until,
        };
        let store = self.database.open(Login::Auditor).await?;
        let listing = Listing::new(&COLUMNS, FIELDS, self.output);
        let page = async |after| Ok(store.exception_page(&filter, after, PAGE).await?.into_parts());
        listing.show(["exception", "exceptions"], page).await
    }
}

const COLUMNS: [Column; 8] = [
    ("MERGE REQUEST", merge_request),
    ("KIND", |row| text_cell(&row["kind"])),
    ("TIER", |row| text_cell(&row["risk_tier"])),
    ("MERGED", |row| time(&row["merged_at"])),
    ("BY", |row| text_cell(&row["merged_by_username"])),
    ("AUTHOR", |row| text_cell(&row["author_username"])),
    ("STATUS", |row| text_cell(&row["status"])),
    ("TITLE", |row| text_cell(&row["mr_title"])),
];
