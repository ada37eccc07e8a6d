//! What the operator's command asks of ledger, exceptions and decisions: pages of rows as JSON, and decisions to be computed again.

mod decisions;
mod filter;
mod record;
mod statistics;

pub use decisions::{Stage, StoredJudgement};
pub use filter::{ExceptionFilter, LedgerDecision, LedgerFilter, Page};
pub use record::MergeRequestRecord;
pub use statistics::{Statistics, StatisticsFilter};
