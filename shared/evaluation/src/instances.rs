//! The GitLab instances of this deployment: addresses from the rules, tokens from the outbound secret.

use std::collections::BTreeMap;

use clients::gitlab::GitLab;
use clients::http::Http;
use rules::Rules;
use secrecy::SecretString;
use serde::Deserialize;

/// One instance's entry in the outbound secret's `gitlab` object.
#[derive(Debug, Clone, Deserialize)]
pub struct GitLabCredentials {
    /// Access token with scope `read_api`.
    pub token: SecretString,
}

/// An address or a token cannot be used. Fix the rules or the secret.
#[derive(Debug, thiserror::Error)]
#[error("GitLab instance {instance}: {source}")]
pub struct InstanceError {
    instance: String,
    source: clients::InvalidAddress,
}

/// A client for each instance that has both an address and a token.
#[derive(Debug, Default)]
pub struct Instances(BTreeMap<String, GitLab>);

impl Instances {
    /// Builds the clients. `override_url` stands in for every address: the local stack's double. An instance without a token is left out;
    /// merges there stay pending and end `unverified`, which says why.
    ///
    /// # Errors
    /// [`InstanceError`] for an unusable address or token.
    pub fn new(
        http: &Http,
        rules: &Rules,
        credentials: &BTreeMap<String, GitLabCredentials>,
        override_url: Option<&str>,
    ) -> Result<Self, InstanceError> {
        let mut clients = BTreeMap::new();
        for (name, instance) in &rules.instances {
            let Some(GitLabCredentials { token }) = credentials.get(name) else {
                tracing::error!(
                    instance = name,
                    "the outbound secret holds no token for this GitLab instance"
                );
                continue;
            };
            let url = override_url.unwrap_or(&instance.api_url);
            let client = GitLab::new(http.clone(), url, token.clone()).map_err(|source| InstanceError {
                instance: name.clone(),
                source,
            })?;
            clients.insert(name.clone(), client);
        }
        Ok(Self(clients))
    }

    /// The instance's client; `None` if the rules do not name it or there is no token for it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&GitLab> {
        self.0.get(name)
    }
}
