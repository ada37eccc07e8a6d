//! Linear's GraphQL API: finds, marks and closes the issue of a merge request, each once (<https://linear.app/developers/graphql>).

mod answer;
mod apply;
mod comment;
mod find;
mod issue;
mod steps;

use audit::{Action, Context, Target};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::http::{Call, Http};
use crate::{CallError, InvalidAddress, address};
pub use issue::LinearIssue;

/// The credential for Linear, as stored in the outbound secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearCredential {
    /// A personal API key: sent as it is.
    ApiKey(SecretString),
    /// The access token of an OAuth application: sent as a bearer token.
    AccessToken(SecretString),
}

#[derive(Debug, Clone)]
pub struct Linear {
    http: Http,
    url: Url,
    credential: LinearCredential,
}

impl Linear {
    /// A client of the API at `base_url` (`https://api.linear.app`, with or without `/graphql`).
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address or the credential cannot be used.
    pub fn new(http: Http, base_url: &str, credential: LinearCredential) -> Result<Self, InvalidAddress> {
        let mut url = address::base(base_url, "/graphql")?;
        url.path_segments_mut()
            .map_err(|()| InvalidAddress::Unusable)?
            .pop_if_empty();
        credential.header()?;
        Ok(Self { http, url, credential })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        query: &str,
        variables: &Value,
    ) -> Result<T, CallError> {
        let call = self.call(context, action, target, query, variables).only_asking();
        self.http.send(&call, answer::parse_answer).await
    }

    async fn change<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        query: &str,
        variables: &Value,
    ) -> Result<T, CallError> {
        let call = self.call(context, action, target, query, variables);
        self.http.send(&call, answer::parse_answer).await
    }

    fn call<'a>(
        &self,
        context: &'a Context,
        action: Action,
        target: &'a Target,
        query: &str,
        variables: &Value,
    ) -> Call<'a> {
        let body = json!({"query": query, "variables": variables}).to_string().into_bytes();
        Call::post(action, context, target, self.url.clone(), body).authorized(self.credential.header())
    }
}

impl LinearCredential {
    fn header(&self) -> Result<HeaderValue, InvalidAddress> {
        let value = match self {
            Self::ApiKey(key) => HeaderValue::from_str(key.expose_secret()),
            Self::AccessToken(token) => HeaderValue::try_from(format!("Bearer {}", token.expose_secret())),
        };
        let mut value = value.map_err(|_| InvalidAddress::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn issue_target(identifier: &str) -> Target {
    Target::other("linear_issue", identifier)
}
