//! `countersign replay` and `countersign simulate`: decisions computed again, by the rules that made them or by others.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use model::{Clock, SystemClock};
use rules::{Rules, evaluate, review_before_merge, review_of_merge};
use serde_json::json;
use store::{Stage, Store, StoredJudgement};
use uuid::Uuid;

use crate::audit::Format;
use crate::database::{Database, Login, runtime};
use crate::evidence;
use crate::instant::{Instant, Period};
use crate::listing::{Column, Listing, told};
use crate::output::{Ending, Failure, counted, remark, standard};
use crate::terminal::{Color, Palette};

const PAGE: u32 = 500;

/// Compute every stored decision again from what is stored with it, by the rules that made it: each must come out as it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every decision came out as it was, 1 one did not or could not be computed, 2 the command line, 3 the database, 4 the output.")]
pub(crate) struct Replay {
    /// Compare with what is stored. There is no other way to use this command; it says what is meant
    #[arg(long, required = true)]
    verify: bool,
    /// Recorded from then on: 2026-11-23, or how long ago: 7d. Without it, all
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    #[command(flatten)]
    database: Database,
}

/// Say what other rules would have decided about the merges that were decided, and show the differences. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign simulate --rules stricter.yaml --since 90d
  countersign simulate --rules stricter.yaml --since 2026-10-01 --format csv > differences.csv

Whom GitLab was asked about (the members of the team, a named approval rule) is what was asked then: rules that name another group are
judged by the membership that was read for the old one.
Exit codes: 0 differences found, 1 none, 2 the command line or the rules file, 3 the database, 4 the output.")]
pub(crate) struct Simulate {
    /// The other rules file
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Recorded from then on: 2026-11-23, or how long ago: 7d. Without it, all
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    /// table for people; json: one difference a line; csv for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Colours of the table
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

impl Replay {
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        runtime()?.block_on(self.verify())
    }

    async fn verify(&self) -> Result<Ending, Failure> {
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let mut known: HashMap<String, Option<Rules>> = HashMap::new();
        let (mut same, mut wrong) = (0_u64, 0_u64);
        let mut out = standard();
        let mut pages = Pages::new(&store, period.since);
        while let Some(page) = pages.next().await? {
            for judgement in page {
                if !known.contains_key(&judgement.rules_hash) {
                    let file = store.rules_file(&judgement.rules_hash).await?;
                    let rules = file.and_then(|file| Rules::parse_stored(&file).ok());
                    known.insert(judgement.rules_hash.clone(), rules);
                }
                let rules = known.get(&judgement.rules_hash).and_then(Option::as_ref);
                match rules.map(|rules| difference(&judgement, rules)) {
                    Some(None) => same += 1,
                    Some(Some(what)) => {
                        wrong += 1;
                        writeln!(out, "{} {}: {what}", judgement.id, judgement.merge_request)?;
                    }
                    None => {
                        wrong += 1;
                        writeln!(
                            out,
                            "{} {}: its rules file {} is not kept",
                            judgement.id, judgement.merge_request, judgement.rules_hash
                        )?;
                    }
                }
            }
        }
        out.flush()?;
        remark(&format!(
            "{} came out as stored, {wrong} did not",
            counted(same, "decision", "decisions")
        ));
        Ok(if wrong > 0 || same == 0 {
            Ending::Nothing
        } else {
            Ending::Done
        })
    }
}

/// What came out otherwise than it is stored.
fn difference(judgement: &StoredJudgement, rules: &Rules) -> Option<&'static str> {
    let (verdict, review) = match judgement.stage {
        Stage::Merge => {
            let verdict = evaluate(&judgement.facts, rules);
            let review = review_of_merge(&judgement.facts, &verdict, rules);
            (verdict, review)
        }
        Stage::Review => match review_before_merge(&judgement.facts, rules) {
            Some((verdict, review)) => (verdict, Some(review)),
            None => return Some("nothing comes out"),
        },
    };
    if verdict != judgement.verdict {
        return Some("another verdict comes out");
    }
    if judgement.stage == Stage::Merge && judgement.review.is_some() && judgement.evidence.is_none() {
        return Some("it has no evidence");
    }
    if judgement
        .evidence
        .as_ref()
        .is_some_and(|evidence| !evidence::proves(evidence, judgement))
    {
        return Some("its evidence is not what it was judged on");
    }
    // What was decided before there was a ledger has no review.
    let reviewed = judgement.review.is_some() && review != judgement.review;
    reviewed.then_some("another review comes out")
}

