//! Postgres: the schema and its migrations, the one transaction of a delivery, the outbox of effects.
//!
//! Only this crate uses tokio-postgres. A function holds one [`Store`], which holds at most two connections; everything that
//! belongs to one delivery happens in one [`Tx`]. Times come from the caller. Statements are typed and unnamed, and the session
//! keeps no state (no `SET`, no session locks, no sequences), so a transaction pooler or RDS Proxy can be used. Statements whose
//! answers nothing waits for are queued and sent together ([`Queued`]), the first ones after `BEGIN`: a pooler that rejects `BEGIN`
//! must end the session, as Postgres and RDS Proxy do.
//!
//! Errors are [`StoreError`] unless documented otherwise: [`StoreError::is_retryable`] shows whether a retry may succeed.
#![expect(
    clippy::missing_errors_doc,
    reason = "the crate's documentation says it once for all of them"
)]

mod attempt;
mod audit;
mod backlog;
mod config;
mod connection;
mod error;
mod exception_update;
mod merge_for_effect;
mod migrate;
mod operator_request;
mod report;
mod roles;
mod schema;
mod sql;
mod store;
mod tls;
mod tx;

pub use self::audit::{
    AnnouncedCall, AuditActor, AuditBacklog, AuditBatch, AuditFilter, AuditGap, AuditOrder, AuditOutcome, AuditRow,
    AuditStory, AuditTarget, BatchReport, DestinationBacklog, DestinationEnd, DestinationLease, GapReason,
    MalformedLine, PositionedEntry, RecordedGap, Released, SearchPlan, StoryKind, StoryLines, StoryRow,
    UndeliveredEntry, UnknownWord, detach_audit_partitions,
};
pub use attempt::{AttemptOutcome, AttemptResult, Lease};
pub use backlog::Backlog;
pub use config::{DatabaseAddress, DatabaseConfig, StoreConfigError};
pub use error::StoreError;
pub use exception_update::{ExceptionAlert, ExceptionUpdate, UpdateDecision};
pub use merge_for_effect::MergeForEffect;
pub use migrate::{MigrationError, MigrationReport, migrate};
pub use operator_request::{OperatorRequest, OperatorRequestError};
pub use report::{
    DecisionFilter, DecisionStage, EffectFilter, EventCursor, ExceptionFilter, LedgerFilter, MergeRequestRecord,
    ReportPage, Requeued, Statistics, StatisticsFilter, StoredDecisionInput, StoredEvent, StoredEvidence, Unconfirmed,
    UnconfirmedFilter,
};
pub use roles::{Group, LoginError, provision_login};
pub use schema::{SchemaError, known_schema_version, schema_version};
pub use store::Store;
pub use tx::{
    DecisionHead, EligibleReading, Evaluation, EvaluationSource, EvaluationState, FirstRead, InsertResult, Later,
    MergeRequestState, NewDecision, NewEffect, NewEvidence, NewReviewDecision, PendingReview, Queued, StoredDecision,
    StoredHistory, StoredLedgerRow, StoredReview, Tx,
};
