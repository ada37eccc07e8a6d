//! `countersign simulate`: what other rules would have decided.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use model::{Clock, EventAction, Facts, HistoryEvent, SystemClock};
use rules::{Rules, evaluate};
use serde_json::json;
use store::{DecisionStage, Store, StoredDecisionInput, StoredEvent};

use crate::args::database::{Database, Login};
use crate::args::instant::{Instant, Period};
use crate::commands::evidence;
use crate::commands::replay::{Pages, word};
use crate::output::listing::{Column, Listing, Output, text_cell};
use crate::output::{CommandError, Ending, counted, remark, standard};

const FIELDS: &str = "merge_request recorded_at stored simulated stored_tier simulated_tier reasons";

/// Show which current decisions on merges other rules would change. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign simulate --rules stricter.yaml --since 90d
  countersign simulate --rules stricter.yaml --since 2026-10-01 --format csv > differences.csv

Labels are those of GitLab's stored answer and of every event received up to the decision. Decisions of another version of the rules code
may differ even under the same rules. GitLab is not read: rules that name another group or approval rule are evaluated with the members
that were read for the old one.
Exit codes: 0 differences found, 1 none, 2 invalid command line or rules file, 3 database error, 4 output error.")]
pub(crate) struct Simulate {
    /// The other rules file
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Decisions recorded since this time: 2026-11-23, or a duration before now: 7d. Default: all
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    database: Database,
}

impl Simulate {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let name = self.rules.display();
        let text =
            std::fs::read_to_string(&self.rules).map_err(|error| CommandError::Usage(format!("{name}: {error}")))?;
        let rules = Rules::parse(&text).map_err(|error| CommandError::Usage(format!("{name}: {error}")))?;
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let mut listing = Listing::new(&COLUMNS, FIELDS, self.output);
        let mut out = standard();
        let (mut checked, mut differ) = (0_u64, 0_u64);
        let mut pages = Pages::new(&store, period.since);
        while let Some(page) = pages.next().await? {
            let mut rows = Vec::new();
            for decision in page
                .iter()
                .filter(|decision| decision.stage == DecisionStage::Merge && decision.current)
            {
                checked += 1;
                let simulated = evaluate(&complete_facts(&store, decision, &rules).await?, &rules);
                if simulated.outcome == decision.verdict.outcome && simulated.risk_tier == decision.verdict.risk_tier {
                    continue;
                }
                differ += 1;
                let reasons: Vec<_> = simulated.reasons.iter().map(|reason| reason.detail.clone()).collect();
                rows.push(json!({
                    "merge_request": decision.merge_request.to_string(), "recorded_at": decision.recorded_at,
                    "stored": word(&decision.verdict.outcome), "simulated": word(&simulated.outcome),
                    "stored_tier": decision.verdict.risk_tier, "simulated_tier": simulated.risk_tier, "reasons": reasons,
                }));
            }
            listing.write(&mut out, &rows)?;
            out.flush()?;
        }
        remark(&format!(
            "{} checked, {differ} would change",
            counted(checked, "merge", "merges")
        ));
        Ok(Ending::found(differ))
    }
}

const COLUMNS: [Column; 6] = [
    ("MERGE REQUEST", |row| text_cell(&row["merge_request"])),
    ("STORED", |row| text_cell(&row["stored"])),
    ("SIMULATED", |row| text_cell(&row["simulated"])),
    ("TIER", |row| text_cell(&row["stored_tier"])),
    ("SIMULATED TIER", |row| text_cell(&row["simulated_tier"])),
    ("REASONS", |row| text_cell(&row["reasons"])),
];

/// Each event may hold long lists.
const PAGE: u32 = 200;

/// The facts with the label lists of the evidence and of every event received before the decision.
async fn complete_facts(store: &Store, decision: &StoredDecisionInput, rules: &Rules) -> Result<Facts, CommandError> {
    let mut facts = decision.facts.clone();
    if let Some(answer) = decision
        .evidence
        .as_ref()
        .and_then(|evidence| evidence::answer(evidence, decision))
    {
        facts.api = answer;
    }
    let mut lists = Lists::of(&facts);
    let mut after = None;
    loop {
        let page = store
            .stored_events(&decision.merge_request, decision.recorded_at, after, PAGE)
            .await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|last| last.cursor);
        for StoredEvent { mut event, .. } in page {
            // Other titles do not affect the decision, and would fill the memory.
            for list in [&mut event.labels, &mut event.labels_added, &mut event.labels_removed] {
                list.retain(|title| rules.is_security_label(title));
            }
            lists.add(event);
        }
        if is_last {
            break;
        }
    }
    lists.restore(&mut facts);
    Ok(facts)
}

/// Stored events by identity, without their lists.
struct Lists {
    /// The decision's version recorded the time of receipt with each event, which identifies events.
    by_receipt: bool,
    events: BTreeMap<HistoryEvent, VecDeque<HistoryEvent>>,
    merges: Vec<HistoryEvent>,
}

impl Lists {
    fn of(facts: &Facts) -> Self {
        Self {
            by_receipt: facts.history.iter().all(|event| event.received_at.is_some()),
            events: BTreeMap::new(),
            merges: Vec::new(),
        }
    }

    fn identity(&self, event: &HistoryEvent) -> HistoryEvent {
        let mut identity = HistoryEvent {
            labels: Vec::new(),
            labels_added: Vec::new(),
            labels_removed: Vec::new(),
            labels_truncated: false,
            eligible_read_at: None,
            occurred_at_source: None,
            state: None,
            ..event.clone()
        };
        if !self.by_receipt {
            identity.received_at = None;
        }
        identity
    }

    fn add(&mut self, event: HistoryEvent) {
        if event.action == EventAction::Merge && !event.stale {
            self.merges.push(event.clone());
        }
        self.events.entry(self.identity(&event)).or_default().push_back(event);
    }

    /// Restores the lists of each event of the facts; equal events in their order.
    fn restore(mut self, facts: &mut Facts) {
        for event in &mut facts.history {
            let identity = self.identity(event);
            let Some(complete) = self.events.get_mut(&identity).and_then(VecDeque::pop_front) else {
                continue;
            };
            event.labels = complete.labels;
            event.labels_added = complete.labels_added;
            event.labels_removed = complete.labels_removed;
            event.labels_truncated = complete.labels_truncated;
        }
        let trigger = &mut facts.trigger;
        if let ([merge], true) = (self.merges.as_slice(), trigger.trusted && !trigger.labels_unknown) {
            trigger.labels.clone_from(&merge.labels);
        }
    }
}
