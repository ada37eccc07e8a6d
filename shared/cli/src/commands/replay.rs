//! `countersign replay`: recomputes stored decisions with the rules that made them.

mod other;

use std::collections::HashMap;
use std::io::Write as _;

use clap::Args;
use jiff::Timestamp;
use model::{Clock, Review, SystemClock, Verdict};
use rules::{EVALUATOR, Rules, evaluate, review_before_merge, review_of_merge};
use store::{Stage, Store, StoredDecisionInput};
use uuid::Uuid;

use crate::args::database::{Database, Login};
use crate::args::instant::{Instant, Period};
use crate::commands::evidence;
use crate::output::{CommandError, Ending, counted, remark, standard};
use other::Others;

const PAGE: u32 = 500;

/// Recompute every stored decision from its stored input with the rules that made it; each must give the same result.
#[derive(Debug, Args)]
#[command(after_help = "\
Decisions of another version of the rules code are not compared. The digests of their evidence and rules are checked, and standard error
shows their number and what this version would decide.
Exit codes: 0 every decision of this version verified, and every digest matches; 1 a mismatch, a decision that cannot be computed, or no
decisions; 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct Replay {
    /// Verify stored decisions (required)
    #[arg(long, required = true)]
    verify: bool,
    /// Decisions recorded since this time: 2026-11-23, or a duration before now: 7d. Default: all
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    #[command(flatten)]
    database: Database,
}

impl Replay {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let mut known: HashMap<String, Option<Rules>> = HashMap::new();
        let (mut same, mut wrong, mut others) = (0_u64, 0_u64, Others::default());
        let mut out = standard();
        let mut pages = Pages::new(&store, period.since);
        while let Some(page) = pages.next().await? {
            for decision in page {
                // 1. The rules that made it; each file is parsed once.
                if !known.contains_key(&decision.rules_hash) {
                    let file = store.rules_file(&decision.rules_hash).await?;
                    let rules = file.and_then(|file| Rules::parse_stored(&file).ok());
                    known.insert(decision.rules_hash.clone(), rules);
                }
                let rules = known.get(&decision.rules_hash).and_then(Option::as_ref);
                // 2. Digests of every version are checked, results only of this one.
                let problem = digest_problem(&decision, rules).map(str::to_owned);
                let problem = if decision.evaluator == EVALUATOR {
                    let missing = || format!("rules file {} not stored", decision.rules_hash);
                    problem.or_else(|| rules.map_or_else(|| Some(missing()), |rules| difference(&decision, rules)))
                } else {
                    others.add(&decision, rules);
                    problem
                };
                match problem {
                    Some(problem) => {
                        wrong += 1;
                        writeln!(out, "{} {}: {problem}", decision.id, decision.merge_request)?;
                    }
                    None if decision.evaluator == EVALUATOR => same += 1,
                    None => {}
                }
            }
        }
        out.flush()?;
        remark(&format!(
            "{} verified, {wrong} mismatched",
            counted(same, "decision", "decisions")
        ));
        others.remark();
        Ok(if wrong > 0 || (same == 0 && others.count() == 0) {
            Ending::Nothing
        } else {
            Ending::Done
        })
    }
}

/// A problem with the evidence or the rules file of a decision, for any version of the rules code.
fn digest_problem(decision: &StoredDecisionInput, rules: Option<&Rules>) -> Option<&'static str> {
    if rules.is_some_and(|rules| rules.hash != decision.rules_hash) {
        return Some("rules file does not match its digest");
    }
    match &decision.evidence {
        None if decision.stage == Stage::Merge && decision.review.is_some() => Some("no evidence"),
        Some(evidence) if !evidence::proves(evidence, decision) => Some("evidence does not match the decision"),
        _ => None,
    }
}

/// The recomputed verdict. `None`: there was nothing to decide before the merge.
fn computed(decision: &StoredDecisionInput, rules: &Rules) -> Option<(Verdict, Option<Review>)> {
    match decision.stage {
        Stage::Merge => {
            let verdict = evaluate(&decision.facts, rules);
            let review = review_of_merge(&decision.facts, &verdict, rules);
            Some((verdict, review))
        }
        Stage::Review => review_before_merge(&decision.facts, rules).map(|(verdict, review)| (verdict, Some(review))),
    }
}

/// How the result differs from what is stored.
fn difference(decision: &StoredDecisionInput, rules: &Rules) -> Option<String> {
    let Some((verdict, review)) = computed(decision, rules) else {
        return Some("recomputed without a result".to_owned());
    };
    if verdict != decision.verdict {
        return Some("recomputed verdict differs".to_owned());
    }
    // A decision from before the ledger existed has no review.
    let reviewed = decision.review.is_some() && review != decision.review;
    reviewed.then(|| "recomputed review differs".to_owned())
}

/// An outcome as text.
pub(crate) fn word(outcome: &model::VerdictOutcome) -> String {
    match outcome {
        model::VerdictOutcome::NotCarried => "not_carried".to_owned(),
        model::VerdictOutcome::Declassified => "declassified".to_owned(),
        model::VerdictOutcome::Approved { .. } => "approved".to_owned(),
        model::VerdictOutcome::Exception { kind } => format!("exception: {}", kind.as_str()),
        model::VerdictOutcome::Pending { .. } => "pending".to_owned(),
    }
}

/// Decisions page by page.
pub(crate) struct Pages<'a> {
    store: &'a Store,
    since: Option<Timestamp>,
    after: Option<Uuid>,
    ended: bool,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(store: &'a Store, since: Option<Timestamp>) -> Self {
        Self {
            store,
            since,
            after: None,
            ended: false,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<StoredDecisionInput>>, CommandError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.store.judgements(self.after, self.since, PAGE).await?;
        self.ended = page.len() < PAGE as usize;
        self.after = page.last().map(|last| last.id);
        Ok(Some(page))
    }
}
