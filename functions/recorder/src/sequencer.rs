//! The order of everything stored: positions for waiting lines, and entries about what is missing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit::line_schema::ParsedIntent;
use audit::{Action, Context, Entry, FailureClass, Outcome, Target};
use jiff::Timestamp;
use runtime::Deadline;
use store::{AuditGap, Store, StoreError, Tx};
use uuid::Uuid;

use crate::{InvocationReport, Recorder};

/// Lines that get a position in one transaction: about a second.
const LINES: i64 = 5_000;
/// Open calls reported in one transaction.
const CALLS: i64 = 500;
/// No further transaction is started with less than this left.
const MIN_TIME_LEFT: Duration = Duration::from_secs(20);

/// What was reported but is not committed yet. Reported again, it has the same time, and so is the same entry.
#[derive(Debug, Default)]
pub(crate) struct ReportTimes(Mutex<HashMap<String, Timestamp>>);

impl ReportTimes {
    fn at(&self, key: &str, now: Timestamp) -> Timestamp {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *times.entry(key.to_owned()).or_insert(now)
    }

    fn committed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Recorder {
    /// Assigns positions to waiting lines. Cheap; does not search for gaps. Returns the number of entries.
    pub(crate) async fn release(&self, store: &Store, context: &Context) -> Result<u64, StoreError> {
        let mut tx = store.begin().await?;
        let released = tx.release_audit_lines(self.now(), LINES).await?;
        if released.closed.is_empty() {
            tx.commit().await?;
            return Ok(released.positions);
        }
        self.report_closed_gaps(context, &released.closed);
        Ok(released.positions + self.commit_with_own_lines(tx).await?)
    }

    /// Finds and reports what is missing, and assigns a position to every line that can have one.
    pub(crate) async fn sequence(
        &self,
        store: &Store,
        context: &Context,
        deadline: &Deadline,
        report: &mut InvocationReport,
    ) -> Result<(), StoreError> {
        loop {
            let more = self.sequence_some(store, context, report).await?;
            if !more || deadline.remaining() < MIN_TIME_LEFT {
                return Ok(());
            }
        }
    }

    /// One of its transactions. What it reports is committed with the rows that record it.
    async fn sequence_some(
        &self,
        store: &Store,
        context: &Context,
        report: &mut InvocationReport,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = store.begin().await?;
        tx.lock_audit_sequence().await?;
        let gaps = tx.due_audit_gaps(now, self.gap_after).await?;
        for gap in &gaps {
            self.report_gap(context, gap);
            tx.record_audit_gap(gap, now).await?;
        }
        let since = now.saturating_sub(self.gap_after).unwrap_or(now);
        let open = tx.open_audit_intents(since, CALLS).await?;
        for intent in &open {
            self.report_open_call(intent);
        }
        let ids: Vec<Uuid> = open.iter().map(|intent| intent.id).collect();
        tx.mark_audit_intents_reported(&ids, now).await?;
        let released = tx.release_audit_lines(now, LINES).await?;
        self.report_closed_gaps(context, &released.closed);
        let own = self.commit_with_own_lines(tx).await?;
        report.gaps += gaps.len() as u64;
        report.open_calls += open.len() as u64;
        report.positions += released.positions + own;
        let full = |count: u64, limit: i64| i64::try_from(count).is_ok_and(|count| count >= limit);
        Ok(full(released.lines, LINES) || full(open.len() as u64, CALLS))
    }

    /// Stores this function's lines in the transaction, assigns their positions, and commits.
    async fn commit_with_own_lines(&self, mut tx: Tx<'_>) -> Result<u64, StoreError> {
        let snapshot = self.own.look();
        if snapshot.entries().is_empty() {
            tx.commit().await?;
            return Ok(0);
        }
        let now = self.now();
        let stored = tx
            .record_audit_lines(snapshot.entries(), snapshot.source(), now)
            .await?;
        let released = tx.release_audit_lines(now, LINES).await?;
        tx.commit().await?;
        self.own.forget(&snapshot, false);
        self.report_times.committed();
        self.measures.stored(snapshot.entries(), &stored);
        Ok(released.positions)
    }

    fn report_gap(&self, context: &Context, gap: &AuditGap) {
        let key = format!("audit.gap_detected/{}/{}", gap.stream_id, gap.first_seq);
        let outcome = Outcome::Failure(FailureClass::NotFound);
        let entry = about_gap(Action::AuditGapDetected, context, gap, outcome)
            .detail("missing", gap.missing)
            .detail("reason", gap.reason.as_str());
        let reported_at = self.report_times.at(&key, self.now());
        self.audit.write(&entry.keyed(reported_at, key));
        tracing::error!(
            stream_id = %gap.stream_id,
            first_seq = gap.first_seq,
            last_seq = gap.last_seq,
            "audit lines are missing"
        );
    }

    fn report_closed_gaps(&self, context: &Context, closed: &[AuditGap]) {
        for gap in closed {
            let key = format!("audit.gap_closed/{}/{}", gap.stream_id, gap.first_seq);
            let entry = about_gap(Action::AuditGapClosed, context, gap, Outcome::Success);
            let reported_at = self.report_times.at(&key, self.now());
            self.audit.write(&entry.keyed(reported_at, key));
        }
    }

    /// Reported on behalf of the caller, so that it is found under the same correlation id.
    fn report_open_call(&self, intent: &ParsedIntent) {
        let key = format!("audit.intent_open/{}", intent.id);
        let reported_at = self.report_times.at(&key, self.now());
        self.audit.write(&intent.open_call_entry().keyed(reported_at, key));
    }
}

fn about_gap(action: Action, context: &Context, gap: &AuditGap, outcome: Outcome) -> Entry {
    let target = Target::other("stream", gap.stream_id.to_string());
    Entry::new(action, context, target, outcome)
        .detail("first_seq", gap.first_seq)
        .detail("last_seq", gap.last_seq)
        .detail("service", gap.service.as_deref())
}
