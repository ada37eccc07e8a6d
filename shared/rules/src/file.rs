//! The rules file: edited by the deployment. Checked whole at build and at start; an invalid one is rejected with line and reason.

mod raw;
mod wording;

use std::collections::BTreeMap;

use model::UserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use wording::Wording;

use crate::{ConfluenceRules, JiraRules, LabelPattern, LinearRules, Pods, Sla, Tier};

/// Why a rules file is rejected. Fix the file; a retry does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The file is invalid: every problem with its line.
    #[error("the rules file is invalid:\n{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// The file is valid but still contains the placeholders of the template: each with its line.
    #[error("the rules file still contains placeholders; replace them:\n{}", .0.join("\n"))]
    Placeholders(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Base address of its API, such as `https://gitlab.example.com`. The only source of that address.
    pub api_url: String,
}

/// The group whose members may approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproverGroup {
    /// GitLab's numeric group id.
    pub id: i64,
    /// Members of parent groups also count.
    pub include_inherited: bool,
    /// Minimum access level (GitLab: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner).
    pub minimum_access_level: i64,
}

/// Who may approve, and how many must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvers {
    /// Members of this group.
    pub group: Option<ApproverGroup>,
    /// Also these users, by numeric id.
    pub users: Vec<UserId>,
    /// Also users who satisfy the GitLab approval rule of this name (Premium).
    pub approval_rule: Option<String>,
    /// How many different eligible approvers are needed; at least one.
    pub minimum: usize,
    /// A user who pushed to the merge request may not approve it.
    pub exclude_committers: bool,
}

/// Where Slack messages go, and their text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackRules {
    /// Channel id of the security lead (`C...`).
    pub security_lead_channel: String,
    pub wording: Wording,
}

/// Whether the file is new, or an earlier release accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    New,
    Stored,
}

/// A checked rules file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// SHA-256 of the file, hex: identifies these rules in every verdict.
    pub hash: String,
    /// GitLab instances by the name that the webhook secret's hooks use.
    pub instances: BTreeMap<String, Instance>,
    /// Labels that make a merge request security-relevant.
    pub labels: Vec<LabelPattern>,
    /// Risk tiers, highest first.
    pub tiers: Vec<Tier>,
    /// Who may approve, by instance: GitLab's numeric ids are valid only at their own instance.
    approvers: BTreeMap<String, Approvers>,
    /// How long to wait for an unreadable GitLab, in minutes.
    pub verify_deadline_minutes: u32,
    #[serde(default)]
    pub sla: Sla,
    pub slack: SlackRules,
    /// Pods that get a message after a merge is recorded, by instance like the approvers.
    #[serde(default)]
    pods: BTreeMap<String, Pods>,
    /// Linear, if used for issues.
    #[serde(default)]
    pub linear: Option<LinearRules>,
    /// Jira, if used for issues.
    #[serde(default)]
    pub jira: Option<JiraRules>,
    /// The audit page in Confluence, if there is one.
    #[serde(default)]
    pub confluence: Option<ConfluenceRules>,
    /// The file itself, stored with its verdicts.
    #[serde(skip)]
    pub source: String,
}

impl Rules {
    /// Parses and checks a rules file.
    ///
    /// # Errors
    /// [`RulesError::Refused`] with every problem found, or [`RulesError::Placeholders`] if those are the only ones.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        Self::read(text, Form::New)
    }

    /// Parses a stored rules file that an earlier release accepted. Approvers and pods at the top level apply to each of several
    /// instances, as they did then.
    ///
    /// # Errors
    /// [`RulesError::Refused`] if no release ever accepted the file.
    pub fn parse_stored(text: &str) -> Result<Self, RulesError> {
        Self::read(text, Form::Stored)
    }

    fn read(text: &str, form: Form) -> Result<Self, RulesError> {
        let digest = Sha256::digest(text.as_bytes());
        let hash = digest
            .iter()
            .fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"));
        raw::parse(text, hash, form)
    }

    /// Who may approve at this instance; `None` if the rules do not name it, and then no approval there counts.
    #[must_use]
    pub fn approvers(&self, instance: &str) -> Option<&Approvers> {
        self.approvers.get(instance)
    }

    /// The pods of this instance; `None` if the rules do not name it.
    #[must_use]
    pub fn pods(&self, instance: &str) -> Option<&Pods> {
        self.pods.get(instance)
    }

    /// How many valid approvals a merge request of this instance needs: unreachable if the rules do not name the instance.
    pub(crate) fn minimum(&self, instance: &str) -> usize {
        self.approvers(instance)
            .map_or(usize::MAX, |approvers| approvers.minimum)
    }

    #[cfg(test)]
    pub(crate) fn approvers_mut(&mut self, instance: &str) -> Option<&mut Approvers> {
        self.approvers.get_mut(instance)
    }

    /// Whether a label makes a merge request security-relevant.
    #[must_use]
    pub fn is_security_label(&self, title: &str) -> bool {
        self.labels.iter().any(|pattern| pattern.matches(title))
    }
}

#[cfg(test)]
mod tests;
