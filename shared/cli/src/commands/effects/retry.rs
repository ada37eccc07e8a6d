//! `countersign effects retry`: effects that were given up, queued again.

use std::io::Write as _;

use clap::Args;
use model::{Clock, EffectState, SystemClock};
use store::{EffectFilter, Requeued, Store};
use uuid::Uuid;

use super::{PAGE, Which};
use crate::args::database::{Database, Login};
use crate::output::listing::plain;
use crate::output::terminal::sanitize;
use crate::output::{CommandError, Ending, counted, remark, standard};

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
pub(crate) struct Arguments {
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

impl Arguments {
    pub(super) async fn run(&self) -> Result<Ending, CommandError> {
        let retryable = [
            EffectState::Dead,
            EffectState::Suppressed,
            EffectState::Pending,
            EffectState::Ambiguous,
        ];
        if self.ids.is_empty() && self.which.state.is_empty() {
            let usage = "no effects selected: give their ids, or at least --state, such as --state dead";
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
        let done = if self.dry_run {
            "would be queued"
        } else {
            "queued again"
        };
        remark(&format!("{} {done}", counted(queued, "effect", "effects")));
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
