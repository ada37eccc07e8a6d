//! `GET .../approvals`: the current approvals (<https://docs.gitlab.com/api/merge_request_approvals/>), without revoked ones.

use audit::{Action, Context};
use jiff::Timestamp;
use model::{Approval, MergeRequestKey};
use serde::Deserialize;

use super::GitLab;
use super::json::UserJson;
use crate::CallError;

#[derive(Debug, Deserialize)]
struct ApprovalsJson {
    /// Required: without the list nothing is known, and an empty one would be a false accusation.
    approved_by: Vec<ApprovalJson>,
}

#[derive(Debug, Deserialize)]
struct ApprovalJson {
    user: Option<UserJson>,
    /// GitLab 18 and later.
    approved_at: Option<Timestamp>,
}

impl GitLab {
    pub(super) async fn approvals(&self, context: &Context, key: &MergeRequestKey) -> Result<Vec<Approval>, CallError> {
        let answer: ApprovalsJson = self
            .get_of_merge_request(context, Action::GitlabGetMrApprovals, key, Some("approvals"))
            .await?;
        let known = answer.approved_by.into_iter().filter_map(|approval| {
            // An approver whose account was deleted cannot be eligible.
            Some(Approval {
                user: approval.user?.into(),
                approved_at: approval.approved_at,
            })
        });
        Ok(known.collect())
    }
}
