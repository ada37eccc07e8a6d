//! The processor function: takes deliveries from their queue, one transaction each, and enqueues the resulting effects.

mod config;
mod message;

use app::Outbox;
use app::config::AppFromSecrets;
use audit::Context;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use runtime::aws::{Clients, FifoQueue};
use runtime::batch::{MissingMessageId, process_fifo_groups};
use runtime::metrics::Metrics;
use runtime::{Deadline, Process, StartError};
use trace::Tracer;

pub use config::Config;

/// One execution environment of the function.
#[derive(Debug)]
pub struct Processor {
    app: AppFromSecrets,
    outbox: Outbox,
    metrics: Metrics,
    tracer: Tracer,
}

impl Processor {
    /// Builds the clients without calling anything.
    ///
    /// # Errors
    /// [`StartError`] if there are no rules.
    pub fn new(config: Config, process: &Process) -> Result<Self, StartError> {
        let clients = Clients::new(&config.aws, process.audit.clone()).with_tracer(process.tracer.clone());
        let outbox = Outbox::new(FifoQueue::new(&clients, config.effects_queue));
        let app = config.settings.app(&clients, process.audit.clone(), process.clock())?;
        Ok(Self {
            app,
            outbox,
            metrics: process.metrics.clone(),
            tracer: process.tracer.clone(),
        })
    }

    /// Reads the secrets, opens the database, and verifies that this code and the schema are compatible.
    ///
    /// # Errors
    /// [`StartError`]: the function must not start.
    pub async fn warm_up(&self, context: &Context) -> Result<(), StartError> {
        Ok(self.app.get(context).await?.store().check_schema().await?)
    }

    /// Handles one batch; returns the messages to redeliver.
    ///
    /// # Errors
    /// If a message has no id: then the whole batch is redelivered.
    pub async fn handle(&self, event: SqsEvent, deadline: &Deadline) -> Result<SqsBatchResponse, MissingMessageId> {
        // Merge requests run concurrently: GitLab is read for several, and two transactions are written at a time. Boxed: a
        // delivery is one deep future, and its type would be nested too deeply for the compiler.
        process_fifo_groups(event, deadline, async |message| Box::pin(self.process(message)).await).await
    }
}
