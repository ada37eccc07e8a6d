//! The texts of the Slack alert: plain defaults, each of which a deployment may replace.

use std::collections::BTreeMap;

use model::ExceptionKind;
use serde::{Deserialize, Serialize};

/// The texts of the alert about an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    pub headline: String,
    /// What the reader should do.
    pub advice: String,
    /// Replaced explanations, by kind.
    pub why: BTreeMap<ExceptionKind, String>,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            headline: "Merged without security approval".to_owned(),
            advice: "Please review this merge soon and record your findings.".to_owned(),
            why: BTreeMap::new(),
        }
    }
}

impl Wording {
    /// Why a merge of this kind is an exception, in plain words.
    #[must_use]
    pub fn why(&self, kind: ExceptionKind) -> &str {
        self.why.get(&kind).map_or_else(|| plain(kind), String::as_str)
    }
}

const fn plain(kind: ExceptionKind) -> &'static str {
    match kind {
        ExceptionKind::LabelRemovedBeforeMerge => {
            "The security label was removed before the merge by a user who is not allowed to, and no security approval was given."
        }
        ExceptionKind::ApprovalRevoked => "The security approval was revoked before the merge.",
        ExceptionKind::ApprovedOtherCommit => "The code changed after the security approval.",
        ExceptionKind::SelfApproved => "The only approval came from the author.",
        ExceptionKind::CommitterApproved => "The approver pushed code to this merge request.",
        ExceptionKind::BotApproved => "The approval came from a bot.",
        ExceptionKind::ApproverNotEligible => "The approver does not belong to the security team.",
        ExceptionKind::ApprovedAfterMerge => "The security approval was given only after the merge.",
        ExceptionKind::InsufficientApprovals => "There were fewer security approvals than required.",
        ExceptionKind::NoApproval => "No approval was given.",
        ExceptionKind::Unverified => "A valid security approval at the time of the merge could not be proven.",
    }
}
