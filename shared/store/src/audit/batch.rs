//! Incoming lines: stored once by id, even if repeated, late or out of order.

mod admission;
mod columns;
mod conflicts;
mod lines;
mod quarantine;

use std::collections::HashSet;

use audit::line_schema::{ParsedEntry, ParsedIntent};
use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use self::columns::Columns;
use crate::sql::{clean_text, column};
use crate::{Store, StoreError, Tx};

/// Entries written with one statement.
const CHUNK: usize = 1000;

/// Lines from one source, to be stored together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditBatch {
    /// Their source: log group and log stream, or an imported file.
    pub source: String,
    pub entries: Vec<ParsedEntry>,
    pub intents: Vec<ParsedIntent>,
    /// Lines marked as audit lines that are invalid.
    pub malformed: Vec<MalformedLine>,
}

/// A line kept for manual inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedLine {
    /// The line as printed.
    pub line: String,
    /// Why it is not an entry; must hold no secret.
    pub reason: String,
}

/// The result of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchReport {
    /// Ids of the entries stored now.
    pub new: Vec<Uuid>,
    /// Entries that were stored before, or occur twice in the batch.
    pub duplicates: u64,
    /// Lines put into quarantine now.
    pub quarantined: u64,
    /// Ids of entries of the batch that are not stored: of unfit time, or in conflict with the stored entry of that id.
    pub refused: Vec<Uuid>,
}

impl Store {
    /// Stores a batch in one transaction. Repeatable, also concurrently with others that store the same lines.
    ///
    /// An entry older than 60 months, or more than a month ahead of `now`, or of a detached month, is quarantined; its number
    /// counts as arrived. So is an entry with a known id and another action, target or service. So is a malformed line; there NUL, which Postgres cannot hold, becomes U+FFFD. Entries and announcements
    /// must be as returned by [`audit::line_schema::parse_line`], without NUL.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch is stored.
    pub async fn record_audit_batch(&self, batch: &AuditBatch, now: Timestamp) -> Result<BatchReport, StoreError> {
        let mut tx = self.begin().await?;
        let report = tx.record_lines(&batch.entries, &batch.intents, &batch.malformed, &batch.source, now);
        let report = report.await?;
        tx.commit().await?;
        Ok(report)
    }
}

impl Tx<'_> {
    /// Stores entries as part of this transaction, like [`Store::record_audit_batch`]: the recorder's own, which it need not read
    /// from a log.
    pub async fn record_audit_lines(
        &mut self,
        entries: &[ParsedEntry],
        source: &str,
        now: Timestamp,
    ) -> Result<BatchReport, StoreError> {
        self.record_lines(entries, &[], &[], source, now).await
    }

    async fn record_lines(
        &mut self,
        entries: &[ParsedEntry],
        intents: &[ParsedIntent],
        malformed: &[MalformedLine],
        source: &str,
        now: Timestamp,
    ) -> Result<BatchReport, StoreError> {
        let (mut admitted, mut refused) = self.admit(entries, now).await?;
        admitted.sort_by_key(|entry| (entry.id, entry.stream.map(|line| (line.stream_id, line.seq))));
        let (first, again): (Vec<_>, Vec<_>) = with_first(&admitted);

        let mut new = Vec::with_capacity(first.len());
        for chunk in first.chunks(CHUNK) {
            new.extend(self.insert_entries(chunk, source, now).await?);
        }
        let stored: HashSet<Uuid> = new.iter().copied().collect();
        let known = first.iter().filter(|entry| !stored.contains(&entry.id)).chain(&again);
        let known: Vec<&ParsedEntry> = known.copied().collect();
        let (repeated, conflicting) = self.without_conflicts(known, source).await?;
        refused.extend(conflicting.into_iter().map(|entry| (entry, conflicts::ID_CONFLICT)));
        let duplicates = repeated.len() as u64;
        let arrived: Vec<&ParsedEntry> = repeated
            .into_iter()
            .chain(refused.iter().map(|(entry, _)| *entry))
            .collect();
        self.count_lines(&arrived, now).await?;

        let arrived: HashSet<Uuid> = entries.iter().map(|entry| entry.id).collect();
        self.insert_intents(intents, &arrived, now).await?;
        self.remove_intents(&arrived).await?;

        let refused_ids: Vec<Uuid> = refused.iter().map(|(entry, _)| entry.id).collect();
        let refused = refused.iter().map(|(entry, why)| (entry.line.as_str(), *why));
        let malformed = malformed.iter().map(|line| (line.line.as_str(), line.reason.as_str()));
        let quarantined = self.quarantine_lines(refused.chain(malformed), source, now).await?;
        Ok(BatchReport {
            new,
            duplicates,
            quarantined,
            refused: refused_ids,
        })
    }

    async fn insert_entries(
        &mut self,
        entries: &[&ParsedEntry],
        source: &str,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, StoreError> {
        let columns = Columns::of(entries)?;
        let source = clean_text(source);
        let mut params = columns.params();
        params.extend([(&source as _, Type::TEXT), (&now as _, Type::TIMESTAMPTZ)]);
        let rows = self.query(columns::INSERT, &params).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }
}

/// The first line of each entry, and its repeated lines. The entries are sorted by id.
fn with_first<'a>(entries: &[&'a ParsedEntry]) -> (Vec<&'a ParsedEntry>, Vec<&'a ParsedEntry>) {
    let mut last = None;
    entries
        .iter()
        .partition(|entry| last.replace(entry.id) != Some(entry.id))
}
