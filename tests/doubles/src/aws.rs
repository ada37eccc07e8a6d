//! A double of the AWS calls that functions make: SQS `SendMessage` and `SendMessageBatch`, EventBridge `PutEvents`, Secrets
//! Manager `GetSecretValue` and the calls of a rotation.
//!
//! For tests and benchmarks that run only a function's binary; all services share one address, as `AWS_ENDPOINT_URL` expects. Its
//! [`World`] holds the secrets by id and staging label; every queue exists.
//! Format: AWS JSON 1.0 and 1.1 (<https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>). Signatures are not checked.

mod events;
mod rotation;
mod secrets;
mod sqs;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Double, Received, System};

pub use events::BusEvent;
pub use sqs::Message;

/// A running double of AWS.
pub type AwsDouble = Double<Aws>;

/// Starts the double on a free port of the loopback interface.
pub async fn start() -> AwsDouble {
    Double::start().await
}

impl AwsDouble {
    /// Sets one version of a secret.
    pub fn put_secret(&self, id: &str, stage: &str, value: impl Into<Value>) {
        self.world(|world| {
            world
                .secrets
                .entry(id.to_owned())
                .or_default()
                .insert(stage.to_owned(), value.into())
        });
    }

    /// One version of a secret.
    #[must_use]
    pub fn secret(&self, id: &str, stage: &str) -> Option<Value> {
        self.world(|world| world.secrets.get(id)?.get(stage).cloned())
    }

    /// Begins the rotation of a secret, as `RotateSecret` does: a pending version without a value.
    pub fn begin_rotation(&self, id: &str, version: &str) {
        self.system(|aws| aws.versions.begin(id, version));
    }

    /// The id of the version of a secret under a staging label.
    #[must_use]
    pub fn version(&self, id: &str, stage: &str) -> Option<String> {
        self.system(|aws| aws.versions.at(&aws.world, id, stage))
    }

    /// The events that were put on buses, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<BusEvent> {
        self.system(|aws| aws.events.clone())
    }

    /// The messages in the queues, oldest first; a repeated deduplication id adds none.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.system(|aws| aws.queues.messages().to_vec())
    }
}

/// What a test may read and change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Secrets: by name or ARN, then by staging label (`AWSCURRENT`, ...). A string is the secret string itself, any
    /// other value its JSON.
    pub secrets: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The services.
#[derive(Debug, Default)]
pub struct Aws {
    world: World,
    versions: rotation::Versions,
    queues: sqs::Queues,
    events: Vec<BusEvent>,
}

impl System for Aws {
    type World = World;
    const NAME: &'static str = "aws";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let target = request.header("x-amz-target").unwrap_or_default();
        let content_type = if target.starts_with("AmazonSQS.") {
            "application/x-amz-json-1.0"
        } else {
            "application/x-amz-json-1.1"
        };
        let result = match serde_json::from_slice::<Value>(&request.body) {
            _ if request.method != Method::POST => Err(Refusal::new("UnknownOperationException", "POST is required")),
            Err(_) => Err(Refusal::new("SerializationException", "the body is not JSON")),
            Ok(input) => match target {
                "AmazonSQS.SendMessage" => self.queues.send(&input),
                "AmazonSQS.SendMessageBatch" => self.queues.send_batch(&input),
                "AWSEvents.PutEvents" => events::put(&mut self.events, &input),
                "secretsmanager.GetSecretValue" => secrets::get(&self.world, &input, request.time),
                "secretsmanager.DescribeSecret" => self.versions.describe(&self.world, &input),
                "secretsmanager.PutSecretValue" => self.versions.put(&mut self.world, &input),
                "secretsmanager.UpdateSecretVersionStage" => self.versions.promote(&mut self.world, &input),
                _ => Err(Refusal::new("UnknownOperationException", "")),
            },
        };
        let (status, body) = match result {
            Ok(output) => (StatusCode::OK, output),
            Err(refusal) => (
                StatusCode::BAD_REQUEST,
                json!({"__type": refusal.code, "message": refusal.reason, "Message": refusal.reason}),
            ),
        };
        Answer::with_type(status, content_type, body.to_string()).with_header("x-amzn-requestid", &Uuid::now_v7())
    }
}

/// An error of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    reason: String,
}

impl Refusal {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests;
