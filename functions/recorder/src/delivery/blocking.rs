//! Destinations with blocking code: each on its own thread, with a limit on how long callers wait.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit::{Context, FailureClass};
use audit_delivery::{DeliveryError, Destination as _, FileDestination, Outgoing};
use clients::siem::Audited;
use store::PositionedEntry;
use tokio::sync::Mutex;

/// A destination, one delivery at a time.
#[derive(Debug, Clone)]
pub(crate) struct Blocking(Arc<Mutex<Work>>);

#[derive(Debug)]
enum Work {
    /// Not audited: no external call.
    File {
        path: PathBuf,
        open: FileDestination,
    },
    Audited(Audited),
}

impl Blocking {
    pub(super) fn file(path: PathBuf) -> Self {
        let open = FileDestination::new(path.clone());
        Self(Arc::new(Mutex::new(Work::File { path, open })))
    }

    pub(super) fn audited(destination: Audited) -> Self {
        Self(Arc::new(Mutex::new(Work::Audited(destination))))
    }

    /// Delivers a batch, and waits at most this long. A slower thread continues, and the destination gets nothing else until it has
    /// ended.
    pub(super) async fn deliver(
        &self,
        context: &Context,
        batch: Vec<PositionedEntry>,
        patience: Duration,
    ) -> Result<(), DeliveryError> {
        let late = |message: &str| DeliveryError::Unavailable {
            class: FailureClass::Timeout,
            message: message.to_owned(),
            retry_after: None,
        };
        let Ok(mut work) = Arc::clone(&self.0).try_lock_owned() else {
            return Err(late("the previous delivery is still running"));
        };
        let context = context.clone();
        let thread = tokio::task::spawn_blocking(move || {
            let batch = outgoing(&batch);
            match &mut *work {
                Work::File { open, .. } => open.deliver(&batch),
                Work::Audited(destination) => destination.deliver(&context, &batch),
            }
        });
        match tokio::time::timeout(patience, thread).await {
            Ok(Ok(delivered)) => delivered,
            Ok(Err(_panic)) => Err(DeliveryError::Unavailable {
                class: FailureClass::InvalidResponse,
                message: "delivery panicked (see the log for the location)".to_owned(),
                retry_after: None,
            }),
            Err(_elapsed) => Err(late("delivery timed out")),
        }
    }

    /// Closes the file after a successful run: a frozen environment would keep its lock and block all other writers. After a
    /// failure it is already closed, and its knowledge of the failure is needed.
    pub(super) fn release(&self) {
        if let Ok(mut work) = self.0.try_lock()
            && let Work::File { path, open } = &mut *work
        {
            *open = FileDestination::new(path.clone());
        }
    }
}

/// Entries in the form that destinations accept.
pub(super) fn outgoing(batch: &[PositionedEntry]) -> Vec<Outgoing<'_>> {
    let entries = batch.iter().map(|entry| Outgoing {
        position: u64::try_from(entry.position).unwrap_or(0),
        id: entry.id,
        line: &entry.line,
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use audit::{ActorType, Writer};
    use audit_delivery::Destination;
    use jiff::Timestamp;
    use model::FixedClock;
    use uuid::Uuid;

    use super::*;

    /// Ends a delivery on request, and reports each one it begins.
    struct Held {
        begun: Sender<u64>,
        end: Receiver<()>,
    }

    impl Destination for Held {
        fn name(&self) -> &'static str {
            "syslog"
        }

        fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
            self.begun.send(batch[0].position).unwrap();
            self.end.recv().unwrap();
            Ok(())
        }
    }

    #[tokio::test]
    async fn hanging_delivery_times_out_and_blocks_the_next() {
        let ((begun, seen), (release, end)) = (channel(), channel());
        let (writer, lines) = Writer::memory("recorder", Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        let audited = Audited::syslog(Box::new(Held { begun, end }), "tcp://127.0.0.1:514", writer);
        let destination = Blocking::audited(audited);
        let context = Context::new(ActorType::PollCycle, Uuid::from_u128(7));
        let entry = |position| PositionedEntry {
            position,
            id: Uuid::from_u128(9),
            service: "webhook".to_owned(),
            action: "x".to_owned(),
            timestamp: Timestamp::UNIX_EPOCH,
            line: "{}".to_owned(),
        };
        let deliver = |position, patience| destination.deliver(&context, vec![entry(position)], patience);
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(20));
        assert_eq!(deliver(1, short).await.unwrap_err().class(), FailureClass::Timeout);
        let busy = deliver(2, long).await.unwrap_err();
        assert_eq!(busy.to_string(), "the previous delivery is still running");
        release.send(()).unwrap();
        while destination.0.try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        assert_eq!(deliver(2, long).await, Ok(()));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(lines.entries().len(), 2, "also the abandoned one, after it had ended");
    }
}
