//! `GET .../approval_state`: who satisfies a named approval rule (Premium and Ultimate).

use std::collections::BTreeSet;

use audit::{Action, Context};
use model::{MergeRequestKey, UserId};
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
    #[serde(default, deserialize_with = "null_as_empty")]
    approved_by: Vec<UserJson>,
}

impl GitLab {
    /// Users whose approval counts for the rule (or rules) called `rule`.
    pub(super) async fn rule_approvers(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        rule: &str,
    ) -> Result<BTreeSet<UserId>, CallError> {
        let state: ApprovalStateJson = self
            .get_of_merge_request(context, Action::GitlabGetMrApprovalState, key, Some("approval_state"))
            .await?;
        let named = state
            .rules
            .into_iter()
            .filter(|candidate| candidate.name.as_deref() == Some(rule));
        Ok(named
            .flat_map(|rule| rule.approved_by)
            .map(|user| UserId(user.id))
            .collect())
    }
}
