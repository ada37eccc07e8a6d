//! `GET .../approval_state`: GitLab's own approval rules, and who satisfies them (Premium and Ultimate).

use std::collections::BTreeSet;

use audit::{Action, Context};
use model::sha256_hex;
use model::{ApprovalRule, MergeRequestKey, User, UserId};
use serde::Deserialize;

use super::GitLab;
use super::json::{UserJson, null_as_empty};
use crate::CallError;

#[derive(Debug, Deserialize)]
struct ApprovalStateJson {
    #[serde(default, deserialize_with = "null_as_empty")]
    rules: Vec<RuleJson>,
}

#[derive(Debug, Deserialize)]
struct RuleJson {
    name: Option<String>,
    rule_type: Option<String>,
    approvals_required: Option<i64>,
    approved: Option<bool>,
    #[serde(default, deserialize_with = "null_as_empty")]
    eligible_approvers: Vec<UserJson>,
    #[serde(default, deserialize_with = "null_as_empty")]
    approved_by: Vec<UserJson>,
}

impl GitLab {
    pub(super) async fn approval_rules(
        &self,
        context: &Context,
        key: &MergeRequestKey,
    ) -> Result<Vec<ApprovalRule>, CallError> {
        let state: ApprovalStateJson = self
            .get_of_merge_request(context, Action::GitlabGetMrApprovalState, key, Some("approval_state"))
            .await?;
        Ok(state.rules.into_iter().map(ApprovalRule::from).collect())
    }
}

/// Users whose approval counts for the rule (or rules) called `name`.
pub(super) fn approvers_of(rules: &[ApprovalRule], name: &str) -> BTreeSet<UserId> {
    let named = rules.iter().filter(|rule| rule.name == name);
    named.flat_map(|rule| &rule.approved_by).map(|user| user.id).collect()
}

impl From<RuleJson> for ApprovalRule {
    fn from(rule: RuleJson) -> Self {
        let mut eligible: Vec<i64> = rule.eligible_approvers.iter().map(|user| user.id).collect();
        eligible.sort_unstable();
        let ids: Vec<String> = eligible.iter().map(i64::to_string).collect();
        Self {
            name: rule.name.unwrap_or_default(),
            rule_type: rule.rule_type,
            approvals_required: rule.approvals_required,
            approved: rule.approved,
            eligible_approvers: Vec::new(),
            eligible_count: u64::try_from(eligible.len()).ok(),
            eligible_sha256: Some(sha256_hex(ids.join(",").as_bytes())),
            approved_by: rule.approved_by.into_iter().map(User::from).collect(),
        }
    }
}
