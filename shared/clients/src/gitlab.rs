//! GitLab's REST API, version 4: only what the evaluation of one merge request needs.

mod approval_rules;
mod approvals;
mod bots;
mod committers;
mod facts;
mod json;
mod label_events;
mod members;
mod merge_request;
mod pages;
mod request;
mod reviewers;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use audit::{Action, Context, Target};
use model::MergeRequestKey;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use self::bots::BotFlags;
pub use self::facts::{FactsRequest, Members};
use crate::http::Http;
use crate::{CallError, InvalidAddress, address};

/// The header for access tokens (<https://docs.gitlab.com/api/rest/authentication/>).
const TOKEN_HEADER: HeaderName = HeaderName::from_static("private-token");

/// One request must not use up the time limit of all requests for one merge request.
const LONGEST_REQUEST: Duration = Duration::from_secs(4);

#[derive(Debug, Clone)]
pub struct GitLab {
    http: Http,
    base: Url,
    graphql: Url,
    token: SecretString,
    bots: Arc<BotFlags>,
}

impl GitLab {
    /// A client of the instance at `base_url` (with or without `/api/v4`), with an access token of scope `read_api`.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the token cannot be used.
    pub fn new(http: Http, base_url: &str, token: SecretString) -> Result<Self, InvalidAddress> {
        let base = address::base(base_url, "/api/v4")?;
        HeaderValue::from_str(token.expose_secret()).map_err(|_| InvalidAddress::Token)?;
        // Beside `/api/v4/`.
        let graphql = base.join("../graphql").map_err(InvalidAddress::Unreadable)?;
        Ok(Self {
            http: http.with_timeout(LONGEST_REQUEST),
            base,
            graphql,
            token,
            bots: Arc::default(),
        })
    }

    /// `projects/:id/merge_requests/:iid` and the paths below it.
    fn merge_request_url(&self, key: &MergeRequestKey, below: Option<&str>) -> Url {
        let (project, iid) = (key.project_id.to_string(), key.mr_iid.to_string());
        let path = ["projects", &project, "merge_requests", &iid];
        address::join(&self.base, path.into_iter().chain(below))
    }

    /// One answer about a merge request.
    async fn get_of_merge_request<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        key: &MergeRequestKey,
        below: Option<&str>,
    ) -> Result<T, CallError> {
        self.get(
            context,
            action,
            &Target::merge_request(key),
            self.merge_request_url(key, below),
        )
        .await
    }

    /// A whole list about a merge request, over all its pages.
    async fn list_of_merge_request<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        key: &MergeRequestKey,
        below: &str,
    ) -> Result<Vec<T>, CallError> {
        self.list(
            context,
            action,
            &Target::merge_request(key),
            self.merge_request_url(key, Some(below)),
        )
        .await
    }
}
