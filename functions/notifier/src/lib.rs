//! The notifier function: applies one effect at a time, once, even after a crash.
//!
//! A lease is committed before the call and the outcome after it. If a call may have reached its target unconfirmed, the function
//! checks there and never repeats it blindly.

mod backoff;
mod config;
mod effects;
mod lease;
mod message;
mod outcome;
mod targets;

use std::sync::Arc;

use audit::{Context, Writer};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use model::Clock;
use runtime::batch::{MissingMessageId, process_fifo_groups};
use runtime::metrics::Metrics;
use runtime::{Deadline, Process, StartError};
use trace::Tracer;

pub use config::Config;
use targets::TargetsFromSecrets;

/// One execution environment of the function.
pub struct Notifier {
    targets: TargetsFromSecrets,
    dry_run: bool,
    audit: Writer,
    metrics: Metrics,
    tracer: Tracer,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

impl Notifier {
    /// Builds the clients without calling anything.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules.
    pub fn new(config: Config, process: &Process) -> Result<Self, StartError> {
        let dry_run = config.dry_run;
        let targets = targets::from_secrets(config, process)?;
        Ok(Self {
            targets,
            dry_run,
            audit: process.audit.clone(),
            metrics: process.metrics.clone(),
            tracer: process.tracer.clone(),
            clock: process.clock(),
        })
    }

    /// Reads the secrets, opens the database, and verifies that this code and the schema are compatible.
    ///
    /// # Errors
    /// [`StartError`]: the function must not start.
    pub async fn warm_up(&self, context: &Context) -> Result<(), StartError> {
        Ok(self.targets.get(context).await?.store.check_schema().await?)
    }

    /// Handles one batch; returns the messages to redeliver. Destinations are processed concurrently: a failing or slow one delays
    /// no other.
    ///
    /// # Errors
    /// If a message has no id: then the whole batch is redelivered.
    pub async fn handle(&self, event: SqsEvent, deadline: &Deadline) -> Result<SqsBatchResponse, MissingMessageId> {
        // Boxed: the work on an effect is one deep future, and its type would be nested too deeply for the compiler.
        process_fifo_groups(event, deadline, async |message| {
            Box::pin(self.process_message(message)).await
        })
        .await
    }
}
