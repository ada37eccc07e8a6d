//! The recorder function: stores what the others print, orders it, detects what is missing, and forwards it.
//!
//! Its own lines are not read back from a log: it keeps them in memory and stores them at the end of each invocation. Storing
//! prints nothing, so there is no loop.

mod config;
mod database;
mod delivery;
mod ingest;
mod jobs;
mod measure;
mod report;
mod request;
mod sequencer;

use std::sync::Arc;

use audit::{ActorType, Context, Memory, Writer};
use model::Clock;
use runtime::aws::{Clients, Secrets, StandardQueue};
use runtime::batch::{Message, process_fifo};
use runtime::metrics::Metrics;
use runtime::secrets::SecretSource;
use runtime::{Deadline, Process, StartError};
use uuid::Uuid;

pub use config::Config;
pub use database::DatabaseError;
pub use ingest::logs::Undecodable;
pub use ingest::store_lines::RecordError;
pub use report::{InvocationReport, Turn, TurnEnd};
pub use request::{LogsEvent, RecorderJob, RecorderRequest, RecorderResponse};

use database::VerifiedDatabase;
use delivery::Outlets;
use ingest::own_lines::OwnLines;
use measure::Measures;
use sequencer::ReportTimes;

/// The input of an execution environment.
#[derive(Debug)]
pub struct Parts {
    pub audit: Writer,
    /// The lines that `audit` keeps.
    pub lines: Memory,
    pub metrics: Metrics,
    pub clock: Arc<dyn Clock>,
}

impl Parts {
    /// Those of a process whose lines are kept.
    #[must_use]
    pub fn of(process: &Process, lines: Memory) -> Self {
        Self {
            audit: process.audit.clone(),
            lines,
            metrics: process.metrics.clone(),
            clock: process.clock(),
        }
    }
}

/// One execution environment of the function.
#[derive(Debug)]
pub struct Recorder {
    database: VerifiedDatabase,
    outlets: Outlets,
    retry_queue: StandardQueue,
    inlet_queue_arn: String,
    own: OwnLines,
    report_times: ReportTimes,
    audit: Writer,
    measures: Measures,
    clock: Arc<dyn Clock>,
    gap_after: jiff::SignedDuration,
}

impl Recorder {
    /// Builds the clients without calling anything.
    ///
    /// # Errors
    /// [`StartError`] if a destination cannot be set up.
    pub fn new(config: Config, parts: Parts) -> Result<Self, StartError> {
        let Parts {
            audit,
            lines,
            metrics,
            clock,
        } = parts;
        let clients = Clients::new(&config.aws, audit.clone());
        let source: Arc<dyn SecretSource> = Arc::new(Secrets::new(&clients));
        Ok(Self {
            database: VerifiedDatabase::new(Arc::clone(&source), config.database, &clock),
            outlets: Outlets::new(&config.destinations, source, config.outbound_secret_id, &audit, &clock)?,
            retry_queue: StandardQueue::new(&clients, config.retry_queue),
            inlet_queue_arn: config.inlet_queue_arn,
            own: OwnLines::new(lines),
            report_times: ReportTimes::default(),
            audit,
            measures: Measures::new(metrics),
            clock,
            gap_after: config.gap_after,
        })
    }

    /// Reads the database secret and opens the connection. If that fails, the function still starts: it sends lines to the retry
    /// queue until the database is back.
    pub async fn warm_up(&self, context: &Context) {
        if let Err(error) = self.database.store(context).await {
            tracing::warn!(error = %error, "database unavailable; sending lines to the retry queue");
        }
    }

    /// Executes the request.
    ///
    /// # Errors
    /// [`RecordError`]: nothing counts as done; the caller must retry the request.
    pub async fn handle(&self, request: RecorderRequest, deadline: &Deadline) -> Result<RecorderResponse, RecordError> {
        let context = Context::new(ActorType::PollCycle, Uuid::now_v7());
        // Boxed: each is one deep future, and their types would be nested too deeply for the compiler.
        let answer = match request {
            RecorderRequest::Logs(event) => Box::pin(self.logs(&context, &event, deadline))
                .await
                .map(RecorderResponse::Done),
            RecorderRequest::Messages(event) => {
                let message = async |message: Message| {
                    if message.source_arn.as_ref() == Some(&self.inlet_queue_arn) {
                        Box::pin(self.producer_message(&context, &message)).await
                    } else {
                        Box::pin(self.message(&context, message)).await
                    }
                };
                let response = process_fifo(event, deadline, message).await;
                response.map(RecorderResponse::Messages).map_err(RecordError::from)
            }
            RecorderRequest::Jobs(jobs) => Box::pin(self.jobs(&context, &jobs, deadline))
                .await
                .map(RecorderResponse::Done),
        };
        self.store_own(&context).await;
        answer
    }

    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
