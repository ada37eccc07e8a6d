//! `countersign explain`: why a review has its current state.

mod json;
mod text;

use std::io::Write as _;

use clap::{Args, ValueEnum};
use model::GitLabAnswer;
use rules::Rules;
use store::{DecisionStage, StoredDecisionInput};

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
        let mut out = standard();
        if self.format == Shape::Json {
            writeln!(out, "{}", json::document(&key, &record, &decisions))?;
        } else {
            text::write_explanation(&mut out, &key, &record, &decisions, Palette::new(self.color))?;
        }
        out.flush()?;
        Ok(Ending::Done)
    }
}
