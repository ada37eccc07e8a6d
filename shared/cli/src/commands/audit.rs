//! `countersign audit`: search in the audit log.

mod csv;
mod format;
pub(crate) mod tabular;

use std::io::Write as _;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use model::{Clock, SystemClock};
use store::{AuditActor, AuditFilter, AuditOrder, AuditOutcome, AuditTarget, Store};
use uuid::Uuid;

use self::format::Entries;
use crate::args::database::{Database, Login};
use crate::args::instant::{Period, Times};
use crate::commands::{gaps, import};
use crate::output::listing::Format;
use crate::output::terminal::{Color, Palette};
use crate::output::{CommandError, Ending, counted, remark, standard};

/// The first page is small, so that its rows appear immediately.
const FIRST_PAGE: u32 = 50;
const PAGE: u32 = 1_000;

const EXAMPLES: &str = "\
Examples:
  countersign audit --action gitlab.api. --since 24h
  countersign audit --action webhook.auth.verify --outcome failure --since 2026-11-01 --until 2026-11-30
  countersign audit --target 7301!811 --oldest-first
  countersign audit --service gitlab-copilot-agent --since 24h
  countersign audit --outcome rate_limit --since 7d --format csv > limited.csv

An entry must match every given filter. All matching entries are shown, page by page; standard error shows their number at the end.
Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 file or output error.";

/// Search the audit log; show what is missing in it; import exported logs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    search: Search,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gaps(gaps::Arguments),
    Import(import::Arguments),
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text of --help, read on a terminal")]
struct Search {
    /// What started the work: webhook_event, poll_cycle, admin_action, or the UUID of one
    #[arg(long, value_name = "TYPE|UUID")]
    actor: Option<AuditActor>,
    /// Actions with this prefix: gitlab.api. or webhook.auth.verify
    #[arg(long, value_name = "PREFIX")]
    action: Option<String>,
    /// Targets with this prefix: merge_request:main/7301! or slack_channel:; or one merge request: 7301!811, main/7301!811; or all
    /// of a project: 7301!
    #[arg(long, value_name = "PREFIX", value_parser = |text: &str| Ok::<_, std::convert::Infallible>(AuditTarget::from(text)))]
    target: Option<AuditTarget>,
    #[command(flatten)]
    times: Times,
    /// Outcome: success, failure, or a class of failure: auth_failure, rate_limit, network_error, timeout,
    /// not_found, conflict, server_error, invalid_response
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<AuditOutcome>,
    /// Entries of one delivery, poll cycle or admin action
    #[arg(long, value_name = "UUID")]
    correlation: Option<Uuid>,
    /// Entries of one W3C trace: 32 hex digits, or a full traceparent
    #[arg(long, value_name = "ID", value_parser = trace_id)]
    trace: Option<String>,
    /// Entries that this service wrote: webhook, gitlab-copilot-agent
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// One entry: its id, or the id that another service gave to it
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
    /// Maximum number of entries. Default: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show the oldest entries first
    #[arg(long)]
    oldest_first: bool,
    /// table for people; json: the lines exactly as printed, one entry per line; csv for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// When to colour the table
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

/// A W3C trace id, alone or inside a `traceparent`.
pub(crate) fn trace_id(text: &str) -> Result<String, &'static str> {
    let id = match text.split('-').collect::<Vec<_>>().as_slice() {
        [id] | [_, id, _, _] => id.to_ascii_lowercase(),
        _ => String::new(),
    };
    let valid = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid {
        Ok(id)
    } else {
        Err("expected 32 hex digits, or a full traceparent")
    }
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        match self.command {
            Some(Command::Gaps(arguments)) => arguments.run().await,
            Some(Command::Import(arguments)) => arguments.run().await,
            None => self.search.run().await,
        }
    }
}

impl Search {
    async fn run(self) -> Result<Ending, CommandError> {
        let filter = self.filter(SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let found = self.show(&store, &filter).await?;
        remark(&self.ending(&filter, found));
        Ok(Ending::found(found))
    }

    fn filter(&self, now: Timestamp) -> Result<AuditFilter, CommandError> {
        let Period { since, until } = self.times.period(now)?;
        Ok(AuditFilter {
            actor: self.actor,
            action: self.action.clone(),
            target: self.target.clone(),
            since,
            until,
            outcome: self.outcome,
            correlation_id: self.correlation,
            trace_id: self.trace.clone(),
            service: self.service.clone(),
            entry_id: self.id,
        })
    }

    /// Page by page, each in its own transaction: a waiting reader blocks nothing in the database.
    async fn show(&self, store: &Store, filter: &AuditFilter) -> Result<u64, CommandError> {
        let order = if self.oldest_first {
            AuditOrder::OldestFirst
        } else {
            AuditOrder::NewestFirst
        };
        let mut out = standard();
        let mut entries = Entries::new(self.format, Palette::new(self.color));
        let (mut shown, mut after, mut page) = (0_u64, None, FIRST_PAGE);
        loop {
            let left = self.limit.map_or(u64::from(page), |limit| limit - shown);
            let wanted = u32::try_from(left).unwrap_or(page).min(page);
            let rows = store.search_audit(filter, after, order, wanted).await?;
            entries.write(&mut out, &rows)?;
            out.flush()?;
            shown += rows.len() as u64;
            let full = rows.len() == wanted as usize;
            match rows.last() {
                Some(last) if full && self.limit != Some(shown) => after = Some(last.id),
                _ => return Ok(shown),
            }
            page = PAGE;
        }
    }

    fn ending(&self, filter: &AuditFilter, found: u64) -> String {
        let mut text = counted(found, "entry", "entries");
        if let Some(since) = filter.since {
            text = format!("{text}, from {since:.3}");
        }
        if let Some(until) = filter.until {
            text = format!("{text}, before {until:.3}");
        }
        if self.limit == Some(found) {
            text = format!("{text}; stopped at --limit, there may be more");
        }
        text
    }
}
