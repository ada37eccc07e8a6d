//! An EventBridge bus that receives events.

use audit::{Action, Context, Target};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use trace::SpanKind;

use super::call::AwsCall;
use super::patience::{self, BrokenOffAnswers};
use super::{AwsError, AwsSettings, Clients};

/// `source` of every event: its sender.
const SOURCE: &str = "countersign";

/// A bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: aws_sdk_eventbridge::Client,
    clients: Clients,
    name: String,
}

impl EventBus {
    /// The bus with this name or ARN, through the connections of `clients`.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds this client: every call is audited here"
    )]
    pub fn new(settings: &AwsSettings, clients: &Clients, name: impl Into<String>) -> Self {
        let config = aws_sdk_eventbridge::Config::builder()
            .behavior_version(aws_sdk_eventbridge::config::BehaviorVersion::latest())
            .region(settings.region())
            .credentials_provider(settings.credentials())
            .identity_cache(aws_sdk_eventbridge::config::IdentityCache::no_cache())
            .http_client(clients.http.clone())
            .retry_config(patience::retries())
            .retry_classifier(BrokenOffAnswers)
            .timeout_config(patience::timeouts(patience::SEND));
        let config = match settings.eventbridge_endpoint() {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        Self {
            client: aws_sdk_eventbridge::Client::from_conf(config.build()),
            clients: clients.clone(),
            name: name.into(),
        }
    }

    /// Puts one event on the bus and returns the id that EventBridge assigned. Ends within three seconds, retries included, and
    /// leaves one audit entry. To EventBridge a repeated event is a new one: receivers must recognize it by its detail.
    ///
    /// # Errors
    /// If the bus did not confirm; it may still have accepted the event.
    pub async fn put(&self, context: &Context, detail_type: &str, detail: String) -> Result<String, AwsError> {
        let target = Target::other("event_bus", self.name.as_str());
        let mut call = AwsCall::begin(
            &self.clients,
            SpanKind::Producer,
            context,
            Action::EventBridgePutEvents,
            target,
        );
        call.attribute("messaging.system", "aws_eventbridge");
        call.attribute("messaging.destination.name", self.name.as_str());
        let event = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .build();
        let put = self
            .client
            .put_events()
            .entries(event)
            .customize()
            .interceptor(call.attempts())
            .send()
            .await;
        let put = match put {
            Ok(answer) => match answer.entries().first() {
                Some(entry) if entry.event_id().is_some_and(|id| !id.is_empty()) => {
                    Ok(entry.event_id().unwrap_or_default().to_owned())
                }
                // EventBridge reports for each event whether it was accepted.
                Some(entry) if entry.error_code().is_some() => {
                    Err(AwsError::refused("PutEvents", entry.error_code().unwrap_or_default()))
                }
                _ => Err(AwsError::unreadable("PutEvents")),
            },
            Err(error) => Err(AwsError::of("PutEvents", &error)),
        };
        if let Ok(id) = &put {
            call.detail("event_id", id.as_str());
        }
        call.end(put.as_ref().err());
        put
    }
}
