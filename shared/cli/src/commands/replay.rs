//! `countersign replay`: recomputes stored decisions with the rules that made them.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use clap::Args;
use jiff::Timestamp;
use model::{Clock, Review, SystemClock, Verdict};
use rules::{EVALUATOR, Rules, evaluate, review_before_merge, review_of_merge};
use store::{DecisionStage, Store, StoredDecisionInput};
use uuid::Uuid;

use crate::args::database::{Database, Login};
use crate::args::instant::{Instant, Period};
use crate::commands::evidence;
use crate::output::{CommandError, Ending, counted, remark, standard};

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
        let mut rules_by_hash: HashMap<String, Option<Rules>> = HashMap::new();
        let (mut same, mut wrong, mut others) = (0_u64, 0_u64, Others::default());
        let mut out = standard();
        let mut pages = Pages::new(&store, period.since);
        while let Some(page) = pages.next().await? {
            for decision in page {
                // 1. The rules that made it; each file is parsed once.
                if !rules_by_hash.contains_key(&decision.rules_hash) {
                    let file = store.rules_file(&decision.rules_hash).await?;
                    let rules = file.and_then(|file| Rules::parse_stored(&file).ok());
                    rules_by_hash.insert(decision.rules_hash.clone(), rules);
                }
                let rules = rules_by_hash.get(&decision.rules_hash).and_then(Option::as_ref);
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
        None if decision.stage == DecisionStage::Merge && decision.review.is_some() => Some("no evidence"),
        Some(evidence) if !evidence::proves(evidence, decision) => Some("evidence does not match the decision"),
        _ => None,
    }
}

/// The recomputed verdict. `None`: there was nothing to decide before the merge.
fn computed(decision: &StoredDecisionInput, rules: &Rules) -> Option<(Verdict, Option<Review>)> {
    match decision.stage {
        DecisionStage::Merge => {
            let verdict = evaluate(&decision.facts, rules);
            let review = review_of_merge(&decision.facts, &verdict, rules);
            Some((verdict, review))
        }
        DecisionStage::Review => {
            review_before_merge(&decision.facts, rules).map(|(verdict, review)| (verdict, Some(review)))
        }
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
        let page = self.store.decision_inputs(self.after, self.since, PAGE).await?;
        self.ended = page.len() < PAGE as usize;
        self.after = page.last().map(|last| last.id);
        Ok(Some(page))
    }
}

#[derive(Debug, Default)]
struct Others {
    same: u64,
    not_computed: u64,
    /// Stored and recomputed outcome, where they differ.
    different: BTreeMap<(String, String), u64>,
}

impl Others {
    fn add(&mut self, decision: &StoredDecisionInput, rules: Option<&Rules>) {
        let Some(rules) = rules else {
            self.not_computed += 1;
            return;
        };
        let computed = computed(decision, rules).map(|(verdict, _)| verdict);
        if computed.as_ref() == Some(&decision.verdict) {
            self.same += 1;
            return;
        }
        let recomputed = computed.map_or_else(|| "nothing".to_owned(), |verdict| word(&verdict.outcome));
        *self
            .different
            .entry((word(&decision.verdict.outcome), recomputed))
            .or_default() += 1;
    }

    fn count(&self) -> u64 {
        self.same + self.not_computed + self.different.values().sum::<u64>()
    }

    /// Reports them on standard error, if there are any.
    fn remark(&self) {
        for line in self.lines() {
            remark(&line);
        }
    }

    fn lines(&self) -> Vec<String> {
        let count = self.count();
        if count == 0 {
            return Vec::new();
        }
        let different: u64 = self.different.values().sum();
        let decisions = counted(count, "decision", "decisions");
        let mut lines = vec![format!(
            "{decisions} by another version of the rules code: {} unchanged, {different} different",
            self.same
        )];
        for ((stored, recomputed), count) in &self.different {
            let change = if stored == recomputed {
                format!("{stored}, with other reasons")
            } else {
                format!("{stored}, now {recomputed}")
            };
            lines.push(format!("  {count}: {change}"));
        }
        if self.not_computed > 0 {
            lines.push(format!("  {}: not computed, rules file not stored", self.not_computed));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_outcome_is_counted() {
        assert!(Others::default().lines().is_empty());
        let pair = |stored: &str, now: &str| (stored.to_owned(), now.to_owned());
        let others = Others {
            same: 5,
            not_computed: 1,
            different: [
                (pair("approved", "exception: unverified"), 2),
                (pair("approved", "approved"), 1),
            ]
            .into(),
        };
        let expected = [
            "9 decisions by another version of the rules code: 5 unchanged, 3 different",
            "  1: approved, with other reasons",
            "  2: approved, now exception: unverified",
            "  1: not computed, rules file not stored",
        ];
        assert_eq!(others.lines(), expected);
    }
}
