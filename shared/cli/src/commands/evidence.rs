//! `countersign evidence`: the evidence of a decision, byte for byte.

use std::io::Write as _;

use clap::Args;
use model::sha256_hex;
use model::{GitLabAnswer, MergeRequestKey};
use serde::Deserialize;
use store::{StoredDecisionInput, StoredEvidence};
use uuid::Uuid;

use crate::args::database::{Database, Login};
use crate::args::merge_request::{MergeRequestName, unknown_merge_request};
use crate::output::{CommandError, Ending, remark, standard};

/// Print the evidence of the decision on a merge, byte for byte, so that anyone can compute its digest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign evidence payments/gateway!811 | jq .
  countersign evidence payments/gateway!811 | sha256sum
  countersign evidence payments/gateway!811 --decision 0195a000-0000-7000-8000-0000000000d1

Standard error shows the digest, and a mismatch of the evidence with its digest or with the facts of the decision.
Exit codes: 0 printed, 1 no evidence, or a mismatch, 2 invalid command line, 3 database error, 4 output error.")]
pub(crate) struct Arguments {
    /// The merge request: 7301!811, main/7301!811 or payments/gateway!811
    #[arg(value_name = "PROJECT!IID", value_parser = MergeRequestName::parse)]
    merge_request: MergeRequestName,
    /// Id of a decision other than the current one
    #[arg(long, value_name = "ID")]
    decision: Option<Uuid>,
    #[command(flatten)]
    database: Database,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let store = self.database.open(Login::Auditor).await?;
        let Some(key) = self.merge_request.find(&store).await? else {
            return Ok(unknown_merge_request(&self.merge_request));
        };
        let wanted = |decision: &StoredDecisionInput| match self.decision {
            Some(id) => decision.id == id,
            None => decision.current,
        };
        let decision = store.decision_inputs_of(&key).await?.into_iter().find(wanted);
        let Some((decision, evidence)) = decision.and_then(|decision| Some((decision.clone(), decision.evidence?)))
        else {
            remark(&format!(
                "no evidence for {key}: it is not merged, or no review was required"
            ));
            return Ok(Ending::Nothing);
        };
        let mut out = standard();
        out.write_all(evidence.content.as_bytes())?;
        out.flush()?;
        remark(&format!(
            "evidence {} of decision {}, sha256:{}",
            evidence.id, decision.id, evidence.sha256
        ));
        if proves(&evidence, &decision) {
            Ok(Ending::Done)
        } else {
            remark("MISMATCH: the evidence does not match its digest or the facts of the decision");
            Ok(Ending::Nothing)
        }
    }
}

/// The content of evidence. Unknown fields are ignored, so that later versions may add some.
#[derive(Deserialize)]
struct Content {
    merge_request: MergeRequestKey,
    gitlab: GitLabAnswer,
}

/// Whether the evidence matches its digest and the decision.
pub(crate) fn proves(evidence: &StoredEvidence, decision: &StoredDecisionInput) -> bool {
    answer(evidence, decision).is_some_and(|answer| answer == decision.facts.api)
}

/// GitLab's answer in the evidence of a decision. `None`: the digest does not match, or it is of another merge request.
pub(crate) fn answer(evidence: &StoredEvidence, decision: &StoredDecisionInput) -> Option<GitLabAnswer> {
    if sha256_hex(evidence.content.as_bytes()) != evidence.sha256 {
        return None;
    }
    let content: Content = serde_json::from_str(&evidence.content).ok()?;
    (content.merge_request == decision.merge_request).then_some(content.gitlab)
}
