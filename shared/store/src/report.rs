//! What the operator's command asks of ledger, exceptions and decisions: pages of rows as JSON, and decisions to be computed again.

mod decisions;
mod effects;
mod filter;
mod record;
mod statistics;

pub use decisions::{Stage, StoredEvidence, StoredJudgement};
pub use effects::{EffectFilter, Requeued};
pub use filter::{ExceptionFilter, LedgerDecision, LedgerFilter, Page};
pub use record::MergeRequestRecord;
pub use statistics::{Statistics, StatisticsFilter};
