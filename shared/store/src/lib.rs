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

mod audit;
mod config;
mod connection;
mod decisions;
mod deliveries;
mod effects;
mod error;
mod evidence;
mod exceptions;
mod gitlab_audit_events;
mod gitlab_users;
mod ledger;
mod merge_request_state;
mod migrate;
mod operator_request;
mod pending;
mod queries;
mod rds_roots;
mod roles;
mod schema;
mod sql;
mod store;
mod tls;
mod tx;

pub use self::audit::{
    AuditActor, AuditBacklog, AuditBatch, AuditFilter, AuditGap, AuditOrder, AuditOutcome, AuditRow, AuditStory,
    AuditTarget, BatchReport, DestinationBacklog, DestinationEnd, DestinationLease, GapReason, MalformedLine, OpenCall,
    PositionedEntry, PushedCommit, RecordedGap, Released, SearchPlan, StoryKind, StoryLines, StoryRow,
    UndeliveredEntry, UnknownWord, detach_audit_partitions,
};
pub use config::{DatabaseAddress, DatabaseConfig, StoreConfigError};
pub use decisions::{DecisionHead, NewDecision, NewReviewDecision, StoredDecision};
pub use deliveries::{EligibleReading, InsertResult, StoredHistory};
pub use effects::{
    AttemptOutcome, AttemptResult, Backlog, ExceptionAlert, ExceptionUpdate, Lease, MergeForEffect, NewEffect,
    UpdateDecision,
};
pub use error::StoreError;
pub use evidence::NewEvidence;
pub use gitlab_audit_events::MembershipClaim;
pub use ledger::StoredLedgerRow;
pub use merge_request_state::{FirstRead, MergeRequestState, StoredReview};
pub use migrate::{MigrationError, MigrationReport, migrate};
pub use operator_request::{OperatorRequest, OperatorRequestError};
pub use pending::{Evaluation, EvaluationSource, EvaluationState, PendingReview};
pub use queries::{
    DecisionFilter, DecisionStage, EffectFilter, EventCursor, ExceptionFilter, LedgerFilter, MergeRequestRecord,
    ReportPage, Requeued, Statistics, StatisticsFilter, StoredDecisionInput, StoredEvent, StoredEvidence, Unconfirmed,
    UnconfirmedFilter,
};
pub use roles::{Group, LoginError, provision_login};
pub use schema::{SchemaError, known_schema_version, schema_version};
pub use store::Store;
pub use tx::{Later, Queued, Tx};
