//! GraphQL `mergeRequest { committers }`: who added commits (<https://docs.gitlab.com/api/graphql/reference/#mergerequest>). REST
//! identifies committers by e-mail address only.

use std::collections::BTreeSet;

use audit::{Action, Context, FailureClass, Target};
use model::{MergeRequestKey, NOT_OFFERED, Reading, UserId};
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use super::{GitLab, TOKEN_HEADER};
use crate::Advice;
use crate::CallError;
use crate::error::CallProblem;
use crate::http::Call;

const QUERY: &str = "query($path: ID!, $iid: String!, $after: String) { project(fullPath: $path) { mergeRequest(iid: $iid) { \
    committers(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } } }";

/// Most pages of 100 that are read; the committers of a merge request with more of them are unknown.
const MOST_PAGES: usize = 5;

#[derive(Debug, Deserialize)]
struct AnswerJson {
    data: Option<DataJson>,
    #[serde(default)]
    errors: Vec<ErrorJson>,
}

#[derive(Debug, Deserialize)]
struct ErrorJson {
    #[serde(default)]
    message: String,
}

/// A page, or why it could not be read.
type Page = Result<CommittersJson, &'static str>;

#[derive(Debug, Deserialize)]
struct DataJson {
    project: Option<ProjectJson>,
}

#[derive(Debug, Deserialize)]
struct ProjectJson {
    #[serde(rename = "mergeRequest")]
    merge_request: Option<MergeRequestJson>,
}

#[derive(Debug, Deserialize)]
struct MergeRequestJson {
    committers: Option<CommittersJson>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommittersJson {
    nodes: Vec<Option<NodeJson>>,
    page_info: PageJson,
}

#[derive(Debug, Deserialize)]
struct NodeJson {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageJson {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl GitLab {
    /// Users who added commits; `Unknown` if GitLab withholds them or lacks the field.
    pub(super) async fn committers(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        project_path: &str,
    ) -> Result<Reading<BTreeSet<UserId>>, CallError> {
        let mut committers = BTreeSet::new();
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .committers_page(context, key, project_path, after.as_deref())
                .await?;
            let page = match page {
                Ok(page) => page,
                Err(why) => return Ok(Reading::Unknown(why.to_owned())),
            };
            for node in page.nodes.iter().flatten() {
                match user_id(&node.id) {
                    Some(id) => drop(committers.insert(id)),
                    None => {
                        return Ok(Reading::Unknown(
                            "GitLab names a committer without a user id".to_owned(),
                        ));
                    }
                }
            }
            match page.page_info {
                PageJson {
                    has_next_page: true,
                    end_cursor: Some(cursor),
                } => after = Some(cursor),
                _ => return Ok(Reading::Known(committers)),
            }
        }
        Ok(Reading::Unknown(format!("more than {MOST_PAGES} pages of committers")))
    }

    async fn committers_page(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        project_path: &str,
        after: Option<&str>,
    ) -> Result<Page, CallError> {
        let variables = json!({"path": project_path, "iid": key.mr_iid.to_string(), "after": after});
        let body = json!({"query": QUERY, "variables": variables}).to_string().into_bytes();
        let target = Target::merge_request(key);
        let mut call = Call::post(
            Action::GitlabGetMrCommitters,
            context,
            &target,
            self.graphql.clone(),
            body,
        )
        .only_asking();
        // `new` has checked that the token is a valid header value.
        if let Ok(mut token) = HeaderValue::from_str(self.token.expose_secret()) {
            token.set_sensitive(true);
            call = call.header(TOKEN_HEADER, token);
        }
        let answer: AnswerJson = self
            .http
            .send(&call, |answer| match answer.status {
                200..=299 => answer.json().and_then(AnswerJson::given),
                _ => Err::<AnswerJson, CallProblem>(answer.refusal()),
            })
            .await?;
        if answer.is_not_offered() {
            return Ok(Err(NOT_OFFERED));
        }
        // A token without access to it also gets `null` for a part of the path.
        let project = answer.data.and_then(|data| data.project);
        Ok(project
            .and_then(|project| project.merge_request)
            .and_then(|merge_request| merge_request.committers)
            .ok_or("GitLab does not show who added commits"))
    }
}

impl AnswerJson {
    /// GraphQL reports a missing field with status 200.
    fn is_not_offered(&self) -> bool {
        let mut errors = self.errors.iter();
        errors.any(|error| error.message.contains("doesn't exist on type"))
    }

    /// It also reports a failure, such as a timeout, with status 200: then there are no data.
    fn given(self) -> Result<Self, CallProblem> {
        match self.errors.first() {
            Some(error) if self.data.is_none() && !self.is_not_offered() => Err(CallProblem::new(
                FailureClass::ServerError,
                Advice::Retry { after: None },
                format!("GitLab's GraphQL API failed: {}", error.message),
            )),
            _ => Ok(self),
        }
    }
}

/// `gid://gitlab/User/501`.
fn user_id(gid: &str) -> Option<UserId> {
    gid.strip_prefix("gid://gitlab/User/")?.parse().ok().map(UserId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_ids_name_committers() {
        assert_eq!(user_id("gid://gitlab/User/501"), Some(UserId(501)));
        for other in ["gid://gitlab/Namespaces/1", "501", "gid://gitlab/User/x"] {
            assert_eq!(user_id(other), None, "{other}");
        }
    }
}
