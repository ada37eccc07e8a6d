//! The words of the Slack alert: plain defaults, each of which a deployment may replace.

use std::collections::BTreeMap;

use model::Kind;
use serde::{Deserialize, Serialize};

/// The words of the alert about an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// First line.
    pub headline: String,
    /// What the reader should do.
    pub advice: String,
    /// Replaced explanations, by kind.
    pub why: BTreeMap<Kind, String>,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            headline: "Merged without security approval".to_owned(),
            advice: "Please review this merge while it is fresh and record what you find.".to_owned(),
            why: BTreeMap::new(),
        }
    }
}

impl Wording {
    /// Why a merge of this kind is an exception, in plain words.
    #[must_use]
    pub fn why(&self, kind: Kind) -> &str {
        self.why.get(&kind).map_or_else(|| plain(kind), String::as_str)
    }
}

const fn plain(kind: Kind) -> &'static str {
    match kind {
        Kind::LabelRemovedBeforeMerge => {
            "The security label was taken off before the merge by somebody who may not decide that, and no security approval was given."
        }
        Kind::ApprovalRevoked => "The security approval was taken back before the merge.",
        Kind::ApprovedOtherCommit => "The code changed after the security approval.",
        Kind::SelfApproved => "The only approval came from the author.",
        Kind::CommitterApproved => "The approval came from somebody who pushed code to this merge request.",
        Kind::BotApproved => "The approval came from a bot.",
        Kind::ApproverNotEligible => "Whoever approved does not belong to the security team.",
        Kind::ApprovedAfterMerge => "The security approval was given only after the merge.",
        Kind::InsufficientApprovals => "There were fewer security approvals than required.",
        Kind::NoApproval => "Nobody approved it.",
        Kind::Unverified => "It could not be proven that a security approval stood at the merge.",
    }
}