impl Simulate {
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        runtime()?.block_on(self.simulate())
    }

    async fn simulate(&self) -> Result<Ending, Failure> {
        let name = self.rules.display();
        let text = std::fs::read_to_string(&self.rules).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        let rules = Rules::parse(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let fields = &[
            "merge_request",
            "recorded_at",
            "stored",
            "simulated",
            "stored_tier",
            "simulated_tier",
            "reasons",
        ];
        let mut listing = Listing::new(columns(), fields, self.format, Palette::new(self.color));
        let mut out = standard();
        let (mut looked_at, mut differ) = (0_u64, 0_u64);
        let mut pages = Pages::new(&store, period.since);
        while let Some(page) = pages.next().await? {
            let mut rows = Vec::new();
            for judgement in page
                .iter()
                .filter(|judgement| judgement.stage == Stage::Merge && judgement.stands)
            {
                looked_at += 1;
                let simulated = evaluate(&judgement.facts, &rules);
                if simulated.outcome == judgement.verdict.outcome && simulated.risk_tier == judgement.verdict.risk_tier
                {
                    continue;
                }
                differ += 1;
                let reasons: Vec<_> = simulated.reasons.iter().map(|reason| reason.detail.clone()).collect();
                rows.push(json!({
                    "merge_request": judgement.merge_request.to_string(), "recorded_at": judgement.recorded_at,
                    "stored": word(&judgement.verdict.outcome), "simulated": word(&simulated.outcome),
                    "stored_tier": judgement.verdict.risk_tier, "simulated_tier": simulated.risk_tier, "reasons": reasons,
                }));
            }
            listing.write(&mut out, &rows)?;
            out.flush()?;
        }
        remark(&format!(
            "{} looked at, {differ} would have been decided otherwise",
            counted(looked_at, "merge", "merges")
        ));
        Ok(Ending::found(differ))
    }
}

fn word(outcome: &model::Outcome) -> String {
    match outcome {
        model::Outcome::NotCarried => "not_carried".to_owned(),
        model::Outcome::Declassified => "declassified".to_owned(),
        model::Outcome::Approved { .. } => "approved".to_owned(),
        model::Outcome::Exception { kind } => format!("exception: {}", kind.as_str()),
        model::Outcome::Pending { .. } => "pending".to_owned(),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column {
            head: "MERGE REQUEST",
            cell: |row| told(&row["merge_request"]),
        },
        Column {
            head: "STORED",
            cell: |row| told(&row["stored"]),
        },
        Column {
            head: "SIMULATED",
            cell: |row| told(&row["simulated"]),
        },
        Column {
            head: "TIER",
            cell: |row| told(&row["stored_tier"]),
        },
        Column {
            head: "SIMULATED TIER",
            cell: |row| told(&row["simulated_tier"]),
        },
        Column {
            head: "REASONS",
            cell: |row| told(&row["reasons"]),
        },
    ]
}

/// Decisions page by page.
struct Pages<'a> {
    store: &'a Store,
    since: Option<Timestamp>,
    after: Option<Uuid>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(store: &'a Store, since: Option<Timestamp>) -> Self {
        Self {
            store,
            since,
            after: None,
            ended: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<StoredJudgement>>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let page = self.store.judgements(self.after, self.since, PAGE).await?;
        self.ended = page.len() < PAGE as usize;
        self.after = page.last().map(|last| last.id);
        Ok(Some(page))
    }
}
