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

/// A client for each instance that has both a valid address and a valid token.
#[derive(Debug, Default)]
pub struct Instances(BTreeMap<String, GitLab>);

impl Instances {
    /// Builds the clients. `override_url` replaces every address: the local stack's test double. An instance with a missing or
    /// invalid token is left out with an error in the log, and the others work; merges there stay pending and end `unverified`,
    /// with the reason.
    #[must_use]
    pub fn new(
        http: &Http,
        rules: &Rules,
        credentials: &BTreeMap<String, GitLabCredentials>,
        override_url: Option<&str>,
    ) -> Self {
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
            match GitLab::new(http.clone(), url, token.clone()) {
                Ok(client) => drop(clients.insert(name.clone(), client)),
                Err(error) => {
                    tracing::error!(
                        instance = name,
                        %error,
                        "this GitLab instance cannot be read: correct its token in the outbound secret, or its address in the rules"
                    );
                }
            }
        }
        Self(clients)
    }

    /// The instance's client; `None` if the rules do not name it or it has no token.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&GitLab> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::Writer;
    use clients::http::Options;
    use jiff::Timestamp;
    use model::FixedClock;

    use super::*;

    const RULES: &str = include_str!("../../../tests/tools/rules.yaml");

    #[test]
    fn an_unusable_token_leaves_out_its_instance_only() {
        let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
        let (audit, _) = Writer::memory("test", clock.clone());
        let http = Http::new(&Options::default(), audit, clock).unwrap();
        let mut rules = Rules::parse(RULES).unwrap();
        let main = rules.instances["main"].clone();
        rules.instances.insert("acquired".to_owned(), main);
        let credentials = [("main", "glpat-good"), ("acquired", "glpat-\nbroken")].map(|(name, token)| {
            let token = token.into();
            (name.to_owned(), GitLabCredentials { token })
        });
        let instances = Instances::new(&http, &rules, &credentials.into(), None);
        assert!(instances.get("main").is_some());
        assert!(instances.get("acquired").is_none());
    }
}
