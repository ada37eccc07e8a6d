//! Jira's REST API, version 2, which Cloud and Data Center share: marks and closes the issue of a merge request, each once
//! (<https://developer.atlassian.com/cloud/jira/platform/rest/v2/>).

mod apply;
mod comment;
mod issue;
mod transition;

use audit::{Action, Context, Target};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::atlassian::AtlassianCredential;
use crate::http::{Call, Http, HttpResponse};
use crate::{CallError, InvalidAddress, address};
pub use issue::JiraIssue;

/// A Jira: Cloud or Data Center.
#[derive(Debug, Clone)]
pub struct Jira {
    http: Http,
    base: Url,
    credential: AtlassianCredential,
}

impl Jira {
    /// A client of the Jira at `base_url` (with or without `/rest/api/2`).
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the credential cannot be used.
    pub fn new(http: Http, base_url: &str, credential: AtlassianCredential) -> Result<Self, InvalidAddress> {
        let base = address::base(base_url, "/rest/api/2")?;
        credential.header()?;
        Ok(Self { http, base, credential })
    }

    /// `issue/:key` and the paths below it.
    fn issue_url(&self, key: &str, below: Option<&str>) -> Url {
        address::join(&self.base, ["issue", key].into_iter().chain(below))
    }

    /// Checks that the credential is valid.
    async fn prove(&self, context: &Context) -> Result<(), CallError> {
        let url = address::join(&self.base, ["myself"]);
        let target = Target::other("jira", self.base.host_str().unwrap_or_default());
        let call = Call::get(Action::JiraGetMyself, context, &target, url).authorized(self.credential.header());
        self.http.send(&call, succeeded).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        url: Url,
    ) -> Result<T, CallError> {
        let call = Call::get(action, context, target, url).authorized(self.credential.header());
        self.http
            .send(&call, |answer| {
                succeeded(answer)?;
                answer.json()
            })
            .await
    }

    /// A change whose answer is not needed.
    async fn change(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        request: (Method, Url),
        body: &Value,
    ) -> Result<(), CallError> {
        let call = Call::change(action, context, target, request, body);
        self.http
            .send(&call.authorized(self.credential.header()), succeeded)
            .await
    }
}

fn succeeded(answer: &HttpResponse) -> Result<(), crate::error::CallProblem> {
    if (200..300).contains(&answer.status) {
        Ok(())
    } else {
        Err(answer.refusal())
    }
}

fn issue_target(key: &str) -> Target {
    Target::other("jira_issue", key)
}
