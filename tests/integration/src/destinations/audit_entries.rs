//! Entries to send, and a caller that meets the contract of `Destination`: sends the same batch again, or its halves.

use audit::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target, Writer};
use audit_delivery::{DeliveryError, Destination, Outgoing};
use uuid::Uuid;

/// How often a batch may fail before the test fails.
const PATIENCE: u32 = 20;

/// Entries as the writer prints them.
pub(super) struct AuditEntries {
    lines: Vec<(Uuid, String)>,
}

impl AuditEntries {
    pub(super) fn new(count: usize) -> Self {
        let (writer, memory) = Writer::memory("processor", std::sync::Arc::new(model::SystemClock));
        let context = Context::new(ActorType::WebhookEvent, Uuid::now_v7());
        for _ in 0..count {
            let target = Target::other("secret", "countersign/destinations");
            writer.write(&Entry::new(
                Action::GitlabGetMrDetails,
                &context,
                target,
                Outcome::Success,
            ));
        }
        let lines = memory.lines().into_iter().map(|line| {
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
            (parsed["id"].as_str().unwrap().parse().unwrap(), line)
        });
        Self { lines: lines.collect() }
    }

    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.lines.iter().map(|(id, _)| *id).collect()
    }

    pub(super) fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    pub(super) fn batch(&self) -> Vec<Outgoing<'_>> {
        let numbered = self.lines.iter().zip(1..);
        numbered
            .map(|((id, line), position)| Outgoing {
                position,
                id: *id,
                line,
            })
            .collect()
    }

    /// Sends everything in batches of `size`; returns the quarantined entries, and the classes of the failures.
    pub(super) fn send(&self, destination: &mut dyn Destination, size: usize) -> (Vec<Uuid>, Vec<FailureClass>) {
        let (mut aside, mut failures) = (Vec::new(), Vec::new());
        for batch in self.batch().chunks(size) {
            send(destination, batch, &mut aside, &mut failures);
        }
        (aside, failures)
    }
}

fn send(
    destination: &mut dyn Destination,
    batch: &[Outgoing<'_>],
    aside: &mut Vec<Uuid>,
    failures: &mut Vec<FailureClass>,
) {
    for _ in 0..PATIENCE {
        match destination.deliver(batch) {
            Ok(()) => return,
            Err(DeliveryError::Unavailable { class, .. }) => failures.push(class),
            Err(DeliveryError::Refused { class, .. }) => {
                failures.push(class);
                if let [only] = batch {
                    aside.push(only.id);
                    return;
                }
                let (first, second) = batch.split_at(batch.len() / 2);
                send(destination, first, aside, failures);
                return send(destination, second, aside, failures);
            }
        }
    }
    panic!("{} failed {PATIENCE} times: {failures:?}", destination.name());
}

/// The class and the message of a retryable failure.
pub(super) fn unavailable(result: Result<(), DeliveryError>) -> (FailureClass, String) {
    match result {
        Err(DeliveryError::Unavailable { class, message, .. }) => (class, message),
        other => panic!("{other:?}"),
    }
}
