//! The end of a transaction: its effects, its audit entries and its commit.

use audit::Context;
use model::{AuditLine, Effect, LedgerRow, MergeRequestKey};
use store::{Later, NewEffect, StoreError, StoredLedgerRow, Tx};

use crate::audit_entries::written_entries;
use crate::report::ExceptionChange;
use crate::{App, AppError, DeliveryOutcome, DeliveryReport};

/// What the transaction has written, and what to write with its commit.
pub(crate) struct PendingCommit {
    pub(crate) outcome: DeliveryOutcome,
    /// Still to be inserted.
    pub(crate) new_effects: Vec<NewEffect>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) exception: Option<ExceptionChange>,
    pub(crate) ledger: Option<LedgerWrite>,
    /// The rules file is kept with it; the value is the number of database connections opened so far.
    pub(crate) keeps_rules: Option<u64>,
}

/// A ledger row to write.
pub(crate) struct LedgerWrite {
    pub(crate) row: LedgerRow,
    pub(crate) revision: i64,
    pub(crate) written: Later<StoredLedgerRow>,
}

impl From<DeliveryOutcome> for PendingCommit {
    fn from(outcome: DeliveryOutcome) -> Self {
        Self {
            outcome,
            new_effects: Vec::new(),
            effects: Vec::new(),
            exception: None,
            ledger: None,
            keeps_rules: None,
        }
    }
}

/// Commits, and reports what was written to the audit log: announced before, reported after. If the process dies in between, the
/// announcement remains; the redelivery finds the rows and reports them with the same ids.
pub(crate) async fn commit(
    app: &App,
    mut tx: Tx<'_>,
    context: &Context,
    key: &MergeRequestKey,
    delivery: Option<AuditLine>,
    pending: PendingCommit,
) -> Result<DeliveryReport, AppError> {
    // 1. The effects, and the claim on the lines that were printed so far.
    let mut effects = pending.effects;
    let inserted = match pending.new_effects.as_slice() {
        [] => None,
        new => Some(tx.insert_effects(new).later()?),
    };
    app.claim_lines(&mut tx, delivery)?;
    // 2. The written rows are read back and announced.
    if let Some(inserted) = inserted {
        effects.extend(tx.take(inserted).await?);
    }
    let row = match pending.ledger {
        Some(ledger) => Some(read_back(&mut tx, ledger).await?),
        None => None,
    };
    let entries = written_entries(context, key, row.as_ref(), pending.exception.as_ref());
    for entry in &entries {
        app.audit.announce_entry(entry);
    }
    // 3. The commit, and its report.
    tx.commit().await?;
    if let Some(opened) = pending.keeps_rules {
        app.rules_kept.store(opened, std::sync::atomic::Ordering::Relaxed);
    }
    for entry in &entries {
        app.audit.write(entry);
    }
    Ok(DeliveryReport {
        outcome: pending.outcome,
        effects,
    })
}

/// Checks that the database has the row as intended.
async fn read_back(tx: &mut Tx<'_>, ledger: LedgerWrite) -> Result<StoredLedgerRow, StoreError> {
    let LedgerWrite { row, revision, written } = ledger;
    let written = tx.take(written).await?;
    let as_meant = written.row.review.decision == row.review.decision
        && written.row.decision_id == row.decision_id
        && written.revision == revision;
    if !as_meant {
        return Err(StoreError::Rejected(
            "the ledger row was not written as requested".to_owned(),
        ));
    }
    Ok(written)
}
