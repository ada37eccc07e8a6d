//! `countersign effects`: the effects of each merge request, and retries.

use std::io::Write as _;

use clap::{Args, Subcommand};
use model::{Clock, EffectKind, EffectState, SystemClock};
use serde_json::Value;
use store::{EffectFilter, Requeued, Store};
use uuid::Uuid;

use crate::args::database::{Database, Login};
use crate::args::instant::Times;
use crate::args::merge_request::{MergeRequestName, unknown_merge_request};
use crate::output::listing::{Column, Listing, Output, known_merge_request, plain, text_cell, time};
use crate::output::table::Cell;
use crate::output::terminal::{Style, sanitize};
use crate::output::{CommandError, Ending, counted, remark, standard};

const PAGE: u32 = 500;

const FIELDS: &str = "\
    id instance project_id project_path mr_iid title kind destination state attempts external_id last_error_class last_error \
    superseded_because created_at updated_at next_attempt_at decision_id correlation_id";

/// List effects in Slack, Linear, Jira, Confluence and EventBridge; retry those that were given up.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  countersign effects
  countersign effects --state dead
  countersign effects --merge-request payments/gateway!811
  countersign effects retry --state dead --kind linear_issue --note 'the key was rotated'

States: pending (waits for its next attempt), leased (being attempted), done, suppressed (dry run), ambiguous (may have been applied;
its target is checked), dead (given up; needs an operator), superseded (no longer needed, with the reason).
--since and --until filter by creation time.
Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 output error."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    retry: Option<Retry>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Subcommand)]
enum Retry {
    Retry(Box<RetryArguments>),
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text of --help, read on a terminal")]
pub(crate) struct Which {
    /// Effects of one merge request: 7301!811, main/7301!811 or payments/gateway!811
    #[arg(long, value_name = "PROJECT!IID", value_parser = MergeRequestName::parse)]
    merge_request: Option<MergeRequestName>,
    /// Only projects with this numeric id or path prefix: payments/ or payments/gateway
    #[arg(long, value_name = "ID|PATH")]
    project: Option<String>,
    /// slack_exception_alert, slack_exception_update, slack_pod_confirmation, linear_issue, jira_issue, confluence_row, eventbridge_ledger_row
    #[arg(long)]
    kind: Option<EffectKind>,
    /// pending, leased, done, suppressed, ambiguous, dead, superseded; several separated by commas
    #[arg(long, value_delimiter = ',')]
    state: Vec<EffectState>,
    #[command(flatten)]
    times: Times,
}

impl Which {
    /// Builds the filter. `None`: the merge request is unknown.
    async fn filter(&self, store: &Store) -> Result<Option<EffectFilter>, CommandError> {
        let period = self.times.period(SystemClock.now())?;
        let merge_request = match &self.merge_request {
            Some(named) => match named.find(store).await? {
                Some(key) => Some(key),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(EffectFilter {
            ids: Vec::new(),
            merge_request,
            project: self.project.clone(),
            kind: self.kind,
            states: self.state.clone(),
            since: period.since,
            until: period.until,
        }))
    }

    /// Reports that the merge request is unknown.
    fn unknown(&self) -> Ending {
        self.merge_request
            .as_ref()
            .map_or(Ending::Nothing, unknown_merge_request)
    }
}

impl Arguments {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        match &self.retry {
            Some(Retry::Retry(arguments)) => arguments.run().await,
            None => self.show().await,
        }
    }

