//! `countersign explain`: why a review has its current state.

mod json;
mod text;

use std::io::Write as _;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use model::{GitLabAnswer, MergeRequestKey, later};
use rules::Rules;
use store::{DecisionStage, MembershipClaim, Store, StoredDecisionInput};

use crate::args::database::{Database, Login};
use crate::args::merge_request::{MergeRequestName, unknown_merge_request};
use crate::output::terminal::{Color, Palette};
use crate::output::{CommandError, Ending, standard};

/// Explain the state of a review: facts, each rule with its result, GitLab answer and event history, effects.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign explain 7301!811
  countersign explain main/7301!811 --format json
  countersign explain payments/gateway!811

Exit codes: 0 shown, 1 unknown merge request, 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct Arguments {
    /// The merge request: 7301!811, main/7301!811 or payments/gateway!811
    #[arg(value_name = "PROJECT!IID", value_parser = MergeRequestName::parse)]
    merge_request: MergeRequestName,
    /// text for people; json: one document with facts, verdicts and every check
    #[arg(long, value_enum, default_value_t = Shape::Text)]
    format: Shape,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// For people.
    Text,
    /// One document.
    Json,
}

/// A decision with its rules.
struct Decided {
    decision: StoredDecisionInput,
    rules: Option<Rules>,
}

impl Decided {
    /// Whether GitLab confirmed it; `None`: before a merge. An older decision without this field counts as confirmed if it holds
    /// GitLab's answer.
    fn confirmed(&self) -> Option<bool> {
        let holds_answer = matches!(
            self.decision.facts.api,
            GitLabAnswer::Full(_) | GitLabAnswer::LabelsOnly(_)
        );
        let is_merge = self.decision.stage == DecisionStage::Merge;
        is_merge.then_some(self.decision.confirmed.unwrap_or(holds_answer))
    }
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let store = self.database.open(Login::Auditor).await?;
        let Some(key) = self.merge_request.find(&store).await? else {
            return Ok(unknown_merge_request(&self.merge_request));
        };
        let record = store.merge_request_record(&key).await?;
        let mut decisions = Vec::new();
        for decision in store.decision_inputs_of(&key).await? {
            let file = store.rules_file(&decision.rules_hash).await?;
            let rules = file.and_then(|file| Rules::parse_stored(&file).ok());
            decisions.push(Decided { decision, rules });
        }
        if record.events == 0 && decisions.is_empty() {
            return Ok(unknown_merge_request(&self.merge_request));
        }
        let claims = membership_claims(&store, &key, &decisions).await?;
        let mut out = standard();
        if self.format == Shape::Json {
            writeln!(out, "{}", json::document(&key, &record, &decisions, &claims))?;
        } else {
            let palette = Palette::new(self.color);
            text::write_explanation(&mut out, &key, &record, &decisions, palette)?;
            text::write_claims(&mut out, &claims, palette)?;
        }
        out.flush()?;
        Ok(Ending::Done)
    }
}

/// What GitLab's audit stream reports about the approver group, from 30 days before the first decision to a day after the last.
async fn membership_claims(
    store: &Store,
    key: &MergeRequestKey,
    decisions: &[Decided],
) -> Result<Vec<MembershipClaim>, CommandError> {
    let times = decisions.iter().map(|decided| decided.decision.recorded_at);
    let group = decisions.iter().rev().find_map(|decided| {
        let approvers = decided.rules.as_ref()?.approvers(&key.instance)?;
        Some(approvers.group.as_ref()?.id)
    });
    let (Some(first), Some(last), Some(group)) = (times.clone().min(), times.max(), group) else {
        return Ok(Vec::new());
    };
    let period = (
        later(first, SignedDuration::from_hours(-30 * 24)),
        later(last, SignedDuration::from_hours(24)),
    );
    Ok(store.membership_claims(&key.instance, group, period).await?)
}
