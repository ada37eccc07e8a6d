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
use crate::output::{Ending, Failure, counted, remark, standard};
use other::Others;

const PAGE: u32 = 500;

/// Compute every stored decision again from its stored input with the rules that made it: each must give the same result.
#[derive(Debug, Args)]
#[command(after_help = "\
Decisions that another version of the rules code made are not compared: of them the digests of evidence and rules are checked, and standard
error says how many there are and what this version would decide.
Exit codes: 0 every decision of this version came out as it was, and every digest is right; 1 one did not, could not be computed, or
there are no decisions; 2 the command line, 3 the database, 4 the output.")]
pub(crate) struct Replay {
    /// Verify stored decisions (required)
    #[arg(long, required = true)]
    verify: bool,
    /// Recorded from this time: 2026-11-23, or a duration before now: 7d. Without it, all
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    #[command(flatten)]
    database: Database,
}

impl Replay {
    pub(crate) async fn run(&self) -> Result<Ending, Failure> {
        let period = Period::of(self.since, None, SystemClock.now())?;
        let store = self.database.open(Login::Auditor).await?;
        let mut known: HashMap<String, Option<Rules>> = HashMap::new();
        let (mut same, mut wrong, mut others) = (0_u64, 0_u64, Others::default());
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
                let problem = digest_problem(&judgement, rules).map(str::to_owned);
                let problem = if judgement.evaluator == EVALUATOR {
                    let missing = || format!("its rules file {} is not kept", judgement.rules_hash);
                    problem.or_else(|| rules.map_or_else(|| Some(missing()), |rules| difference(&judgement, rules)))
                } else {
                    others.add(&judgement, rules);
                    problem
                };
                match problem {
                    Some(problem) => {
                        wrong += 1;
                        writeln!(out, "{} {}: {problem}", judgement.id, judgement.merge_request)?;
                    }
                    None if judgement.evaluator == EVALUATOR => same += 1,
                    None => {}
                }
            }
        }
        out.flush()?;
        remark(&format!(
            "{} came out as stored, {wrong} did not",
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

/// What is wrong with the evidence or the rules file of a decision, whichever version made it.
fn digest_problem(judgement: &StoredDecisionInput, rules: Option<&Rules>) -> Option<&'static str> {
    if rules.is_some_and(|rules| rules.hash != judgement.rules_hash) {
        return Some("its rules file is not what its digest says");
    }
    match &judgement.evidence {
        None if judgement.stage == Stage::Merge && judgement.review.is_some() => Some("it has no evidence"),
        Some(evidence) if !evidence::proves(evidence, judgement) => Some("its evidence is not what it was decided on"),
        _ => None,
    }
}

/// The recomputed verdict. `None`: there was nothing to decide before the merge.
fn computed(judgement: &StoredDecisionInput, rules: &Rules) -> Option<(Verdict, Option<Review>)> {
    match judgement.stage {
        Stage::Merge => {
            let verdict = evaluate(&judgement.facts, rules);
            let review = review_of_merge(&judgement.facts, &verdict, rules);
            Some((verdict, review))
        }
        Stage::Review => review_before_merge(&judgement.facts, rules).map(|(verdict, review)| (verdict, Some(review))),
    }
}

/// How the result differs from what is stored.
fn difference(judgement: &StoredDecisionInput, rules: &Rules) -> Option<String> {
    let Some((verdict, review)) = computed(judgement, rules) else {
        return Some("nothing comes out".to_owned());
    };
    if verdict != judgement.verdict {
        return Some("another verdict comes out".to_owned());
    }
    // A decision from before the ledger existed has no review.
    let reviewed = judgement.review.is_some() && review != judgement.review;
    reviewed.then(|| "another review comes out".to_owned())
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

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<StoredDecisionInput>>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let page = self.store.judgements(self.after, self.since, PAGE).await?;
        self.ended = page.len() < PAGE as usize;
        self.after = page.last().map(|last| last.id);
        Ok(Some(page))
    }
}