    async fn show(&self) -> Result<Ending, CommandError> {
        let store = self.database.open(Login::Auditor).await?;
        let Some(filter) = self.which.filter(&store).await? else {
            return Ok(self.which.unknown());
        };
        let listing = Listing::new(&COLUMNS, FIELDS, self.output);
        let page = async |after| Ok(store.effects_page(&filter, after, PAGE).await?.into_parts());
        listing.show(["effect", "effects"], page).await
    }
}

const COLUMNS: [Column; 9] = [
    ("MERGE REQUEST", known_merge_request),
    ("KIND", |row| text_cell(&row["kind"])),
    ("DESTINATION", |row| text_cell(&row["destination"])),
    ("STATE", state_cell),
    ("ATTEMPTS", |row| text_cell(&row["attempts"]).right()),
    ("EXTERNAL ID", |row| text_cell(&row["external_id"])),
    ("UPDATED", |row| time(&row["updated_at"])),
    ("ID", |row| text_cell(&row["id"])),
    ("REASON", |row| {
        let because = ["superseded_because", "last_error"].map(|name| &row[name]);
        because
            .into_iter()
            .find(|reason| reason.is_string())
            .map_or_else(|| Cell::new(""), text_cell)
    }),
];

fn state_cell(row: &Value) -> Cell {
    let style = match row["state"].as_str() {
        Some("done") => Style::Green,
        Some("dead") => Style::Red,
        Some("pending" | "leased" | "ambiguous") => Style::Yellow,
        _ => Style::Plain,
    };
    text_cell(&row["state"]).style(style)
}

/// Queue effects again: dead ones, those suppressed by a dry run, and waiting ones without further delay.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign effects retry 0195a000-0000-7000-8000-0000000000e1
  countersign effects retry --state dead --kind confluence_row --note 'the page is there again'
  countersign effects retry --state dead --merge-request payments/gateway!811 --dry-run

If an effect was attempted before, its target is checked first, so that nothing is duplicated. The maintenance function enqueues it
with its next run, within a minute. The table effect_requeues records who queued an effect again, when and why.
This command writes: use DATABASE_URL of the database's owner or of the application, not an auditor's.
Exit codes: 0 queued, 1 nothing queued, 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct RetryArguments {
    /// Ids of effects
    #[arg(value_name = "ID", conflicts_with_all = ["merge_request", "project", "kind", "state", "since", "until"])]
    ids: Vec<Uuid>,
    #[command(flatten)]
    which: Which,
    /// The reason, recorded with the retry
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only list the effects that would be queued
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    database: Database,
}

impl RetryArguments {
    async fn run(&self) -> Result<Ending, CommandError> {
        let retryable = [
            EffectState::Dead,
            EffectState::Suppressed,
            EffectState::Pending,
            EffectState::Ambiguous,
        ];
        if self.ids.is_empty() && self.which.state.is_empty() {
            let usage = "no effects selected: pass their ids, or at least --state, such as --state dead";
            return Err(CommandError::Usage(usage.to_owned()));
        }
        if let Some(state) = self.which.state.iter().find(|state| !retryable.contains(state)) {
            let usage = format!(
                "{} effects cannot be queued again; only dead, suppressed, pending and ambiguous ones can",
                state.as_str()
            );
            return Err(CommandError::Usage(usage));
        }
        self.queue().await
    }

    async fn queue(&self) -> Result<Ending, CommandError> {
        let store = self.database.open(Login::Owner).await?;
        let Some(mut filter) = self.which.filter(&store).await? else {
            return Ok(self.which.unknown());
        };
        filter.ids.clone_from(&self.ids);
        let ids = self.chosen(&store, &filter).await?;
        let mut out = standard();
        let mut queued = 0_u64;
        for (id, about) in &ids {
            if self.dry_run {
                writeln!(out, "{id} {about}: would be queued")?;
                queued += 1;
                continue;
            }
            let result = match store.requeue_effect(*id, self.note.as_ref(), SystemClock.now()).await? {
                Requeued::Due => {
                    queued += 1;
                    "queued again".to_owned()
                }
                Requeued::Refused { state, reason } => {
                    let reason = reason
                        .map(|reason| format!(": {}", sanitize(&reason)))
                        .unwrap_or_default();
                    format!("skipped: already {}{reason}", state.as_str())
                }
                Requeued::Unknown => "unknown effect".to_owned(),
            };
            writeln!(out, "{id} {about}: {result}")?;
        }
        out.flush()?;
        let verb = if self.dry_run {
            "would be queued"
        } else {
            "queued again"
        };
        remark(&format!("{} {verb}", counted(queued, "effect", "effects")));
        Ok(Ending::found(queued))
    }

    /// Ids with a description of each. An unknown id is kept, so that it is reported.
    async fn chosen(&self, store: &Store, filter: &EffectFilter) -> Result<Vec<(Uuid, String)>, CommandError> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = store.effects_page(filter, after, PAGE).await?;
            for row in &page.rows {
                let about = ["kind", "destination", "project_path", "mr_iid"]
                    .map(|name| sanitize(&plain(&row[name])).into_owned());
                let [kind, destination, project, iid] = about;
                if let Some(id) = row["id"].as_str().and_then(|id| id.parse().ok()) {
                    found.push((id, format!("{kind} {destination} {project}!{iid}")));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let missing = self
            .ids
            .iter()
            .filter(|id| !found.iter().any(|(known, _)| known == *id));
        let missing: Vec<_> = missing.map(|id| (*id, String::new())).collect();
        found.extend(missing);
        Ok(found)
    }
}
