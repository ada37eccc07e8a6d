//! AWS clients: SQS, Secrets Manager and, if a bus is configured, EventBridge, over one connection pool; every call is audited.

mod call;
mod error;
mod events;
mod http;
mod patience;
mod queue;
mod queue_url;
mod rotation;
mod secrets;
mod settings;
mod standard_queue;

use std::time::Duration;

use audit::Writer;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use trace::Tracer;

use patience::BrokenOffAnswers;

pub use error::AwsError;
pub use events::EventBus;
pub use queue::{FifoMessage, FifoQueue, sqs_id};
pub use queue_url::{Fifo, QueueKind, QueueUrl, Standard};
pub use rotation::Version;
pub use secrets::Secrets;
pub use settings::AwsSettings;
pub use standard_queue::StandardQueue;

/// The clients of one execution environment. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Clients {
    sqs: aws_sdk_sqs::Client,
    secrets_manager: aws_sdk_secretsmanager::Client,
    http: SharedHttpClient,
    audit: Writer,
    tracer: Tracer,
}

impl Clients {
    /// Builds both clients without any call. Every call made through them leaves one entry in `audit`. Sending a message ends
    /// within three seconds.
    #[must_use]
    pub fn new(settings: &AwsSettings, audit: Writer) -> Self {
        Self::sending_within(settings, audit, patience::SEND)
    }

    /// The same, with another time limit for sending a message, retries included.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds SDK clients: every call goes through the audited types here"
    )]
    pub fn sending_within(settings: &AwsSettings, audit: Writer, bound: Duration) -> Self {
        let http = http::client();
        let region = settings.region();
        let credentials = settings.credentials();
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .identity_cache(aws_sdk_sqs::config::IdentityCache::no_cache())
            .http_client(http.clone())
            .retry_config(patience::retries())
            .retry_classifier(BrokenOffAnswers)
            .timeout_config(patience::timeouts(bound));
        let secrets_manager = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .identity_cache(aws_sdk_secretsmanager::config::IdentityCache::no_cache())
            .http_client(http.clone())
            .retry_config(patience::retries())
            .retry_classifier(BrokenOffAnswers)
            .timeout_config(patience::timeouts(patience::READ));
        let sqs = match settings.sqs_endpoint() {
            Some(endpoint) => sqs.endpoint_url(endpoint),
            None => sqs,
        };
        let secrets_manager = match settings.secrets_manager_endpoint() {
            Some(endpoint) => secrets_manager.endpoint_url(endpoint),
            None => secrets_manager,
        };
        Self {
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets_manager.build()),
            http,
            audit,
            tracer: Tracer::off(),
        }
    }

    /// The same clients, with a span for each call.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = tracer;
        self
    }

    /// The tracer of these clients, for other clients of the same process.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }
}
