//! Confluence Cloud's REST API, version 2: the row of a merge on the audit page, once
//! (<https://developer.atlassian.com/cloud/confluence/rest/v2/>).

mod audit_page;
mod edit;
mod errors;
mod page;
mod row;
mod storage;
mod task;
mod volumes;

use audit::{Action, Context, Target};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::atlassian::AtlassianCredential;
use crate::http::{Call, Http};
use crate::{CallError, InvalidAddress, address};

pub use task::{Recorded, RowPlace};

#[derive(Debug, Clone)]
pub struct Confluence {
    http: Http,
    base: Url,
    credential: AtlassianCredential,
}

impl Confluence {
    /// A client of the site at `base_url` (`https://example.atlassian.net/wiki`, with or without `/api/v2`).
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the credential cannot be used.
    pub fn new(http: Http, base_url: &str, credential: AtlassianCredential) -> Result<Self, InvalidAddress> {
        let site = base_url.trim().trim_end_matches('/');
        let site = site.strip_suffix("/api/v2").unwrap_or(site);
        let base = address::base(site.strip_suffix("/wiki").unwrap_or(site), "/wiki/api/v2")?;
        credential.header()?;
        Ok(Self { http, base, credential })
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = address::join(&self.base, path.iter().copied());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn get<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        url: Url,
    ) -> Result<T, CallError> {
        let call = Call::get(action, context, target, url).authorized(self.credential.header());
        self.http.send(&call, page::parse_answer).await
    }

    async fn change<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        request: (Method, Url),
        body: &Value,
    ) -> Result<T, CallError> {
        let call = Call::change(action, context, target, request, body).authorized(self.credential.header());
        self.http.send(&call, page::parse_answer).await
    }
}
