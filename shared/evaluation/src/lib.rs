//! The one use case that processor and maintenance share: gather the facts of a merge, judge it, write the outcome.
//!
//! Decide with data, act later: GitLab is read before the transaction, [`rules::evaluate`] is pure, and everything that belongs to
//! one delivery (its event, the decision, the exception, the effect) is written in ONE transaction. What must then happen outside
//! comes back as data.

mod archive;
mod delivery;
mod eligibility;
mod gather;
mod instances;
mod judgement;
mod known;
mod ledger;
mod outbox;
mod pending;
mod quarantine;
mod report;
mod review;
mod told;
mod trail;
mod wiring;

use std::sync::Arc;

use audit::Writer;
use jiff::SignedDuration;
use model::Clock;
use rules::Rules;
use store::Store;

use eligibility::Eligibility;
pub use instances::{GitLabCredentials, Instances};
pub use outbox::Outbox;
pub use pending::Reevaluated;
pub use report::{Outcome, Report};
pub use wiring::{Outbound, Settings};

/// How long the caller's own enqueueing of a new effect may take before the relay does it instead.
pub const ENQUEUE_GRACE: SignedDuration = SignedDuration::from_secs(15);

/// Why a delivery or a pending evaluation was not dealt with.
#[derive(Debug, thiserror::Error)]
#[error("the database: {0}")]
pub struct EvaluationError(#[from] pub store::StoreError);

impl EvaluationError {
    /// Whether trying again can help; otherwise the delivery belongs in quarantine.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

/// Everything an evaluation needs. One per execution environment.
pub struct Evaluator {
    store: Arc<Store>,
    rules: Arc<Rules>,
    instances: Instances,
    eligibility: Eligibility,
    gitlab: gather::Instance,
    event_bus: Option<String>,
    clock: Arc<dyn Clock>,
    audit: Writer,
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator")
            .field("rules", &self.rules.hash)
            .finish_non_exhaustive()
    }
}

impl Evaluator {
    /// An evaluator over the given database, rules and GitLab instances.
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
            instances,
            eligibility: Eligibility::default(),
            gitlab: gather::Instance::default(),
            event_bus: None,
            clock,
            audit,
        }
    }

    /// The same, with an event for each row of the ledger on this EventBridge bus (name or ARN).
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
}
