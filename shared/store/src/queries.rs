//! Queries of the operator's command on ledger, exceptions and decisions: pages of rows as JSON, and decisions to recompute.

mod decisions;
mod effects;
mod events;
mod filter;
mod record;
mod statistics;
mod unconfirmed;

pub use decisions::{DecisionStage, StoredDecisionInput, StoredEvidence};
pub use effects::{EffectFilter, Requeued};
pub use events::{EventCursor, StoredEvent};
pub use filter::{DecisionFilter, ExceptionFilter, LedgerFilter, ReportPage};
pub use record::MergeRequestRecord;
pub use statistics::{Statistics, StatisticsFilter};
pub use unconfirmed::{Unconfirmed, UnconfirmedFilter};
