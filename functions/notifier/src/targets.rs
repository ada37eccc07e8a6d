//! What an attempt needs: the database and the targets, built from two secrets and rebuilt when one is rotated.
//!
//! Each target is independent: a missing or unusable credential is reported only by the effects that need it.

use std::sync::Arc;

use app::config::database_secret;
use audit::{Action, FailureClass};
use clients::confluence::Confluence;
use clients::http::{Http, Options};
use clients::jira::Jira;
use clients::linear::{self, Linear};
use clients::slack::Slack;
use clients::{Advice, AtlassianCredential, CallError, InvalidAddress};
use rules::Rules;
use runtime::aws::{Clients, EventBus, Secrets};
use runtime::secrets::{FromSecrets, SecretCache, SecretSource, from_json};
use runtime::{Process, StartError};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use store::{DatabaseConfig, Store};
use url::Url;

use crate::Config;
use crate::config::Addresses;

/// Address of Slack's Web API (<https://docs.slack.dev/apis/web-api/>).
const SLACK: &str = "https://slack.com";
/// Address of Linear's API (<https://linear.app/developers/graphql>).
const LINEAR: &str = "https://api.linear.app";

/// The part of the outbound secret that this function needs. Each field is parsed when it is used.
#[derive(Deserialize)]
pub(crate) struct TargetSecrets {
    #[serde(default)]
    slack: SecretPart,
    #[serde(default)]
    linear: SecretPart,
    #[serde(default)]
    jira: SecretPart,
    #[serde(default)]
    confluence: SecretPart,
    /// Certificate of a private authority for a target, PEM.
    #[serde(default)]
    ca_pem: Option<String>,
}

/// One part of the secret, not yet parsed.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct SecretPart(Option<Value>);

#[derive(Deserialize)]
struct SlackCredential {
    bot_token: SecretString,
}

/// A client, or why its target cannot be called.
pub(crate) type TargetClient<T> = Result<T, Box<CallError>>;

/// The database and the targets.
pub(crate) struct Targets {
    pub(crate) store: Store,
    pub(crate) slack: TargetClient<Slack>,
    pub(crate) linear: TargetClient<Linear>,
    pub(crate) jira: TargetClient<Jira>,
    pub(crate) confluence: TargetClient<Confluence>,
    pub(crate) rules: Arc<Rules>,
    /// `None`: no bus is configured.
    pub(crate) event_bus: Option<EventBus>,
}

/// The targets, rebuilt when one of their secrets has changed.
pub(crate) type TargetsFromSecrets = FromSecrets<(SecretCache<DatabaseConfig>, SecretCache<TargetSecrets>), Targets>;

pub(crate) fn from_secrets(config: Config, process: &Process) -> Result<TargetsFromSecrets, StartError> {
    let Config {
        aws,
        database,
        outbound_secret_id,
        rules,
        addresses,
        event_bus,
        ..
    } = config;
    let rules = Arc::new(rules.ok_or_else(|| StartError::new("no rules are configured"))?);
    let clients = Clients::new(&aws, process.audit.clone()).with_tracer(process.tracer.clone());
    let event_bus = event_bus.map(|name| EventBus::new(&aws, &clients, name));
    let source: Arc<dyn SecretSource> = Arc::new(Secrets::new(&clients));
    let database = database_secret(Arc::clone(&source), database, process.clock());
    let outbound = SecretCache::current(source, outbound_secret_id, process.clock(), from_json);
    let (audit, clock, tracer) = (process.audit.clone(), process.clock(), process.tracer.clone());
    Ok(FromSecrets::new(
        (database, outbound),
        move |(database, secret): &(Arc<DatabaseConfig>, Arc<TargetSecrets>)| {
            let options = Options {
                private_ca_pem: secret.ca_pem.clone(),
                ..Options::default()
            };
            let http = Http::new(&options, audit.clone(), Arc::clone(&clock))?.with_tracer(tracer.clone());
            let builder = TargetBuilder {
                http,
                secret,
                rules: &rules,
                addresses: &addresses,
            };
            Ok(Targets {
                store: Store::new(DatabaseConfig::clone(database))?,
                slack: builder.slack(),
                linear: builder.linear(),
                jira: builder.jira(),
                confluence: builder.confluence(),
                rules: Arc::clone(&rules),
                event_bus: event_bus.clone(),
            })
        },
    ))
}

/// The input for the clients.
struct TargetBuilder<'a> {
    http: Http,
    secret: &'a TargetSecrets,
    rules: &'a Rules,
    addresses: &'a Addresses,
}

impl TargetBuilder<'_> {
    fn slack(&self) -> TargetClient<Slack> {
        let credential: SlackCredential = self.secret.slack.parse("slack", Action::SlackPostMessage)?;
        let address = address(self.addresses.slack.as_ref(), Some(SLACK));
        Slack::new(self.http.clone(), &address, credential.bot_token)
            .map_err(|error| unusable("slack", Action::SlackPostMessage, &error).into())
    }

    fn linear(&self) -> TargetClient<Linear> {
        let credential: linear::LinearCredential = self.secret.linear.parse("linear", Action::LinearGetIssue)?;
        let address = address(self.addresses.linear.as_ref(), Some(LINEAR));
        Linear::new(self.http.clone(), &address, credential)
            .map_err(|error| unusable("linear", Action::LinearGetIssue, &error).into())
    }

    fn jira(&self) -> TargetClient<Jira> {
        let credential: AtlassianCredential = self.secret.jira.parse("jira", Action::JiraGetIssue)?;
        let configured = self.rules.jira.as_ref().map(|jira| jira.base_url.as_str());
        let address = address(self.addresses.jira.as_ref(), configured);
        Jira::new(self.http.clone(), &address, credential)
            .map_err(|error| unusable("jira", Action::JiraGetIssue, &error).into())
    }

    fn confluence(&self) -> TargetClient<Confluence> {
        let credential: AtlassianCredential = self.secret.confluence.parse("confluence", Action::ConfluenceGetPage)?;
        let configured = self.rules.confluence.as_ref().map(|wiki| wiki.base_url.as_str());
        let address = address(self.addresses.confluence.as_ref(), configured);
        Confluence::new(self.http.clone(), &address, credential)
            .map_err(|error| unusable("confluence", Action::ConfluenceGetPage, &error).into())
    }
}

fn address(override_address: Option<&Url>, configured: Option<&str>) -> String {
    let address = override_address.map(Url::as_str).or(configured);
    address.unwrap_or_default().to_owned()
}

impl SecretPart {
    /// The credential; the secret may be corrected at any time, so an error here is not final.
    fn parse<T: serde::de::DeserializeOwned>(&self, name: &str, action: Action) -> TargetClient<T> {
        let known = self.0.as_ref().ok_or_else(|| {
            let message = format!("outbound secret: `{name}` is missing (see docs/reference/connectors.md)");
            Box::new(problem(action, message))
        })?;
        // The error's text could repeat the value.
        T::deserialize(known).map_err(|_| {
            let message = format!("outbound secret: `{name}` is malformed (see docs/reference/connectors.md)");
            problem(action, message).into()
        })
    }
}

fn unusable(name: &str, action: Action, error: &InvalidAddress) -> CallError {
    problem(action, format!("{name} cannot be called: {error}"))
}

fn problem(action: Action, message: String) -> CallError {
    CallError {
        action,
        class: FailureClass::AuthFailure,
        advice: Advice::Permanent,
        sent: true,
        http_status: None,
        message,
    }
}
