//! A function that prints audit lines, and its log as CloudWatch Logs delivers it.

use std::io::Write as _;
use std::sync::Arc;

use audit::{Action, ActorType, AnnouncedCall, Context, Entry, Memory, Outcome, Target, Writer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doubles::clock::MovableClock;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// The start time.
pub(super) fn start_time() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

/// One execution environment of another function.
pub(super) struct Producer {
    pub(super) writer: Writer,
    memory: Memory,
    context: Context,
}

impl Producer {
    pub(super) fn new(clock: &MovableClock) -> Self {
        let (writer, memory) = Writer::memory("webhook", Arc::new(clock.clone()));
        let context = Context::new(ActorType::WebhookEvent, Uuid::now_v7());
        Self {
            writer,
            memory,
            context,
        }
    }

    /// A producer that has printed this many entries.
    pub(super) fn with(entries: usize) -> Self {
        let producer = Self::new(&MovableClock::at(start_time()));
        producer.print(entries);
        producer
    }

    /// Prints entries.
    pub(super) fn print(&self, entries: usize) -> &Self {
        for number in 0..entries {
            let target = Target::other("queue", format!("queue-{number}"));
            self.writer.write(&Entry::new(
                Action::SqsSendMessage,
                &self.context,
                target,
                Outcome::Success,
            ));
        }
        self
    }

    /// Announces a call.
    pub(super) fn begin(&self) -> AnnouncedCall {
        let target = Target::other("queue", "deliveries.fifo");
        self.writer
            .announce_call(Action::SqsSendMessage, &self.context, &target)
    }

    pub(super) fn correlation_id(&self) -> String {
        self.context.correlation_id.to_string()
    }

    /// Every line printed.
    pub(super) fn lines(&self) -> Vec<String> {
        self.memory.lines()
    }

    /// Every entry printed.
    pub(super) fn entries(&self) -> Vec<Value> {
        self.memory.entries()
    }

    /// The delivery of everything printed.
    pub(super) fn log(&self) -> Value {
        log(&self.lines())
    }
}

/// A delivery of these lines.
pub(super) fn log(lines: &[String]) -> Value {
    packed(&json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/webhook", "logStream": "2026/03/02/[1]a",
        "subscriptionFilters": ["audit"],
        "logEvents": lines.iter().enumerate()
            .map(|(number, line)| json!({"id": number.to_string(), "timestamp": start_time().as_millisecond(), "message": line}))
            .collect::<Vec<_>>(),
    }))
}

/// The subscription event with this content.
pub(super) fn packed(delivery: &Value) -> Value {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(delivery.to_string().as_bytes()).unwrap();
    json!({"awslogs": {"data": STANDARD.encode(gzip.finish().unwrap())}})
}

/// A batch of SQS messages with these bodies, from a standard queue.
pub(super) fn messages(bodies: impl IntoIterator<Item = String>) -> Value {
    let records = bodies.into_iter().enumerate().map(|(number, body)| {
        json!({"messageId": format!("message-{number}"), "receiptHandle": "r", "body": body,
            "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs"})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}
