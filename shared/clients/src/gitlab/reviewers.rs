//! `GET .../reviewers`: who was asked to review, and the state of each review.

use audit::{Action, Context};
use model::{MergeRequestKey, Reviewer};
use serde::Deserialize;

use super::GitLab;
use super::json::UserJson;
use crate::CallError;

#[derive(Debug, Deserialize)]
struct ReviewerJson {
    user: Option<UserJson>,
    state: Option<String>,
}

impl GitLab {
    pub(super) async fn reviewers(&self, context: &Context, key: &MergeRequestKey) -> Result<Vec<Reviewer>, CallError> {
        let reviewers: Vec<ReviewerJson> = self
            .list_of_merge_request(context, Action::GitlabGetMrReviewers, key, "reviewers")
            .await?;
        let reviewers = reviewers.into_iter().filter_map(|reviewer| {
            Some(Reviewer {
                user: reviewer.user?.into(),
                state: reviewer.state,
            })
        });
        Ok(reviewers.collect())
    }
}
