//! What an attempt needs: the database and Slack, built from two secrets and built anew when one is rotated.

use std::sync::Arc;

use clients::http::{Http, Options};
use clients::slack::Slack;
use rules::Wording;
use runtime::aws::{Clients, EventBus, Secrets};
use runtime::secrets::{Built, SecretCache, SecretSource, Stage, Unreadable, from_json};
use runtime::{Process, StartError};
use secrecy::SecretString;
use serde::Deserialize;
use store::{DatabaseConfig, Store};

use crate::Config;

/// Where Slack's Web API is (<https://docs.slack.dev/apis/web-api/>).
const SLACK: &str = "https://slack.com";

/// What this function needs of the outbound secret.
#[derive(Debug, Deserialize)]
pub(crate) struct SlackSecret {
    slack: SlackCredentials,
}

#[derive(Debug, Deserialize)]
struct SlackCredentials {
    bot_token: SecretString,
}

/// The database and Slack.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) slack: Slack,
    pub(crate) wording: Wording,
    /// `None`: no bus is configured.
    pub(crate) event_bus: Option<EventBus>,
}

pub(crate) fn from_secrets(
    config: Config,
    process: &Process,
) -> Result<Built<DatabaseConfig, SlackSecret, Worker>, StartError> {
    let Config {
        aws,
        database_secret_id,
        outbound_secret_id,
        rules,
        slack_api_url,
        event_bus,
        ..
    } = config;
    let wording = rules
        .ok_or_else(|| StartError::new("there are no rules"))?
        .slack
        .wording;
    let clients = Clients::new(&aws, process.audit.clone()).with_tracer(process.tracer.clone());
    let event_bus = event_bus.map(|name| EventBus::new(&aws, &clients, name));
    let source: Arc<dyn SecretSource> = Arc::new(Secrets::new(&clients));
    let database = settings::database_secret(Arc::clone(&source), database_secret_id, process.clock());
    let slack = SecretCache::new(source, outbound_secret_id, Stage::CURRENT, process.clock(), |found| {
        from_json(
            &found
                .first()
                .ok_or_else(|| Unreadable::because("it has no value"))?
                .value,
        )
    });
    let http =
        Http::new(&Options::default(), process.audit.clone(), process.clock())?.with_tracer(process.tracer.clone());
    Ok(Built::new(
        database,
        slack,
        move |database: &DatabaseConfig, secret: &SlackSecret| {
            let address = slack_api_url.as_ref().map_or(SLACK, |url| url.as_str());
            Ok(Worker {
                store: Store::new(database.clone())?,
                slack: Slack::new(http.clone(), address, secret.slack.bot_token.clone())?,
                wording: wording.clone(),
                event_bus: event_bus.clone(),
            })
        },
    ))
}
