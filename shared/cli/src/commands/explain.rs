//! `countersign explain`: why a review has its current state.

mod text;

use std::io::Write as _;

use clap::{Args, ValueEnum};
use model::{GitLabAnswer, MergeRequestIid, MergeRequestKey, ProjectId};
use rules::{Rules, explain};
use serde_json::json;
use store::{DecisionStage, MergeRequestRecord, Store, StoredDecisionInput};

use crate::args::database::{Database, Login};
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
    /// The merge request: project and number; the project as numeric id (after its instance, if necessary) or as path
    #[arg(value_name = "PROJECT!IID", value_parser = MergeRequestName::parse)]
    merge_request: MergeRequestName,
    /// text for people; json: one document with facts, verdicts and every check
    #[arg(long, value_enum, default_value_t = Shape::Text)]
    format: Shape,
    /// Colours
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

/// A merge request by the name that a user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergeRequestName {
    /// The instance before a numeric project id, if given.
    instance: Option<String>,
    project: String,
    iid: i64,
}

impl MergeRequestName {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "expected 7301!811, main/7301!811 or payments/gateway!811";
        let (project, iid) = text.rsplit_once('!').ok_or(FORM)?;
        let iid = iid.parse().ok().filter(|iid| *iid > 0).ok_or(FORM)?;
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (instance, project) = match project.rsplit_once('/') {
            Some((instance, id)) if numeric(id) => (Some(instance.to_owned()), id),
            _ => (None, project),
        };
        if project.is_empty() {
            return Err(FORM);
        }
        Ok(Self {
            instance,
            project: project.to_owned(),
            iid,
        })
    }

    /// The one merge request with this name.
    pub(crate) async fn find(&self, store: &Store) -> Result<Option<MergeRequestKey>, CommandError> {
        if let (Some(instance), Ok(id)) = (&self.instance, self.project.parse()) {
            return Ok(Some(MergeRequestKey {
                instance: instance.clone(),
                project_id: ProjectId(id),
                mr_iid: MergeRequestIid(self.iid),
            }));
        }
        let mut found = store.merge_requests_called(&self.project, self.iid).await?;
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(ToString::to_string).collect();
            return Err(CommandError::Usage(format!(
                "ambiguous merge request: give one of {}",
                names.join(", ")
            )));
        }
        Ok(found.pop())
    }
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
            return Ok(unknown(&self.merge_request));
        };
        let record = store.merge_request_record(&key).await?;
        let mut decisions = Vec::new();
        for decision in store.decision_inputs_of(&key).await? {
            let file = store.rules_file(&decision.rules_hash).await?;
            let rules = file.and_then(|file| Rules::parse_stored(&file).ok());
            decisions.push(Decided { decision, rules });
        }
        if record.events == 0 && decisions.is_empty() {
            return Ok(unknown(&self.merge_request));
        }
        let mut out = standard();
        if self.format == Shape::Json {
            writeln!(out, "{}", document(&key, &record, &decisions))?;
        } else {
            text::write_explanation(&mut out, &key, &record, &decisions, Palette::new(self.color))?;
        }
        out.flush()?;
        Ok(Ending::Done)
    }
}

pub(crate) fn unknown(named: &MergeRequestName) -> Ending {
    let MergeRequestName { project, iid, .. } = named;
    crate::output::remark(&format!(
        "unknown merge request {project}!{iid}: no delivery reported it"
    ));
    Ending::Nothing
}

fn document(key: &MergeRequestKey, record: &MergeRequestRecord, decisions: &[Decided]) -> serde_json::Value {
    let decision = |decided: &Decided| {
        let decision = &decided.decision;
        json!({
            "id": decision.id, "stands": decision.current, "supersedes": decision.supersedes, "recorded_at": decision.recorded_at,
            "correlation_id": decision.correlation_id, "rules_hash": decision.rules_hash, "facts": decision.facts,
            "verdict": decision.verdict, "review": decision.review, "evaluator": decision.evaluator, "confirmed": decided.confirmed(),
            "evidence": decision.evidence.as_ref().map(|evidence| json!({"id": evidence.id, "sha256": evidence.sha256})),
            "explanation": decided.rules.as_ref().map(|rules| explain(&decision.facts, rules)),
        })
    };
    json!({
        "merge_request": key, "ledger": record.ledger, "exception": record.exception, "effects": record.effects,
        "pending": record.evaluation, "events": record.events, "decisions": decisions.iter().map(decision).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_request_names_are_parsed_or_rejected() {
        let named = |instance: Option<&str>, project: &str, iid| MergeRequestName {
            instance: instance.map(str::to_owned),
            project: project.to_owned(),
            iid,
        };
        let cases = [
            ("7301!811", named(None, "7301", 811)),
            ("main/7301!811", named(Some("main"), "7301", 811)),
            ("payments/gateway!811", named(None, "payments/gateway", 811)),
        ];
        for (text, expected) in cases {
            assert_eq!(MergeRequestName::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "811", "!811", "7301!", "7301!x", "7301!-1", "7301!0"] {
            assert!(MergeRequestName::parse(text).is_err(), "{text:?}");
        }
    }
}
