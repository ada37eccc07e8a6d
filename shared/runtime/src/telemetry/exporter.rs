//! Exports the spans of an invocation before its answer: within a time limit, and not at all for a while after a failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use trace::{Export, ExportError, Finished, Resource, Tracer};

use crate::Deadline;
use crate::metrics::Metrics;

/// How long a collector is not called after a failure, unless it asks for longer: while it is down, one delivery in this time waits
/// for the time limit, and the others do not wait.
const REST: SignedDuration = SignedDuration::from_mins(1);
/// Longest pause that a collector may ask for.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(15);
/// The time an invocation needs for its answer after the export.
const TIME_TO_ANSWER: Duration = Duration::from_millis(100);

/// Exports the tracer's spans to a collector. Lost spans are counted, logged and dropped: spans are not evidence.
pub(crate) struct Exporter {
    pub(crate) tracer: Tracer,
    pub(crate) collector: Box<dyn Export>,
    pub(crate) resource: Resource,
    pub(crate) timeout: Duration,
    pub(crate) metrics: Metrics,
    /// The actor of exports, which may hold the spans of several deliveries.
    pub(crate) context: Context,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rests_until: Mutex<Option<Timestamp>>,
}

impl Exporter {
    /// Exports the spans that ended since the last export.
    pub(crate) async fn flush(&self, deadline: &Deadline) {
        let taken = self.tracer.take();
        if taken.spans.is_empty() && taken.overflowed == 0 {
            return;
        }
        let time_limit = self.timeout.min(deadline.remaining().saturating_sub(TIME_TO_ANSWER));
        let (dropped, reason) = if self.rests() {
            (
                taken.spans.len(),
                "export paused after a recent collector failure".to_owned(),
            )
        } else if time_limit.is_zero() {
            (taken.spans.len(), "too little time left for the export".to_owned())
        } else {
            self.export(&taken.spans, time_limit).await
        };
        let dropped = u64::try_from(dropped)
            .unwrap_or(u64::MAX)
            .saturating_add(taken.overflowed);
        if dropped > 0 {
            self.metrics.count("spans_dropped", dropped);
            tracing::warn!(dropped, reason, "spans were dropped; the audit log is not affected");
        }
    }

    /// How many were lost, and why.
    async fn export(&self, spans: &[Finished], time_limit: Duration) -> (usize, String) {
        let body = trace::encode(&self.resource, spans);
        match self.collector.export(&self.context, body, time_limit).await {
            Ok(refused) => {
                let refused = usize::try_from(refused).unwrap_or(spans.len()).min(spans.len());
                (
                    refused,
                    "the collector rejected spans, or there were too many".to_owned(),
                )
            }
            Err(ExportError { reason, retry_after }) => {
                self.rest(retry_after);
                (spans.len(), reason)
            }
        }
    }

    fn rests(&self) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until > self.clock.now())
    }

    fn rest(&self, asked: Option<Duration>) {
        let asked = asked.map_or(REST, |asked| SignedDuration::try_from(asked).unwrap_or(LONGEST_REST));
        let until = self.clock.now().checked_add(asked.clamp(REST, LONGEST_REST)).ok();
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
