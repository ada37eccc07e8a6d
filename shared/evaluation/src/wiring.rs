//! How an evaluator comes about from the environment and two secrets; the same for every function that judges.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::Writer;
use clients::http::{Http, Options};
use model::Clock;
use rules::Rules;
use runtime::StartError;
use runtime::aws::{Clients, Secrets};
use runtime::config::Environment;
use runtime::secrets::{Built, SecretCache, SecretSource, Stage, Unreadable, from_json};
use serde::Deserialize;
use settings::DatabaseSecret;
use store::{DatabaseConfig, Store};
use url::Url;

use crate::{Evaluator, GitLabCredentials, Instances};

/// What judging needs of the outbound secret.
#[derive(Debug, Deserialize)]
pub struct Outbound {
    /// Access tokens, by instance.
    #[serde(default)]
    pub gitlab: BTreeMap<String, GitLabCredentials>,
    /// Certificate of a private authority that GitLab's chains to, PEM.
    #[serde(default)]
    pub ca_pem: Option<String>,
}

/// What an evaluator is built from, out of the environment.
#[derive(Debug)]
pub struct Settings {
    database: DatabaseSecret,
    outbound_secret_id: String,
    rules: Option<Rules>,
    gitlab_api_url: Option<Url>,
    event_bus: Option<String>,
}

impl Settings {
    /// The variables read here.
    pub const VARIABLES: [&str; 8] = [
        "DATABASE_SECRET_ID",
        "DATABASE_HOST",
        "DATABASE_PORT",
        "DATABASE_NAME",
        "OUTBOUND_SECRET_ID",
        "RULES_PATH",
        "GITLAB_API_URL",
        "EVENT_BUS_NAME",
    ];

    /// Reads them; problems are noted in `env`.
    pub fn from_environment(env: &mut Environment) -> Self {
        Self {
            database: DatabaseSecret::from_environment(env),
            outbound_secret_id: env.required("OUTBOUND_SECRET_ID"),
            rules: settings::rules_file(env),
            gitlab_api_url: env.url("GITLAB_API_URL"),
            event_bus: env.optional("EVENT_BUS_NAME"),
        }
    }

    /// An evaluator, built at its first use and again when a secret has been rotated. Call after the environment was found right.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules.
    pub fn evaluator(
        self,
        clients: &Clients,
        audit: Writer,
        clock: Arc<dyn Clock>,
    ) -> Result<Built<DatabaseConfig, Outbound, Evaluator>, StartError> {
        let Self {
            database,
            outbound_secret_id,
            rules,
            gitlab_api_url,
            event_bus,
        } = self;
        let rules = Arc::new(rules.ok_or_else(|| StartError::new("there are no rules"))?);
        let tracer = clients.tracer().clone();
        let source: Arc<dyn SecretSource> = Arc::new(Secrets::new(clients));
        let database = settings::database_secret(Arc::clone(&source), database, Arc::clone(&clock));
        let outbound = SecretCache::new(
            source,
            outbound_secret_id,
            Stage::CURRENT,
            Arc::clone(&clock),
            |found| {
                from_json(
                    &found
                        .first()
                        .ok_or_else(|| Unreadable::because("it has no value"))?
                        .value,
                )
            },
        );
        Ok(Built::new(
            database,
            outbound,
            move |database: &DatabaseConfig, outbound: &Outbound| {
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
                )?;
                let store = Arc::new(Store::new(database.clone())?);
                let evaluator = Evaluator::new(store, Arc::clone(&rules), instances, Arc::clone(&clock), audit.clone());
                Ok(evaluator.with_event_bus(event_bus.clone()))
            },
        ))
    }
}
