//! Builds the application from the environment and two secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::Writer;
use clients::http::{Http, Options};
use model::Clock;
use rules::Rules;
use runtime::StartError;
use runtime::aws::{Clients, Secrets};
use runtime::config::Environment;
use runtime::secrets::{FromSecrets, SecretCache, SecretSource, from_json};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use store::{DatabaseConfig, Store};
use url::{Host, Url};

use super::shared::{DatabaseSecret, database_secret, rules_file};
use crate::{App, GitLabCredentials, Instances};

/// Replaces the address of every instance: for the local stack's GitLab test double.
const GITLAB_API_URL: &str = "GITLAB_API_URL";

/// The application's part of the outbound secret.
#[derive(Debug, Deserialize)]
pub struct GitLabSecrets {
    /// Access tokens, by instance. An unreadable one disables only its instance.
    #[serde(default, deserialize_with = "readable")]
    pub gitlab: BTreeMap<String, GitLabCredentials>,
    /// Certificate of the private authority of GitLab's certificate, PEM.
    #[serde(default)]
    pub ca_pem: Option<String>,
}

/// The application, rebuilt when one of its secrets has changed.
pub type AppFromSecrets = FromSecrets<(SecretCache<DatabaseConfig>, SecretCache<GitLabSecrets>), App>;

/// The readable entries; the others are logged by name, never with their content.
fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, GitLabCredentials>, D::Error> {
    let entries = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let read = entries.into_iter().filter_map(|(instance, entry)| {
        let credentials = serde_json::from_value(entry).ok();
        if credentials.is_none() {
            tracing::error!(
                instance,
                "the outbound secret's entry for this GitLab instance is malformed; it must be {{\"token\": \"...\"}}"
            );
        }
        Some((instance, credentials?))
    });
    Ok(read.collect())
}

/// The application's settings from the environment.
#[derive(Debug)]
pub struct AppConfig {
    database: DatabaseSecret,
    outbound_secret_id: String,
    rules: Option<Rules>,
    gitlab_api_url: Option<Url>,
    event_bus: Option<String>,
}

impl AppConfig {
    /// Reads them; problems are recorded in `env`.
    pub fn from_environment(env: &mut Environment) -> Self {
        let database = DatabaseSecret::from_environment(env);
        let outbound_secret_id = env.required("OUTBOUND_SECRET_ID");
        let rules = rules_file(env);
        let gitlab_api_url = gitlab_override(env, rules.as_ref());
        Self {
            database,
            outbound_secret_id,
            rules,
            gitlab_api_url,
            event_bus: env.optional("EVENT_BUS_NAME"),
        }
    }

    /// The application, built at first use and again after a secret was rotated. Call after the environment was validated.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules.
    pub fn app(self, clients: &Clients, audit: Writer, clock: Arc<dyn Clock>) -> Result<AppFromSecrets, StartError> {
        let Self {
            database,
            outbound_secret_id,
            rules,
            gitlab_api_url,
            event_bus,
        } = self;
        let rules = Arc::new(rules.ok_or_else(|| StartError::new("no rules are configured"))?);
        let tracer = clients.tracer().clone();
        let source: Arc<dyn SecretSource> = Arc::new(Secrets::new(clients));
        let database = database_secret(Arc::clone(&source), database, Arc::clone(&clock));
        let outbound = SecretCache::current(source, outbound_secret_id, Arc::clone(&clock), from_json);
        Ok(FromSecrets::new(
            (database, outbound),
            move |(database, outbound): &(Arc<DatabaseConfig>, Arc<GitLabSecrets>)| {
                let options = Options {
                    private_ca_pem: outbound.ca_pem.clone(),
                    ..Options::default()
                };
                let http = Http::new(&options, audit.clone(), Arc::clone(&clock))?.with_tracer(tracer.clone());
                let instances = Instances::new(
                    &http,
                    &rules,
                    &outbound.gitlab,
                    gitlab_api_url.as_ref().map(Url::as_str),
                );
                let store = Arc::new(Store::new(DatabaseConfig::clone(database))?);
                let app = App::new(store, Arc::clone(&rules), instances, Arc::clone(&clock), audit.clone());
                Ok(app.with_event_bus(event_bus.clone()))
            },
        ))
    }
}

/// The address that replaces that of every instance: it receives every token, so it must not mix up two instances or send a token
/// over a network unencrypted.
fn gitlab_override(env: &mut Environment, rules: Option<&Rules>) -> Option<Url> {
    let url = env.url(GITLAB_API_URL)?;
    let instances = rules.map_or(0, |rules| rules.instances.len());
    if instances > 1 {
        let problem = format!(
            "would send the tokens of all {instances} instances in the rules to one address; leave it unset to use the addresses in the rules"
        );
        env.problem(GITLAB_API_URL, problem);
    }
    if url.scheme() == "http" && !is_this_machine(&url) {
        let problem = "would send access tokens in clear text; use https, or a loopback address";
        env.problem(GITLAB_API_URL, problem);
    }
    Some(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules of the local stack, optionally with a second instance.
    fn rules(instances: usize) -> Rules {
        let mut rules = Rules::parse(include_str!("../../../../tests/tools/rules.yaml")).unwrap();
        let main = rules.instances["main"].clone();
        for number in 1..instances {
            rules.instances.insert(format!("other-{number}"), main.clone());
        }
        rules
    }

    #[test]
    fn an_unreadable_credential_leaves_out_one_instance() {
        let secret = r#"{"gitlab": {"main": {"token": "glpat"}, "a": {"tokn": "x"}, "b": null, "c": {"token": 5}}}"#;
        let outbound: GitLabSecrets = from_json(&secret.into()).unwrap();
        assert_eq!(outbound.gitlab.keys().collect::<Vec<_>>(), ["main"]);
    }

    #[test]
    fn an_override_that_misdirects_tokens_is_rejected() {
        let cases = [
            ("", 2, None),
            ("https://gitlab.example", 1, None),
            ("http://127.0.0.1:8080", 1, None),
            ("http://[::1]:8080", 1, None),
            ("http://localhost:8080", 1, None),
            ("http://gitlab.example", 1, Some("in clear")),
            ("http://127.0.0.1.example", 1, Some("in clear")),
            ("http://10.0.0.1", 1, Some("in clear")),
            ("https://gitlab.example", 2, Some("2 instances")),
            ("http://127.0.0.1:8080", 3, Some("3 instances")),
        ];
        for (value, instances, expected) in cases {
            let mut env = Environment::from_pairs([(GITLAB_API_URL, value)]);
            let _ = gitlab_override(&mut env, Some(&rules(instances)));
            let problem = env.finish().err().map(|problem| problem.to_string());
            match expected {
                None => assert_eq!(problem, None, "{value}"),
                Some(expected) => {
                    let problem = problem.unwrap();
                    assert!(
                        problem.contains(GITLAB_API_URL) && problem.contains(expected),
                        "{problem}"
                    );
                }
            }
        }
    }
}
