//! The use cases, one file each: process a delivery, decide a merge, evaluate a review, read again what waits for GitLab.
//!
//! Decide with data, act later: GitLab is read before the transaction, [`rules::evaluate`] is pure, and everything that belongs to
//! one delivery (its event, the decision, the exception, the effects) is written in ONE transaction. Outside actions are returned
//! as data.
#![expect(
    clippy::missing_errors_doc,
    reason = "each error type says what to do; a section says only what a function adds"
)]

mod audit_entries;
mod commit;
pub mod config;
mod decisions;
mod deliveries;
mod delivery;
pub mod deployment;
mod effects;
mod eligibility;
mod evaluations;
mod evidence;
mod exceptions;
mod gitlab_audit;
mod gitlab_facts;
mod instances;
mod ledger;
mod merge;
mod merges;
mod need;
mod outbox;
mod pending;
mod report;
mod reviews;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use audit::Writer;
use jiff::Timestamp;
use model::Clock;
use rules::Rules;
use store::Store;

pub use deliveries::{process_delivery, quarantine_delivery};
pub use effects::ENQUEUE_GRACE;
pub use instances::{GitLabCredentials, Instances};
pub use outbox::Outbox;
pub use pending::{Reevaluated, read_merge_again, read_review_again, reevaluate};
pub use report::{DeliveryOutcome, DeliveryReport};

/// Why a delivery or a pending evaluation was not processed.
#[derive(Debug, thiserror::Error)]
#[error("not processed: {0}")]
pub struct AppError(#[from] pub store::StoreError);

impl AppError {
    /// Whether a retry can help; otherwise the delivery belongs in quarantine.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

/// Everything the use cases need. One per execution environment.
#[derive(Debug)]
pub struct App {
    store: Arc<Store>,
    rules: Arc<Rules>,
    /// The number of the database connection that last kept the rules file.
    rules_kept: AtomicU64,
    instances: Instances,
    eligibility: eligibility::ApproverEligibility,
    gitlab: gitlab_facts::KnownOfInstances,
    event_bus: Option<String>,
    clock: Arc<dyn Clock>,
    audit: Writer,
}

impl App {
    /// Uses the given database, rules and GitLab instances.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        rules: Arc<Rules>,
        instances: Instances,
        clock: Arc<dyn Clock>,
        audit: Writer,
    ) -> Self {
        Self {
            store,
            rules,
            rules_kept: AtomicU64::new(0),
            instances,
            eligibility: eligibility::ApproverEligibility::default(),
            gitlab: gitlab_facts::KnownOfInstances::default(),
            event_bus: None,
            clock,
            audit,
        }
    }

    /// The same, with an event for each ledger row on this EventBridge bus (name or ARN).
    #[must_use]
    pub fn with_event_bus(mut self, name: Option<String>) -> Self {
        self.event_bus = name;
        self
    }

    /// The database, for jobs that find their work there.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
