//! The notifier function: carries out one effect at a time, once, whatever happens in between.
//!
//! A lease is committed before the call and the outcome after it. Whatever may have reached its target without our knowing is
//! resolved by looking there, never by doing it again blindly.

mod archive;
mod attempt;
mod backoff;
mod config;
mod exception_update;
mod ledger_event;
mod record;
mod worker;

use std::sync::Arc;

use audit::{Context, Writer};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use model::Clock;
use runtime::batch::{MissingMessageId, process_fifo_groups};
use runtime::metrics::Metrics;
use runtime::secrets::Built;
use runtime::{Deadline, Process, StartError};
use store::DatabaseConfig;
use trace::Tracer;

pub use config::Config;
use worker::{Outbound, Worker};

/// One execution environment of the function.
pub struct Notifier {
    worker: Built<DatabaseConfig, Outbound, Worker>,
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
    /// Builds the clients; nothing is called yet.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules.
    pub fn new(config: Config, process: &Process) -> Result<Self, StartError> {
        let dry_run = config.dry_run;
        let worker = worker::from_secrets(config, process)?;
        Ok(Self {
            worker,
            dry_run,
            audit: process.audit.clone(),
            metrics: process.metrics.clone(),
            tracer: process.tracer.clone(),
            clock: process.clock(),
        })
    }

    /// Reads the secrets, opens the database, and makes sure that this code and the schema know each other.
    ///
    /// # Errors
    /// [`StartError`]: the function must not start.
    pub async fn warm_up(&self, context: &Context) -> Result<(), StartError> {
        Ok(self.worker.get(context).await?.store.check_schema().await?)
    }

    /// Handles one batch; answers which messages must come again. Destinations are worked on side by side: one that is down or slow
    /// holds up no other.
    ///
    /// # Errors
    /// If a message has no id: then the whole batch comes again.
    pub async fn handle(&self, event: SqsEvent, deadline: &Deadline) -> Result<SqsBatchResponse, MissingMessageId> {
        // Boxed: the whole work on an effect is one deep future, and its type would be nested too deeply for the compiler.
        process_fifo_groups(event, deadline, async |record| Box::pin(self.record(record)).await).await
    }
}
