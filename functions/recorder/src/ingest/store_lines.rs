//! Stores lines in the database, or sends them to the retry queue.

use std::time::Duration;

use audit::{Action, Context, Entry, FailureClass, Outcome, Target};
use runtime::Deadline;
use runtime::aws::AwsError;
use runtime::batch::{BatchError, Message, MissingMessageId};
use store::{AuditBatch, BatchReport, Store, StoreError};

use crate::database::DatabaseError;
use crate::ingest::lines::{kept, sorted};
use crate::ingest::logs::{LogDelivery, Undecodable};
use crate::ingest::retry;
use crate::request::{LogsEvent, RetryMessage};
use crate::{InvocationReport, Recorder};

/// Time reserved for sending the lines to the queue if the database does not answer.
const TIME_TO_PUT_OFF: Duration = Duration::from_secs(8);

/// Why the request failed; retry it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The lines are unreadable.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database did not answer in time.
    #[error("database timed out")]
    TooSlow,
    /// The retry queue also failed.
    #[error("database and retry queue are both unavailable: {0}")]
    Queue(#[from] AwsError),
    /// The response to the batch of messages cannot be built.
    #[error(transparent)]
    MissingMessageId(#[from] MissingMessageId),
}

impl Recorder {
    /// Lines as printed. If the database does not accept them, they go to the retry queue.
    pub(crate) async fn logs(
        &self,
        context: &Context,
        event: &LogsEvent,
        deadline: &Deadline,
    ) -> Result<InvocationReport, RecordError> {
        let Some(delivery) = event.unpack()? else {
            return Ok(InvocationReport::default());
        };
        let patience = deadline.remaining().saturating_sub(TIME_TO_PUT_OFF);
        let stored = match tokio::time::timeout(patience, self.record(context, &delivery)).await {
            Ok(stored) => stored,
            Err(_elapsed) => Err(RecordError::TooSlow),
        };
        match stored {
            Ok(report) => Ok(report),
            Err(error) => {
                let put_off = retry::put_off(&self.retry_queue, context, &delivery).await?;
                tracing::warn!(error = %error, messages = put_off, "storing audit lines failed; sent them to the retry queue");
                Ok(InvocationReport {
                    put_off,
                    ..InvocationReport::default()
                })
            }
        }
    }

    /// Lines from the retry queue. While the database is down, SQS redelivers the message.
    pub(crate) async fn message(&self, context: &Context, message: Message) -> Result<(), BatchError> {
        // Only this function and Lambda write to this queue. An unreadable message ends in the dead-letter queue, which has an
        // alarm.
        let message: RetryMessage = serde_json::from_str(&message.body)
            .map_err(|error| BatchError::new(format!("message does not contain log lines: {:?}", error.classify())))?;
        let event = match message {
            RetryMessage::Logs(event) | RetryMessage::FailedLogs { payload: event } => event,
            RetryMessage::FailedJobs { .. } => return Ok(()),
        };
        if let Some(delivery) = event.unpack()? {
            self.record(context, &delivery).await?;
        }
        Ok(())
    }

    /// Stores a delivery and assigns positions to its lines.
    async fn record(&self, context: &Context, delivery: &LogDelivery) -> Result<InvocationReport, RecordError> {
        Ok(self.record_batch(context, &sorted(delivery)).await?.0)
    }

    /// Stores a batch and assigns positions to its lines.
    pub(crate) async fn record_batch(
        &self,
        context: &Context,
        batch: &AuditBatch,
    ) -> Result<(InvocationReport, BatchReport), RecordError> {
        if batch.entries.is_empty() && batch.intents.is_empty() && batch.malformed.is_empty() {
            return Ok((InvocationReport::default(), BatchReport::default()));
        }
        let store = self.database.store(context).await?;
        let stored = match self.store_batch(&store, batch).await {
            Ok(stored) => stored,
            Err(error) => {
                self.database.failed(context, &error).await;
                return Err(error.into());
            }
        };
        self.measures.stored(&batch.entries, &stored);
        if stored.quarantined > 0 {
            self.report_quarantine(context, batch, &stored);
        }
        // The lines are safe. If their positions must wait, the next minute's run assigns them.
        let positions = match self.release(&store, context).await {
            Ok(positions) => positions,
            Err(error) => {
                tracing::warn!(error = %error, "audit lines are stored but have no position yet; the next run assigns it");
                0
            }
        };
        let report = InvocationReport {
            stored: stored.new.len() as u64,
            duplicates: stored.duplicates,
            quarantined: stored.quarantined,
            positions,
            ..InvocationReport::default()
        };
        Ok((report, stored))
    }

    /// Stores a batch whole. If the database rejects a value, the valid lines are stored, and the invalid one is quarantined: one
    /// line must not block the others.
    async fn store_batch(&self, store: &Store, batch: &AuditBatch) -> Result<BatchReport, StoreError> {
        let mut total = BatchReport::default();
        let mut parts = vec![batch.clone()];
        while let Some(part) = parts.pop() {
            match store.record_audit_batch(&part, self.now()).await {
                Ok(report) => {
                    total.new.extend(report.new);
                    total.duplicates += report.duplicates;
                    total.quarantined += report.quarantined;
                    total.refused.extend(report.refused);
                }
                Err(StoreError::Rejected(reason)) => match halves(part, &reason) {
                    Some(halves) => parts.extend(halves),
                    None => return Err(StoreError::Rejected(reason)),
                },
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    /// Stores what this function has printed. If that fails, the next invocation does it.
    pub(crate) async fn store_own(&self, context: &Context) {
        let snapshot = self.own.look();
        if snapshot.entries().is_empty() && snapshot.intents().is_empty() {
            return;
        }
        let stored = match self.database.store(context).await {
            Ok(store) => self
                .store_batch(&store, &snapshot.batch)
                .await
                .map_err(RecordError::from),
            Err(error) => Err(error.into()),
        };
        match stored {
            Ok(report) => {
                self.own.forget(&snapshot, true);
                self.measures.stored(snapshot.entries(), &report);
            }
            Err(error) => {
                tracing::warn!(error = %error, "storing the recorder's own lines failed; the next invocation retries it");
            }
        }
    }

    fn report_quarantine(&self, context: &Context, batch: &AuditBatch, stored: &BatchReport) {
        let outcome = Outcome::Failure(FailureClass::InvalidResponse);
        let target = Target::other("log_stream", batch.source.as_str());
        let entry = Entry::new(Action::AuditLineQuarantined, context, target, outcome);
        self.audit.write(&entry.detail("lines", stored.quarantined));
        tracing::error!(
            source = batch.source,
            lines = stored.quarantined,
            "malformed audit lines were moved to quarantine"
        );
    }
}

/// Splits a batch in two; from a single line it makes a quarantined one. `None`: that was the rejected one.
fn halves(batch: AuditBatch, reason: &str) -> Option<Vec<AuditBatch>> {
    let AuditBatch {
        source,
        mut entries,
        mut intents,
        mut malformed,
    } = batch;
    let empty_batch = |source: &str| AuditBatch {
        source: source.to_owned(),
        ..AuditBatch::default()
    };
    let mut rest = empty_batch(&source);
    match (entries.len(), intents.len(), malformed.len()) {
        (1, 0, 0) => {
            let line = entries.remove(0).line;
            rest.malformed
                .push(kept(&line, format!("database rejected its values: {reason}")));
            return Some(vec![rest]);
        }
        (0, 1, 0) => {
            let line = serde_json::to_string(&intents.remove(0)).unwrap_or_default();
            rest.malformed
                .push(kept(&line, format!("database rejected its values: {reason}")));
            return Some(vec![rest]);
        }
        (0, 0, 0 | 1) => return None,
        (2.., _, _) => rest.entries = entries.split_off(entries.len() / 2),
        (_, 2.., _) => rest.intents = intents.split_off(intents.len() / 2),
        (_, _, 2..) => rest.malformed = malformed.split_off(malformed.len() / 2),
        // One line each, of two kinds or of all three.
        (1, _, _) => rest.entries = std::mem::take(&mut entries),
        (_, _, _) => rest.intents = std::mem::take(&mut intents),
    }
    let first = AuditBatch {
        entries,
        intents,
        malformed,
        ..empty_batch(&source)
    };
    // The first half on top: it is stored first.
    Some(vec![rest, first])
}
