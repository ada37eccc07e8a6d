//! `runtime::aws` against servers that behave as AWS does, well and badly: the class of each failure, and one audit entry each.

mod queue;
mod secrets;

use std::sync::Arc;

use audit::{ActorType, Context, Writer};
use doubles::Stub;
use doubles::aws::AwsDouble;
use model::SystemClock;
use runtime::aws::{
    AwsError, AwsSettings, Clients, EventBus, FifoMessage, FifoQueue, QueueUrl, Secrets, Standard, StandardQueue,
};
use runtime::config::Environment;
use serde_json::{Value, json};
use uuid::Uuid;

const QUEUE: &str = "http://127.0.0.1:9/000000000000/deliveries.fifo";
const RETRIES: &str = "http://127.0.0.1:9/000000000000/audit-retry";

pub(crate) struct Parts {
    pub(crate) queue: FifoQueue,
    pub(crate) standard: StandardQueue,
    pub(crate) secrets: Secrets,
    pub(crate) bus: EventBus,
    pub(crate) audit: audit::Memory,
    pub(crate) context: Context,
}

impl Parts {
    pub(crate) fn calling(endpoint: &str) -> Self {
        Self::built(endpoint, Clients::new)
    }

    fn built(endpoint: &str, clients: impl FnOnce(&AwsSettings, Writer) -> Clients) -> Self {
        let mut env = Environment::from_pairs([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "aws-secret-key"),
            ("AWS_SESSION_TOKEN", "aws-session-token"),
            ("AWS_ENDPOINT_URL", endpoint),
            ("DELIVERIES_QUEUE_URL", QUEUE),
        ]);
        let settings = AwsSettings::from_environment(&mut env);
        let url = QueueUrl::from_environment(&mut env, "DELIVERIES_QUEUE_URL");
        env.finish().unwrap();
        let (writer, audit) = Writer::memory("test", Arc::new(SystemClock));
        let clients = clients(&settings, writer);
        let bus = EventBus::new(&settings, &clients, "ledger");
        let context = Context::new(ActorType::WebhookEvent, Uuid::from_u128(7));
        Self {
            queue: FifoQueue::new(&clients, url),
            standard: StandardQueue::new(&clients, QueueUrl::<Standard>::parse(RETRIES).unwrap()),
            secrets: Secrets::new(&clients),
            bus,
            audit,
            context,
        }
    }

    pub(crate) async fn send(&self) -> Result<(), AwsError> {
        let message = FifoMessage {
            group: "main/7/12".to_owned(),
            deduplication_id: "delivery-1".to_owned(),
            body: r#"{"number":1}"#.to_owned(),
        };
        self.queue.send(&self.context, message).await
    }

    /// The only entry.
    fn entry(&self) -> Value {
        let mut entries = self.audit.entries();
        assert_eq!(entries.len(), 1, "one operation leaves one entry: {entries:#?}");
        entries.remove(0)
    }
}

async fn aws() -> (AwsDouble, Parts) {
    let double = doubles::aws::start().await;
    let parts = Parts::calling(&double.url());
    (double, parts)
}

pub(crate) fn refusal(status: u16, code: &str) -> Stub {
    Stub::answering("POST", "/", status, json!({"__type": code, "message": "no"}))
        .header("content-type", "application/x-amz-json-1.0")
}
