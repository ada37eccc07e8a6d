//! `countersign effects retry`: effects that were given up, queued again.

use std::io::Write as _;

use clap::Args;
use model::{Clock, EffectState, SystemClock};
use store::{EffectFilter, Requeued, Store};
use uuid::Uuid;

use super::{PAGE, Which};
use crate::args::database::{Database, Login};
use crate::output::listing::plain;
use crate::output::terminal::harmless;
use crate::output::{Ending, Failure, counted, remark, standard};

/// Queue effects again: those that were given up (dead) or suppressed by a dry run, and immediately those that wait.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign effects retry 0195a000-0000-7000-8000-0000000000e1
  countersign effects retry --state dead --kind confluence_row --note 'the page is there again'
  countersign effects retry --state dead --merge-request payments/gateway!811 --dry-run

What has been tried before is looked for at its target before it is done again, so that nothing is doubled. The maintenance function
takes it up with its next run, within a minute. Who queued it again, when and why is kept in the table effect_requeues.
It writes: give DATABASE_URL of the database's owner or of the application, not an auditor's.
Exit codes: 0 queued, 1 nothing was queued, 2 the command line, 3 the database, 4 the output.")]
pub(crate) struct Arguments {
    /// Effects by their id
    #[arg(value_name = "ID", conflicts_with_all = ["merge_request", "project", "kind", "state", "since", "until"])]
    ids: Vec<Uuid>,
    #[command(flatten)]
    which: Which,
    /// The reason, kept with the effect
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only list the effects that would be queued
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(super) async fn run(&self) -> Result<Ending, Failure> {
        let by_hand = [
            EffectState::Dead,
            EffectState::Suppressed,
            EffectState::Pending,
            EffectState::Ambiguous,
        ];
        if self.ids.is_empty() && self.which.state.is_empty() {
            let usage = "say which effects: their ids, or at least --state dead";
            return Err(Failure::Usage(usage.to_owned()));
        }
        if let Some(state) = self.which.state.iter().find(|state| !by_hand.contains(state)) {
            let usage = format!(
                "what is {} cannot be queued again: dead, suppressed, pending and ambiguous can",
                state.as_str()
            );
            return Err(Failure::Usage(usage));
        }
        self.queue().await
    }

    async fn queue(&self) -> Result<Ending, Failure> {
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
            let told = match store.requeue_effect(*id, self.note.as_ref(), SystemClock.now()).await? {
                Requeued::Due => {
                    queued += 1;
                    "queued again".to_owned()
                }
                Requeued::Refused { state, reason } => {
                    let reason = reason
                        .map(|reason| format!(": {}", harmless(&reason)))
                        .unwrap_or_default();
                    format!("left as it is, since it is {}{reason}", state.as_str())
                }
                Requeued::Unknown => "there is no such effect".to_owned(),
            };
            writeln!(out, "{id} {about}: {told}")?;
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
    async fn chosen(&self, store: &Store, filter: &EffectFilter) -> Result<Vec<(Uuid, String)>, Failure> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = store.effects_page(filter, after, PAGE).await?;
            for row in &page.rows {
                let about = ["kind", "destination", "project_path", "mr_iid"]
                    .map(|name| harmless(&plain(&row[name])).into_owned());
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
